"""A person as BlazePose would see it: landmarks of a body that stands before the camera, moved and scaled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backend.pose.names import BLAZEPOSE
from backend.roto.people.evidence import BODY, PARTS, Floats, Look, PersonEvidence, Picture, Region
from tests.unit.people_scenes import SIZE, body_mask, person

_PLACES = {
    "nose": (0.0, -0.62, -0.20), "eye": (0.03, -0.65, -0.18), "ear": (0.07, -0.63, -0.08),
    "shoulder": (0.18, -0.48, 0.0), "elbow": (0.22, -0.22, 0.0), "wrist": (0.24, 0.02, -0.05),
    "hand": (0.24, 0.10, -0.07), "hip": (0.10, 0.0, 0.0), "knee": (0.11, 0.42, 0.0), "ankle": (0.11, 0.82, 0.03),
    "heel": (0.11, 0.86, 0.08), "index": (0.12, 0.87, -0.10),
}  # fmt: skip
"""Metres from the middle of the hips, of the person's left, which is on the right in the picture."""

PX_PER_M = 45.0


def world() -> Floats:
    """[33, 3]"""
    found = np.zeros((PARTS[BODY], 3), np.float32)
    for name, indices in BLAZEPOSE.items():
        x, y, z = _PLACES[name.rpartition("_")[2]]
        found[list(indices)] = (-x if name.startswith("right_") else x), y, z
    return found


def landmarks(x: float, y: float, px_per_m: float = PX_PER_M, score: float = 0.99) -> Floats:
    """[33, 4] of a body whose hips are at x, y."""
    xy = world()[:, :2] * px_per_m + np.array([x, y], np.float32)
    return np.concatenate([xy, np.full((len(xy), 2), score)], 1).astype(np.float32)


class FakeWorker:
    """Knows where people stand: x of the hips, by the brightness of the picture's first px, which tests use as the
    frame's number. Its looks err by `noise` px, its own way for each; mirrored ones too."""

    version = "0"

    def __init__(self, people: dict[int, Sequence[float]], noise: float = 0.0) -> None:
        self._people, self._noise = people, noise
        self._rng = np.random.default_rng(0)
        self.found: list[int] = []
        self.looked: list[str] = []
        self.offset = (0.0, 0.0)

    def find(self, picture: Picture, near: Sequence[Region] = (), *, search: bool = True) -> list[PersonEvidence]:
        number = int(picture[0, 0, 0])
        self.found.append(number)
        return [self._person(x, 0.9 if search else None) for x in self._people.get(number, ())]

    def _person(self, x: float, score: float | None) -> PersonEvidence:
        return person(x, score=score, mask=body_mask(x))

    def look(
        self, picture: Picture, part: str, regions: Sequence[Region], mirrored: Sequence[bool]
    ) -> list[Look | None]:
        self.looked.append(part)
        return [self._look(part, region) for region in regions]

    def _look(self, part: str, region: Region) -> Look | None:
        x, y, size, _ = region
        if part == BODY:
            seen = landmarks(x, y, size / 2.3)
            seen[:, :2] += self._rng.normal(0.0, self._noise, (len(seen), 2))
            return Look(seen, world(), (x, y, size, 0.0), 0.99)
        spread = self._rng.uniform(-0.3, 0.3, (PARTS[part], 2)) * size
        spread[0] = 0.0
        found = np.concatenate([np.array([[x, y]]) + spread, np.ones((len(spread), 2))], 1).astype(np.float32)
        return Look(found, np.zeros((len(found), 3), np.float32), (x, y, size, 0.0), 0.9)


def frame(number: int) -> Picture:
    shown = np.full((*SIZE, 3), 128, np.uint8)
    shown[0, 0] = number
    return shown
