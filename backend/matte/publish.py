"""Finished mattes take their places in the shot, all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.pipeline.atomic import disk_errors, remove_partials
from backend.pipeline.context import StageContext
from backend.pipeline.journal import change_files
from shared.artifacts import MATTE, ROTO, Artifact, frame_name
from shared.matte_report import MATTE_REPORT
from shared.shot import ShotFolder

COMBINED = "combined"
FOREGROUND_SUFFIX, TRIMAP_SUFFIX = "_fg", "_trimap"


@dataclass(frozen=True)
class Workshop:
    """Where everything is made, in the stage's checkpoint folder: what is there after a stop is whole."""

    folder: Path

    def path(self, name: str, number: int, extension: str = "png") -> Path:
        """A frame's file in what becomes `matte/<name>`."""
        return self.folder / MATTE / name / frame_name(number, extension)

    def union(self, number: int) -> Path:
        """A frame's file in what becomes `roto/combined`. It is written last: with it, the frame is done."""
        return self.folder / ROTO / COMBINED / frame_name(number)


def open_workshop(context: StageContext) -> Workshop:
    """Raises `DiskFull`, `ShotReadOnly`."""
    shop = Workshop(context.checkpoint_dir / "out")
    with disk_errors(shop.folder):
        shop.folder.mkdir(parents=True, exist_ok=True)
        for folder in shop.folder.glob("*/*"):
            remove_partials(folder)
    return shop


def publish(
    shop: Workshop, context: StageContext, kinds: Mapping[str, str], report: str, frames: Sequence[int], *, whole: bool
) -> tuple[Artifact, ...]:
    """kinds: folder under matte/ -> kind of artifact. whole: what is there of other frames goes. Raises `JobCancelled`
    before anything has changed, `DiskFull`, `ShotReadOnly`."""
    shot = context.shot
    context.check_cancelled()
    context.begin_changes()
    places = {shop.folder / MATTE / name: shot.matte_dir / name for name in kinds}
    places[shop.folder / ROTO / COMBINED] = shot.roto_dir / COMBINED
    with disk_errors(shot.matte_dir), change_files(shot) as change:
        for made, final in places.items():
            for item in sorted(made.iterdir()):
                item.replace(change.stage(final / item.name, fleeting=True))
            if whole:
                change.replaces_folder(final)
        for stale in _stale(shot, kinds) if whole else ():
            for item in stale.glob("frame_*"):
                change.remove(item)
        change.stage(shot.root / MATTE_REPORT).write_text(report, encoding="utf-8")
    span = (frames[0], frames[-1])
    listed = [context.artifact(kind, shot.matte_dir / name, span) for name, kind in kinds.items()]
    listed.append(context.artifact("roto-combined", shot.roto_dir / COMBINED, span))
    return (*listed, context.artifact("matte-report", shot.root / MATTE_REPORT))


def _stale(shot: ShotFolder, kinds: Mapping[str, str]) -> list[Path]:
    """Foregrounds and trimaps that an earlier run wrote beside mattes that are made anew: they would not fit."""
    labels = [name for name, kind in kinds.items() if kind == "matte"]
    beside = [shot.matte_dir / (label + suffix) for label in labels for suffix in (FOREGROUND_SUFFIX, TRIMAP_SUFFIX)]
    return [folder for folder in beside if folder.is_dir() and folder.name not in kinds]
