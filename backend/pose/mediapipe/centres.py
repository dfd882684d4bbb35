"""From BlazePose's landmarks to centres of joints.

The network was taught with points that people mark on the skin; a skeleton turns about centres inside the body. What
lies between the two is about the same on everybody: the shoulder is below the mark at its top, the knuckles are farther
out than the marks of the hand, the ear is behind the one in front of it. `_OFFSETS` holds those that came out alike on
rendered people of four kinds seen from all around, in the axes of the part of the body that the joint is on; they
take a fifth off the median distance from the true joints. The network's own 3D head has its ears where they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..keypoints import Floats
from ..names import BLAZEPOSE

Doubles = NDArray[np.float64]
NAMES = tuple(BLAZEPOSE)

TRUNK, HEAD, FOOT = "trunk", "head", "foot"


@dataclass(frozen=True)
class _Offset:
    """part: trunk, head, foot, or the end of the limb whose other end is `limb`. metres: to the person's left (of a
    right joint: to the right), to the back, and up; of a limb, up is towards its other end."""

    part: str
    metres: tuple[float, float, float]


_OFFSETS: Mapping[str, _Offset] = {
    "nose": _Offset(HEAD, (0.0, 0.0, -0.015)),
    "eye": _Offset(HEAD, (0.0, 0.0, -0.008)),
    "ear": _Offset(HEAD, (0.04, 0.04, 0.0)),
    "shoulder": _Offset(TRUNK, (0.0, 0.0, -0.027)),
    "elbow": _Offset("shoulder", (0.0, 0.0, -0.010)),
    "hand": _Offset("wrist", (0.0, 0.0, -0.025)),
    "hip": _Offset(TRUNK, (0.0, 0.020, 0.0)),
    "knee": _Offset("hip", (0.0, 0.0, -0.014)),
    "ankle": _Offset("knee", (0.0, 0.0, -0.010)),
    "heel": _Offset(FOOT, (0.0, 0.018, 0.0)),
}


_IS_HEAD = np.array([name.rpartition("_")[2] in ("nose", "eye", "ear") for name in NAMES])


def centred(xy: Floats, relative: Floats) -> tuple[Floats, Floats]:
    """xy [N,2] px and relative [N,3] m of the joints NAMES, moved to the joints' centres; relative is from the middle
    of the hips again. How many px a metre is comes from comparing the two."""
    axes = _Axes(relative.astype(np.float64))
    moved = np.stack([_offset(axes, name) for name in NAMES])
    better = relative + np.where(_IS_HEAD[:, None], 0.0, moved)
    better -= 0.5 * (better[_at("left_hip")] + better[_at("right_hip")])
    return (xy + px_per_metre(xy, relative) * moved[:, :2]).astype(np.float32), better.astype(np.float32)


def px_per_metre(xy: Floats, relative: Floats) -> float:
    """Of a weak perspective camera. 0 when the points say nothing."""
    seen, own = xy - xy.mean(0), relative[:, :2] - relative[:, :2].mean(0)
    spread = float((own * own).sum())
    return max(0.0, float((seen * own).sum()) / spread) if spread > 0 else 0.0


def _offset(axes: _Axes, name: str) -> Doubles:
    """[3] in camera axes."""
    side, _, joint = name.rpartition("_")
    about = _OFFSETS.get(joint)
    if about is None:
        return np.zeros(3)
    left, back, up = about.metres
    outwards = -left if side == "right" else left
    return np.asarray(np.array([outwards, back, up]) @ axes.of(about.part, side, joint))


class _Axes:
    """Axes of parts of a body [3,3]: rows point to its left, back and up, in the axes of `relative`."""

    def __init__(self, relative: Doubles) -> None:
        self._relative = relative
        shoulders = self._point("left_shoulder"), self._point("right_shoulder")
        hips = self._point("left_hip"), self._point("right_hip")
        up = _unit(0.5 * (shoulders[0] + shoulders[1] - hips[0] - hips[1]))
        self._trunk = _frame(up, shoulders[0] - shoulders[1] + hips[0] - hips[1])

    def of(self, part: str, side: str, joint: str) -> Doubles:
        if part == TRUNK:
            return self._trunk
        if part == HEAD:
            ears = self._point("left_ear"), self._point("right_ear")
            left, back = _unit(ears[0] - ears[1]), 0.5 * (ears[0] + ears[1]) - self._point("nose")
            back = _unit(back - left * (back @ left))
            return np.stack([left, back, np.cross(left, back)])
        if part == FOOT:
            back = _unit(self._point(f"{side}_heel") - self._point(f"{side}_foot_index"))
            up = _unit(self._point(f"{side}_knee") - self._point(f"{side}_ankle"))
            left = _unit(np.cross(back, up))
            return np.stack([left, back, np.cross(left, back)])
        return _frame(_unit(self._point(f"{side}_{part}") - self._point(f"{side}_{joint}")), self._trunk[0])

    def _point(self, name: str) -> Doubles:
        return np.asarray(self._relative[_at(name)])


def _frame(up: Doubles, left: Doubles) -> Doubles:
    """Rows left, back, up: up as it is, left as near as may be."""
    left = _unit(left - up * (left @ up))
    return np.stack([left, np.cross(up, left), up])


def _unit(vector: Doubles) -> Doubles:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))


def _at(name: str) -> int:
    return NAMES.index(name)
