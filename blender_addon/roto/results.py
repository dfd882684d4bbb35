"""What roto and matte have written into a shot folder. No bpy here: the pump reads on a thread."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..shared.artifacts import RESERVED_LABELS
from ..shared.errors import ArtifactMissing, ShotCorrupt
from ..shared.roto_report import ROTO_REPORT, RotoReport, read_roto_report
from ..shared.roto_splines import MaskSpline, read_splines
from ..shared.shot import ShotFolder, SourceFacts

_FRAME = re.compile(r"frame_(\d{4,})\.png")
_BESIDE = ("_fg", "_trimap")
_REMEDY = "Run the roto stage again."


@dataclass(frozen=True)
class Spline:
    """A closed Bézier curve that is there from `first` to `last`. keys: plate number -> float64 [N,6], for each
    point its place, left handle and right handle, px of the plate, y down. subtract: it is a hole."""

    first: int
    last: int
    subtract: bool
    keys: dict[int, np.ndarray]


@dataclass(frozen=True)
class LabelFiles:
    """masks, mattes: plate numbers that have one, ascending. splines: in the order of their application."""

    label: str
    masks: tuple[int, ...]
    mattes: tuple[int, ...] = ()
    splines: tuple[Spline, ...] = ()


@dataclass(frozen=True)
class RotoContents:
    """report: None for masks that another program made."""

    root: Path
    facts: SourceFacts
    labels: tuple[LabelFiles, ...]
    report: RotoReport | None


def read_roto(root: Path) -> RotoContents:
    """Raises `ArtifactMissing` before there is a mask, `ShotCorrupt`."""
    shot = ShotFolder(root)
    facts = shot.read().facts
    names = sorted({path.name for folder in (shot.roto_dir, shot.matte_dir) for path in _label_folders(folder)})
    found = tuple(
        LabelFiles(
            name, _numbers(shot.roto_dir / name), _numbers(shot.matte_dir / name),
            _splines(shot, name, (facts.width, facts.height)),
        )
        for name in names
    )  # fmt: skip
    labels = tuple(label for label in found if label.masks or label.mattes)
    if not labels:
        raise ArtifactMissing(f"{root} has no masks yet.", "Press Propagate first.")
    report = read_roto_report(shot) if (root / ROTO_REPORT).is_file() else None
    order = {name: index for index, name in enumerate(report.labels)} if report is not None else {}
    return RotoContents(root, facts, tuple(sorted(labels, key=lambda label: order.get(label.label, 1 << 30))), report)


def has_masks(root: Path) -> bool:
    """Whether there is anything to import."""
    shot = ShotFolder(root)
    return any(_label_folders(folder) for folder in (shot.roto_dir, shot.matte_dir))


def _splines(shot: ShotFolder, label: str, size: tuple[int, int]) -> tuple[Spline, ...]:
    """None where there is no such file. Raises `ShotCorrupt`."""
    try:
        found = read_splines(shot, label)
    except ArtifactMissing:
        return ()
    if (found.width, found.height) != size:
        of = f"{found.width} x {found.height}"
        raise ShotCorrupt(f"The splines of {label} are for {of} pixels, the plate has {size[0]} x {size[1]}.", _REMEDY)
    return tuple(_spline(label, spline) for spline in found.splines)


def _spline(label: str, said: MaskSpline) -> Spline:
    keys = {key.frame: np.array(key.points, np.float64).reshape(-1, 6) for key in said.keys}
    whole = bool(keys) and all(len(points) == said.points and np.isfinite(points).all() for points in keys.values())
    if not whole or said.points < 1:
        raise ShotCorrupt(f"A spline of {label} has other points than it says, or one that is no number.", _REMEDY)
    return Spline(said.first, said.last, said.subtract, dict(sorted(keys.items())))


def _label_folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    names = {path.name for path in found}
    return [path for path in found if path.name.casefold() not in RESERVED_LABELS and not _is_beside(path.name, names)]


def _is_beside(name: str, names: set[str]) -> bool:
    """Whether a folder holds more of a label (person_fg of person) and is no label itself."""
    return any(name.endswith(ending) and name.removesuffix(ending) in names for ending in _BESIDE)


def _numbers(folder: Path) -> tuple[int, ...]:
    if not folder.is_dir():
        return ()
    found = (_FRAME.fullmatch(path.name) for path in folder.iterdir())
    return tuple(sorted(int(match[1]) for match in found if match))
