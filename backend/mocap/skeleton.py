"""The body that is fitted: joints, which hangs on which, where they are at rest, and how they bend.

Rest is a T-pose. Axes of the body: x to the person's left, y to the back, z up; metres. Names are those of
docs/formats.md, with a collar on each side between chest and shoulder.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Slopes = NDArray[np.floating]
"""Single precision does: they say where to step, not where things are."""

STATURE_M = 1.72
"""Of the rest pose below, heel to top of the head."""

_REST: tuple[tuple[str, str, tuple[float, float, float]], ...] = (
    ("pelvis", "", (0.0, 0.0, 0.0)),
    ("spine", "pelvis", (0.0, 0.0, 0.12)),
    ("chest", "spine", (0.0, 0.0, 0.20)),
    ("neck", "chest", (0.0, 0.0, 0.20)),
    ("head", "neck", (0.0, 0.0, 0.10)),
    ("head_top", "head", (0.0, 0.0, 0.17)),
    ("nose", "head", (0.0, -0.10, 0.04)),
    ("left_eye", "head", (0.032, -0.085, 0.065)),
    ("left_ear", "head", (0.075, 0.0, 0.035)),
    ("left_collar", "chest", (0.03, -0.02, 0.15)),
    ("left_shoulder", "left_collar", (0.14, 0.02, 0.0)),
    ("left_elbow", "left_shoulder", (0.27, 0.0, 0.0)),
    ("left_wrist", "left_elbow", (0.24, 0.0, 0.0)),
    ("left_hand", "left_wrist", (0.09, 0.0, 0.0)),
    ("left_hip", "pelvis", (0.095, 0.0, -0.05)),
    ("left_knee", "left_hip", (0.0, 0.0, -0.41)),
    ("left_ankle", "left_knee", (0.0, 0.0, -0.41)),
    ("left_heel", "left_ankle", (0.0, 0.05, -0.06)),
    ("left_foot_index", "left_ankle", (0.0, -0.15, -0.06)),
)
"""Joint, the joint it hangs on, and where it is from there. The right side is the left one mirrored."""

_MIRROR = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Bend:
    """How a joint turns against the one it hangs on, as a rotation vector in the body's axes, degrees. spread:
    standard deviation about rest. least, most: beyond them a joint hardly goes."""

    spread: tuple[float, float, float]
    least: tuple[float, float, float] = (-180.0, -180.0, -180.0)
    most: tuple[float, float, float] = (180.0, 180.0, 180.0)


_BENDS = {
    "spine": Bend((25, 15, 15), (-35, -30, -35), (70, 30, 35)),
    "chest": Bend((20, 12, 15), (-30, -25, -35), (50, 25, 35)),
    "neck": Bend((25, 20, 25), (-50, -40, -50), (50, 40, 50)),
    "head": Bend((20, 15, 25), (-45, -35, -50), (45, 35, 50)),
    "left_collar": Bend((10, 15, 12), (-25, -35, -30), (25, 15, 30)),
    "left_shoulder": Bend((70, 70, 70)),
    "left_elbow": Bend((45, 8, 70), (-100, -15, -155), (100, 15, 5)),
    "left_wrist": Bend((20, 40, 25), (-45, -90, -45), (45, 90, 45)),
    "left_hip": Bend((60, 30, 30), (-135, -60, -60), (45, 60, 60)),
    "left_knee": Bend((70, 7, 12), (-5, -15, -35), (155, 15, 35)),
    "left_ankle": Bend((25, 15, 20), (-35, -30, -35), (60, 30, 35)),
}
"""Ranges of motion after the American Academy of Orthopaedic Surgeons ("Joint Motion", 1965), rounded outwards. The
elbow bends about -z (the forearm comes forward), the knee about x (the shin goes back)."""

_FREE = Bend((180, 180, 180))

_ACCELERATION = {
    "hand": 15.0,
    "wrist": 12.0,
    "foot_index": 12.0,
    "heel": 12.0,
    "ankle": 10.0,
    "elbow": 8.0,
    "knee": 8.0,
}
_TRUNK_ACCELERATION = 4.0
"""m/s^2, typical of a joint of somebody who moves briskly: what the solver takes for granted; more is possible."""


@dataclass(frozen=True)
class Skeleton:
    """names [J]; parents [J], -1 for the root, always before their children; rest [J,3]: from the parent, m;
    bends [J]: against the parent; acceleration [J], m/s^2; twin [J]: the joint of the left side that this one mirrors,
    or itself."""

    names: tuple[str, ...]
    parents: Indices
    rest: Floats
    bends: tuple[Bend, ...]
    acceleration: Floats
    twin: Indices

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        return self.names.index(name)

    @cached_property
    def hips(self) -> tuple[int, int]:
        return self.index("left_hip"), self.index("right_hip")

    @cached_property
    def segments(self) -> Indices:
        """[S] joints that others hang on: each has an orientation."""
        return np.array(sorted({int(p) for p in self.parents if p >= 0}), np.int64)

    @cached_property
    def segment_of(self) -> Indices:
        """[J] number among `segments` of a joint's own orientation, -1 for ends."""
        found = np.full(len(self), -1, np.int64)
        found[self.segments] = np.arange(len(self.segments))
        return found

    @cached_property
    def paths(self) -> tuple[tuple[int, ...], ...]:
        """For each joint, the joints on the way from the root to it, itself included, the root not."""
        found: list[tuple[int, ...]] = []
        for joint, parent in enumerate(self.parents):
            found.append(() if parent < 0 else (*found[parent], joint))
        return tuple(found)

    @cached_property
    def at_rest(self) -> Floats:
        """[J,3] from the root."""
        return hung(self.parents, self.rest)

    @cached_property
    def mirrored(self) -> Floats:
        """[J,3] factor of a twin's rest that gives a joint's own."""
        own = self.twin == np.arange(len(self))
        return np.where(own[:, None], 1.0, _MIRROR)


def hung(parents: Indices, offsets: Floats) -> Floats:
    """[J,3] from the root: where joints are whose offsets [J,3] from their parents [J] nothing turns."""
    found = np.zeros_like(offsets)
    for joint, parent in enumerate(parents):
        if parent >= 0:
            found[joint] = found[parent] + offsets[joint]
    return found


def _right(name: str) -> str:
    return name.replace("left_", "right_")


def _mirrored_bend(bend: Bend) -> Bend:
    """In a mirror across x, turns about y and z change sign."""
    (ax, ay, az), (bx, by, bz) = bend.least, bend.most
    return Bend(bend.spread, (ax, -by, -bz), (bx, -ay, -az))


def human() -> Skeleton:
    """The skeleton of a grown-up of `STATURE_M`."""
    rows = list(_REST)
    for name, parent, rest in _REST:
        if name.startswith("left_"):
            x, y, z = rest
            rows.append((_right(name), _right(parent), (-x, y, z)))
    names = tuple(row[0] for row in rows)
    index = {name: i for i, name in enumerate(names)}
    bends, pace = [], []
    for name in names:
        left = name.replace("right_", "left_")
        bend = _BENDS.get(left, _FREE)
        bends.append(bend if left == name else _mirrored_bend(bend))
        pace.append(_ACCELERATION.get(left.removeprefix("left_"), _TRUNK_ACCELERATION))
    return Skeleton(
        names,
        np.array([index.get(row[1], -1) for row in rows], np.int64),
        np.array([row[2] for row in rows]),
        tuple(bends),
        np.array(pace),
        np.array([index[name.replace("right_", "left_")] for name in names], np.int64),
    )
