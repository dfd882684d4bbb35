"""Whether what a stage made is what the panels ask for now, and if not, why. No bpy here.

It is told by the manifests alone, which costs nothing; the backend, which looks at the contents of all inputs, has the
last word when a job runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .shared.params import specs
from .shared.shot import ShotFolder
from .shared.stages import STAGES, stage_info

NEVER, CURRENT, STALE = "never", "current", "stale"
_IMPORTED = "imported:"
"""How keys begin of what came from another program: parameters are nothing to it."""

_OF_ONE_RUN = {"roto": ("frame_start", "frame_end")}
"""Parameters that say which part of the result is made anew, not what it is."""

_SOURCES = {
    "roto": ("roto/prompts.json", "the hints have changed"),
    "solve": ("camera/hints.json", "hints of tracks have changed"),
}
"""Files that artists change, and the stage that reads them."""


@dataclass(frozen=True)
class StageRecord:
    """Of a stage that has finished. params: all it ran with. made_from: stage -> key it had. missing: the first of its
    files that is not there any more, "" when all are. edited: why it is older than what the artist said, "" when it is
    not."""

    key: str
    params: Mapping[str, Any]
    made_from: Mapping[str, str]
    engine: str = ""
    seconds: float = 0.0
    missing: str = ""
    edited: str = ""


@dataclass(frozen=True)
class StageState:
    """kind: one of the above. reasons: why it is stale, parts of a sentence."""

    kind: str
    reasons: tuple[str, ...] = field(default=())


def read_records(folder: Path) -> dict[str, StageRecord]:
    """Of every stage that has run in a shot. A manifest that cannot be read counts as none."""
    shot = ShotFolder(folder)
    found = {info.name: _record(shot, info.name) for info in STAGES}
    return {name: record for name, record in found.items() if record is not None}


def state_of(stage: str, records: Mapping[str, StageRecord], wanted: Mapping[str, Any]) -> StageState:
    """wanted: the parameters of the panel, as far as they are not the defaults."""
    record = records.get(stage)
    if record is None:
        return StageState(NEVER)
    imported = record.key.startswith(_IMPORTED)
    reasons = [] if imported else [*_changed_params(stage, record, wanted), *_changed_stages(stage, records, record)]
    reasons += [one for one in (record.edited, f"{record.missing} is gone" if record.missing else "") if one]
    return StageState(STALE, tuple(reasons)) if reasons else StageState(CURRENT)


def _changed_params(stage: str, record: StageRecord, wanted: Mapping[str, Any]) -> list[str]:
    known = specs(stage_info(stage).params)
    labels = [
        spec.label
        for spec in known
        if spec.name not in _OF_ONE_RUN.get(stage, ())
        and wanted.get(spec.name, spec.default) != record.params.get(spec.name, spec.default)
    ]
    return [f"other settings: {', '.join(labels)}"] if labels else []


def _changed_stages(stage: str, records: Mapping[str, StageRecord], record: StageRecord) -> list[str]:
    again = [
        stage_info(needed).label
        for needed in stage_info(stage).needs
        if needed in records and record.made_from.get(needed) not in (None, records[needed].key)
    ]
    return [f"{label} ran again" for label in again]


def _record(shot: ShotFolder, stage: str) -> StageRecord | None:
    path = shot.manifests_dir / f"{stage}.json"
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        result = plain["result"]
        gone = (one["path"] for one in result["artifacts"] if not (shot.root / one["path"]).exists())
        return StageRecord(
            key=str(plain["key"]),
            params=dict(plain["params"]),
            made_from={name[6:]: key for name, key in plain["inputs"].items() if name.startswith("stage:")},
            engine=str(result["engine"]),
            seconds=float(result.get("seconds", 0.0)),
            missing=next(gone, ""),
            edited=_edited(shot, stage, path),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _edited(shot: ShotFolder, stage: str, manifest: Path) -> str:
    name, reason = _SOURCES.get(stage, ("", ""))
    try:
        newer = bool(name) and (shot.root / name).stat().st_mtime_ns > manifest.stat().st_mtime_ns
    except FileNotFoundError:
        return ""
    return reason if newer else ""
