"""What the worker says about a picture, on both sides of its pipe.

Messages are those of `shared/codec.py`. Requests of the backend:

    people.find {"width", "height", "pixels": RGB bytes, "near": [[x, y, size, turn], ...], "search": bool}
        -> {"people": [person, ...]}

    people.look {"width", "height", "pixels", "part": "body" | "hand" | "face", "regions": [region, ...],
                 "mirrored": [bool, ...]}
        -> {"looks": [look | nil, ...]}

`near` are regions where people were shortly before; `search` looks for others in the whole picture. `people.look` asks
a landmark network about given regions, each as it is or mirrored; what comes back is in the picture as it was sent. A
person is a map with the fields of `PersonEvidence`, a look one with those of `Look`, arrays as the bytes of
little-endian float32. Notification of the worker, first of all: `people.ready {"mediapipe": version}`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]
Region = tuple[float, float, float, float]

LANDMARKS = 33
LONGEST_SIDE = 1280
"""px of the longer side of pictures that travel: the networks take 224 and 256 px, so that more would not be seen, and
a square picture of that side still fits into a message."""


@dataclass(frozen=True)
class PersonEvidence:
    """One person in one picture; coordinates in px of that picture, edges at integers.

    score: 0..1, of the detector; None where an earlier region led there. agreement: 0..1, intersection over union of
    the masks that the network gives for two regions of the person: low where it wavers. region: (x, y, size, turn)
    square that the landmark network looked at: centre and side in px, turned by `turn` radians. box: x0, y0, x1, y1
    around the mask. landmarks [33, 4]: x, y, visibility, presence (BlazePose's order). world
    [33, 3]: metres from the middle of the hips, x right, y down, z away from the camera. soft: the mask, 8-bit inside
    of `box`, compressed.
    """

    score: float | None
    agreement: float
    region: Region
    box: tuple[int, int, int, int]
    landmarks: Floats
    world: Floats
    packed: bytes

    @property
    def soft(self) -> NDArray[np.uint8]:
        """uint8 [y1 - y0, x1 - x0]: 255 where the person is for certain."""
        x0, y0, x1, y1 = self.box
        return np.frombuffer(zlib.decompress(self.packed), np.uint8).reshape(y1 - y0, x1 - x0)

    def full_mask(self, height: int, width: int) -> Floats:
        """float32 [height, width] in 0..1, of a picture of that size."""
        x0, y0, x1, y1 = self.box
        mask = np.zeros((height, width), np.float32)
        mask[y0:y1, x0:x1] = self.soft.astype(np.float32) / 255.0
        return mask

    @property
    def sure_box(self) -> tuple[int, int, int, int]:
        """The box around what is at least half sure; `box` has the mask's faintest traces too."""
        if not self.packed:
            return self.box
        x0, y0, _, _ = self.box
        sure = self.soft >= 128
        rows, columns = (np.flatnonzero(sure.any(axis)) for axis in (1, 0))
        if not len(rows):
            return self.box
        return x0 + int(columns[0]), y0 + int(rows[0]), x0 + int(columns[-1]) + 1, y0 + int(rows[-1]) + 1

    def without_outline(self) -> PersonEvidence:
        """Where the person is, without mask and landmarks, which are kilobytes; `box` is the sure one."""
        nothing = np.zeros((0, 4), np.float32)
        return replace(self, box=self.sure_box, landmarks=nothing, world=nothing[:, :3], packed=b"")

    def to_wire(self) -> dict[str, Any]:
        return {
            "score": self.score,
            "agreement": self.agreement,
            "region": list(self.region),
            "box": list(self.box),
            "landmarks": self.landmarks.astype("<f4").tobytes(),
            "world": self.world.astype("<f4").tobytes(),
            "packed": self.packed,
        }

    @classmethod
    def from_wire(cls, plain: Mapping[str, Any]) -> PersonEvidence:
        x, y, size, turn = plain["region"]
        x0, y0, x1, y1 = plain["box"]
        return cls(
            None if plain["score"] is None else float(plain["score"]),
            float(plain["agreement"]),
            (float(x), float(y), float(size), float(turn)),
            (int(x0), int(y0), int(x1), int(y1)),
            np.frombuffer(plain["landmarks"], "<f4").reshape(LANDMARKS, 4).astype(np.float32),
            np.frombuffer(plain["world"], "<f4").reshape(LANDMARKS, 3).astype(np.float32),
            bytes(plain["packed"]),
        )


BODY, HAND, FACE = "body", "hand", "face"
PARTS = {BODY: LANDMARKS, HAND: 21, FACE: 468}
"""Parts of a person that there is a landmark network for, and how many landmarks it gives."""


@dataclass(frozen=True)
class Look:
    """What a landmark network says of a region, in px of the picture. landmarks [N, 4]: x, y, and of a body visibility
    and presence, else 1. world [N, 3]: metres as in `PersonEvidence`, about the middle of the part; zeros of a face.
    refined: the region that the landmarks ask for. score: 0..1, of the part as a whole: of a hand, how surely it is a
    left one in the picture as it was sent."""

    landmarks: Floats
    world: Floats
    refined: Region
    score: float

    def to_wire(self) -> dict[str, Any]:
        return {
            "landmarks": self.landmarks.astype("<f4").tobytes(),
            "world": self.world.astype("<f4").tobytes(),
            "refined": list(self.refined),
            "score": self.score,
        }

    @classmethod
    def from_wire(cls, plain: Mapping[str, Any]) -> Look:
        x, y, size, turn = plain["refined"]
        return cls(
            np.frombuffer(plain["landmarks"], "<f4").reshape(-1, 4).astype(np.float32),
            np.frombuffer(plain["world"], "<f4").reshape(-1, 3).astype(np.float32),
            (float(x), float(y), float(size), float(turn)),
            float(plain["score"]),
        )


def packed_mask(soft: Floats) -> tuple[tuple[int, int, int, int], bytes] | None:
    """The box around what is at least a hundredth in a soft mask [H, W] in 0..1, and the mask inside of it,
    compressed. None when nothing is."""
    level = np.rint(np.clip(soft, 0.0, 1.0) * 255.0).astype(np.uint8)
    rows, columns = (np.flatnonzero((level > 2).any(axis)) for axis in (1, 0))
    if not len(rows):
        return None
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    inside = np.ascontiguousarray(level[box[1] : box[3], box[0] : box[2]])
    return box, zlib.compress(inside.tobytes(), 1)
