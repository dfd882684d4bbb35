"""Whether what a stage made is what the panels ask for now, and if not, why. No bpy here.

It is told by the manifests alone, which costs nothing; the backend, which looks at the contents of all inputs, has the
last word when a job runs.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import wording
from .jobs import words
from .shared.messages import CANCELLED, JobStatus
from .shared.messages import FAILED as JOB_FAILED
from .shared.params import specs
from .shared.shot import ShotFolder
from .shared.stages import STAGES, stage_info

NEVER, CURRENT, STALE, RUNNING, FAILED = "never", "current", "stale", "running", "failed"
UNREAD = "unread"
"""The shot folder is being read."""

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
    """kind: one of the above. reasons: why it is stale, parts of a sentence. text: for people. job: the one that runs
    or failed, with its progress or error; None when panels of other stages show it."""

    kind: str
    reasons: tuple[str, ...] = field(default=())
    text: str = ""
    job: JobStatus | None = None


def read_records(folder: Path) -> dict[str, StageRecord]:
    """Of every stage that has run in a shot. A manifest that cannot be read counts as none."""
    shot = ShotFolder(folder)
    found = {info.name: _record(shot, info.name) for info in STAGES}
    return {name: record for name, record in found.items() if record is not None}


def state_of(stage: str, records: Mapping[str, StageRecord], wanted: Mapping[str, Any]) -> StageState:
    """wanted: the parameters of the panel, as far as they are not the defaults."""
    record = records.get(stage)
    if record is None:
        return StageState(NEVER, text="Never run")
    imported = record.key.startswith(_IMPORTED)
    reasons = [] if imported else [*_changed_params(stage, record, wanted), *_changed_stages(stage, records, record)]
    reasons += [one for one in (record.edited, f"{record.missing} is gone" if record.missing else "") if one]
    if reasons:
        return StageState(STALE, tuple(reasons), f"Out of date: {'; '.join(reasons)}")
    return StageState(CURRENT, text="Up to date")


@functools.lru_cache(maxsize=256)
def _folder(shot: str) -> Path:
    """Panels ask for every job at every drawing."""
    return Path(shot)


def newest_job(jobs: Iterable[JobStatus], folder: Path, stage: str) -> JobStatus | None:
    """The newest of a shot that was asked for a stage, or that is at it."""
    about = [
        job
        for job in jobs
        if (stage in job.request.stages or job.progress.stage == stage) and _folder(job.request.shot) == folder
    ]
    return max(about, key=lambda job: job.created, default=None)


def shown_state(
    stage: str,
    records: Mapping[str, StageRecord] | None,
    wanted: Mapping[str, Any],
    job: JobStatus | None,
    made: bool = False,
) -> StageState:
    """What a panel says of a stage. records: None while the folder is being read. job: see `newest_job`. made: whether
    the stage's files are there."""
    if job is not None and (not job.is_over or job.state == JOB_FAILED):
        said = _of_job(stage, job)
        if said is not None:
            return said
    if records is None:
        return StageState(UNREAD, text="Reading the shot folder")
    if made and stage not in records:
        return StageState(CURRENT, text="Made by an earlier version or another program")
    said = state_of(stage, records, wanted)
    if said.kind == NEVER and job is not None and job.state == CANCELLED:
        return StageState(NEVER, text="Never finished: the job was cancelled")
    return said


def _of_job(stage: str, job: JobStatus) -> StageState | None:
    """None when the job says nothing of the stage: done in it already, or another stage is to blame."""
    if any(result.stage == stage for result in job.results):
        return None
    at_work = job.progress.stage or job.request.stages[-1]
    if _order(stage) < _order(at_work):
        return None
    asked_alone = [name for name in job.request.stages if name != "ingest"] == [stage]
    if job.state == JOB_FAILED:
        return StageState(FAILED, text="Failed", job=job) if asked_alone or at_work == stage else None
    if asked_alone or at_work == stage:
        return StageState(RUNNING, text=words.progress_text(job), job=job)
    return StageState(RUNNING, text=f"Waits for {words.stage_label(at_work)}")


def _order(stage: str) -> int:
    """Of its turn; after all others for one that this version does not know."""
    return next((index for index, info in enumerate(STAGES) if info.name == stage), len(STAGES))


def _changed_params(stage: str, record: StageRecord, wanted: Mapping[str, Any]) -> list[str]:
    known = specs(stage_info(stage).params)
    labels = [
        wording.title(spec.label)
        for spec in known
        if spec.name not in _OF_ONE_RUN.get(stage, ())
        and wanted.get(spec.name, spec.default) != record.params.get(spec.name, spec.default)
    ]
    return [f"{', '.join(labels)} changed"] if labels else []


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
