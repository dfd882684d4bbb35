"""Hands and faces of a person whose body is known, by MediaPipe's own networks.

The body says where they are and how large; each network looks there, then once more where it says itself that its part
is. What it finds counts only when it is where the body has it: next to other people, or behind a back, there is always
something that looks like a hand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from backend.roto.people.evidence import FACE, HAND, Look, Region

from ..crops import Crop, crop_around
from ..job import Picture
from ..keypoints import FACE_POINTS, HAND_POINTS, Floats
from ..protocol import Looker
from .centres import NAMES, px_per_metre
from .faces import open_pose_face

SIDES = ("left", "right")
_SEEN = 0.5
_HAND_M, _HEAD_M = 0.19, 0.22
"""Length of a hand, height of a face with its forehead."""

_LEAST_PX = 14.0
"""Of a hand or face, below which there is nothing to be seen of fingers or eyes."""

_TRIES = {HAND: ((1.4, 0.0), (2.0, 0.0)), FACE: ((1.1, 0.0), (0.9, 0.14))}
"""Regions that are tried in turn: their side, and how far below the given place they are, in those lengths. The
networks are particular about what they take for a hand or a face, and the body says roughly where it is."""

_ASTRAY = 0.6
"""Of the length: how far from where the body has it a part may be."""

_SIDES_PX = {HAND: 336, FACE: 288}
"""px of a region in what is sent: one and a half times what the network sees."""


class HandsAndFace:
    """looker: see `engine.MediapipeEngine`."""

    def __init__(self, looker: Callable[[], Looker]) -> None:
        self._looker = looker

    def find(self, picture: Picture, xy: Floats, score: Floats, relative: Floats) -> tuple[Floats, Floats]:
        """hands [2,21,3], face [70,3]: x, y px of the plate and score, 0 where nothing is seen. xy, score, relative:
        of the body's joints. Raises `WorkerCrashed`."""
        body = {name: (xy[i], float(score[i])) for i, name in enumerate(NAMES)}
        metre = px_per_metre(xy, relative)
        hands = np.stack([self._hand(picture, body, metre, side) for side in SIDES])
        return hands, self._face(picture, body, metre)

    def _hand(self, picture: Picture, body: Mapping[str, tuple[Floats, float]], metre: float, side: str) -> Floats:
        nothing = np.zeros((HAND_POINTS, 3), np.float32)
        (elbow, _), (wrist, seen), (hand, _) = (body[f"{side}_{joint}"] for joint in ("elbow", "wrist", "hand"))
        length = _HAND_M * metre
        if seen < _SEEN or length < _LEAST_PX:
            return nothing
        along = hand - wrist if np.hypot(*(hand - wrist)) > 0.2 * length else wrist - elbow
        turn = math.atan2(float(along[0]), -float(along[1]))
        found = self._look(picture, HAND, hand, length, turn)
        if found is None or np.hypot(*(found[0] - wrist)) > _ASTRAY * length:
            return nothing
        return _scored(found, seen)

    def _face(self, picture: Picture, body: Mapping[str, tuple[Floats, float]], metre: float) -> Floats:
        nothing = np.zeros((FACE_POINTS, 3), np.float32)
        nose, seen = body["nose"]
        length = _HEAD_M * metre
        if seen < _SEEN or length < _LEAST_PX:
            return nothing
        across = body["left_ear"][0] - body["right_ear"][0]
        turn = math.atan2(float(across[1]), float(across[0])) if np.hypot(*across) > 0.25 * length else 0.0
        found = self._look(picture, FACE, nose, length, turn)
        return nothing if found is None else _scored(open_pose_face(found), seen)

    def _look(self, picture: Picture, part: str, place: Floats, length: float, turn: float) -> Floats | None:
        """[N, 2] the part's landmarks, plate px; None where it is not, or far from there."""
        x, y = float(place[0]), float(place[1])
        for side, below in _TRIES[part]:
            region = (x, y + below * length, side * length, turn)
            crop = crop_around(picture, region, _SIDES_PX[part], 0.5)
            if crop is None:
                return None
            found = self._twice(crop, part, crop.inside(region))
            if found is not None and _is_there(crop.outside(found.refined), region, length):
                return crop.plate_xy(found.landmarks[:, :2])
        return None

    def _twice(self, crop: Crop, part: str, region: Region) -> Look | None:
        (first,) = self._looker().look(crop.picture, part, [region], [False])
        if first is None or not all(map(math.isfinite, first.refined)) or first.refined[2] <= 1.0:
            return None
        (second,) = self._looker().look(crop.picture, part, [first.refined], [False])
        return second


def _is_there(found: Region, asked: Region, length: float) -> bool:
    apart = math.hypot(found[0] - asked[0], found[1] - asked[1])
    return apart < _ASTRAY * length and 0.5 < found[2] / asked[2] < 2.0


def _scored(xy: Floats, score: float) -> Floats:
    return np.concatenate([xy, np.full((len(xy), 1), score)], 1).astype(np.float32)
