"""The peer of `bench mocap`: MediaPipe's own 3D landmarks, one look a frame, placed in the world by their root.

They are what the search for people found on its way, as the shot keeps it (`.backlot/mocap/`). Each frame's root is
where the landmarks in metres meet the landmarks in the picture best, through that frame's camera. Which person is whom
is told by the truth, frame by frame: the peer cannot mix people up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.mocap.evidence import Cameras, nothing_seen
from backend.mocap.skeleton import human
from backend.mocap.start import place_of, shape_at
from backend.pose.protocol import MEDIAPIPE
from backend.pose.store import FOLLOWED, SEARCHED, FoundStore
from backend.roto.people.evidence import LONGEST_SIDE, PersonEvidence
from tests.benchmarks.scoring import Array

LANDMARKS = {
    "nose": (0,), "left_eye": (2,), "right_eye": (5,), "left_ear": (7,), "right_ear": (8,), "left_shoulder": (11,),
    "right_shoulder": (12,), "left_elbow": (13,), "right_elbow": (14,), "left_wrist": (15,), "right_wrist": (16,),
    "left_hand": (17, 19), "right_hand": (18, 20), "left_hip": (23,), "right_hip": (24,), "left_knee": (25,),
    "right_knee": (26,), "left_ankle": (27,), "right_ankle": (28,), "left_heel": (29,), "right_heel": (30,),
    "left_foot_index": (31,), "right_foot_index": (32,),
}  # fmt: skip
"""Our joints and the landmarks of BlazePose whose middle each is."""

_NEAR = 0.3
"""Of the person's size in the picture: farther off it is somebody else."""


@dataclass(frozen=True)
class Sights:
    """What MediaPipe said of every frame's people. size: width, height of the plate."""

    people: Sequence[Sequence[PersonEvidence]]
    size: tuple[int, int]

    @classmethod
    def of(cls, shot: Path, numbers: Sequence[int], size: tuple[int, int]) -> Sights:
        (folder,) = (shot / ".backlot/mocap").glob(f"*/found-{MEDIAPIPE}")
        store = FoundStore(folder)
        return cls([_of_frame(store, number) for number in numbers], size)

    def joints(self, cameras: Cameras, true_px: Array, names: Sequence[str]) -> Array:
        """[T,J,3] in the cameras' world, whose unit must be about a metre; NaN where nobody was seen near true_px
        [T,J,2]."""
        found = np.full((len(self.people), len(names), 3), np.nan)
        for index, people in enumerate(self.people):
            if people and np.isfinite(cameras.matrix[index]).all():
                pixels = [self._picture(one, names) for one in people]
                off = [float(np.median(np.linalg.norm(one - true_px[index], axis=1))) for one in pixels]
                best = int(np.argmin(off))
                if off[best] < _NEAR * float(np.ptp(true_px[index], axis=0).max()):
                    found[index] = _placed(people[best], pixels[best], index, cameras, names)
        return found

    def _picture(self, person: PersonEvidence, names: Sequence[str]) -> Array:
        scale = min(1.0, LONGEST_SIDE / max(self.size))
        return np.stack([person.landmarks[list(LANDMARKS[name]), :2].mean(0) for name in names]) / scale


def _of_frame(store: FoundStore, number: int) -> list[PersonEvidence]:
    return [*store.kept(number, FOLLOWED), *store.kept(number, SEARCHED)]


def _placed(person: PersonEvidence, pixels: Array, index: int, cameras: Cameras, names: Sequence[str]) -> Array:
    skeleton = human()
    evidence = nothing_seen(1, skeleton)
    body = np.stack([person.world[list(LANDMARKS[name])].mean(0) for name in names]).astype(np.float64)
    at = [skeleton.index(name) for name in names]
    evidence.xy[0, at], evidence.sd_px[0, at] = pixels, 1.0
    evidence.relative[0, at], evidence.sd_m[0, at] = body, 1.0
    one = Cameras(*(values[index : index + 1] for values in (cameras.matrix, cameras.rotation, cameras.translation)))
    camera = body + place_of(one, evidence, shape_at(evidence, 0), 0)
    world: Array = (camera - cameras.translation[index]) @ cameras.rotation[index]
    return world
