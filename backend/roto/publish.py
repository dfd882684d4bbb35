"""Finished masks take their places in the shot, all at once, and what an earlier run of this stage left goes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backend.pipeline.atomic import disk_errors
from backend.pipeline.context import StageContext
from backend.pipeline.journal import Change, change_files
from shared.artifacts import Artifact, frame_name
from shared.roto_report import ROTO_REPORT
from shared.shot import ShotFolder

from .outputs import write_union
from .ownership import foreign_file, made_file, read_made, require_own

UNION = "mask"


@dataclass
class Finished:
    """What a run made, in its checkpoint. numbers: plate numbers that got masks. plate: all plate numbers. labels:
    label -> folder whose files become its files. others: the same of other folders under roto/, with their artifacts'
    kinds. report: text of roto/report.json."""

    numbers: Sequence[int]
    plate: Sequence[int]
    labels: dict[str, Path] = field(default_factory=dict)
    others: dict[str, tuple[Path, str]] = field(default_factory=dict)
    report: str = ""

    @property
    def whole(self) -> bool:
        """Whether what is of other frames goes."""
        return len(self.numbers) == len(self.plate)

    @property
    def folders(self) -> dict[str, Path]:
        return self.labels | {name: folder for name, (folder, _) in self.others.items()}


def add_union(done: Finished, context: StageContext) -> None:
    """The union of all labels; hand-made pictures in roto/mask stay, and a notice says so. With a frame range, the
    other frames' union is of the masks that stay. Raises `JobCancelled`."""
    shot, folder, new = context.shot, context.checkpoint_dir / "union", frozenset(done.numbers)
    if not may_write(UNION, "union", context):
        return
    for number in done.plate:
        context.check_cancelled()
        places = [made if number in new else shot.roto_dir / label for label, made in done.labels.items()]
        masks = [path for place in places if (path := place / frame_name(number)).is_file()]
        if masks:
            write_union(masks, folder / frame_name(number))
    done.others[UNION] = (folder, "roto-union")


def may_write(name: str, what: str, context: StageContext) -> bool:
    """Whether a folder under roto/ that is no label's holds nothing of somebody else's; a notice says so if it does."""
    stranger = foreign_file(context.shot, name, read_made(context.shot))
    if stranger is not None:
        context.notice(
            f"roto/{name} holds {stranger.name}, which this stage did not make: it stays, no {what} is written."
        )
    return stranger is None


def publish(done: Finished, context: StageContext) -> tuple[Artifact, ...]:
    """Raises `InvalidRequest` when hand-made masks are in the way, `JobCancelled` before anything has changed,
    `DiskFull`, `ShotReadOnly`."""
    shot, made = context.shot, read_made(context.shot)
    require_own(shot, done.labels, made)
    context.check_cancelled()
    context.begin_changes()
    with disk_errors(shot.roto_dir):
        with change_files(shot) as change:
            new = {name: _stage_folder(change, shot, name, folder, done) for name, folder in done.folders.items()}
            gone = made.keys() - new.keys()
            for name in gone:
                _remove_own(change, shot, name, made[name])
            change.stage(shot.root / ROTO_REPORT).write_text(done.report, encoding="utf-8")
            change.stage(made_file(shot), last=True).write_text(json.dumps(new), encoding="utf-8")
        for name in sorted(gone):
            for folder in (shot.roto_dir / name, *(shot.roto_dir / name).parents):
                with contextlib.suppress(OSError):  # somebody put something else there
                    if folder.is_relative_to(shot.roto_dir):
                        folder.rmdir()
    return _artifacts(done, context)


def _stage_folder(change: Change, shot: ShotFolder, name: str, folder: Path, done: Finished) -> dict[str, int]:
    """Sizes of the files that the folder will have."""
    final = shot.roto_dir / name
    sizes: dict[str, int] = {}
    for item in sorted(folder.iterdir()):
        sizes[item.name] = item.stat().st_size
        item.replace(change.stage(final / item.name, fleeting=True))
    if done.whole:
        change.replaces_folder(final)
        return sizes
    new = {frame_name(number) for number in done.numbers}
    stay = {item.name: item.stat().st_size for item in final.iterdir() if item.is_file() and item.name not in new}
    for name in stay.keys() - sizes.keys():
        if not name.startswith("frame_"):  # what was made from other masks
            change.remove(final / name)
            del stay[name]
    return stay | sizes


def _remove_own(change: Change, shot: ShotFolder, name: str, files: Mapping[str, int]) -> None:
    """The files of a folder that nobody has changed since they were made."""
    folder = shot.roto_dir / name
    for item in sorted(folder.iterdir()) if folder.is_dir() else ():
        if item.is_file() and files.get(item.name) == item.stat().st_size:
            change.remove(item)


def _artifacts(done: Finished, context: StageContext) -> tuple[Artifact, ...]:
    roto = context.shot.roto_dir
    frames = (done.numbers[0], done.numbers[-1])
    listed = [context.artifact("roto", roto / label, frames) for label in done.labels]
    listed += [context.artifact(kind, roto / name, frames) for name, (_, kind) in done.others.items()]
    return (*listed, context.artifact("roto-report", context.shot.root / ROTO_REPORT))
