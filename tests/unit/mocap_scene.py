"""Somebody who stands on the floor, turns and waves; what a travelling camera and an unsure detector make of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.mocap.body import Body
from backend.mocap.evidence import Cameras, Evidence
from backend.mocap.skeleton import Floats, Skeleton, human
from backend.sfm.rotations import exponential

FPS = 24.0
SOLE_M = 0.04


@dataclass(frozen=True)
class Performance:
    truth: Body
    cameras: Cameras

    @property
    def joints(self) -> Floats:
        return self.truth.joints()


def performance(frames: int = 30, size: float = 0.9) -> Performance:
    """The left arm goes up and down, trunk and head turn, the legs stand, apart. The floor is z = 0."""
    skeleton = human()
    time = np.arange(frames) / FPS
    bent = {
        "left_shoulder": (0.0, -0.9 * np.sin(3.0 * time) + 0.6, 0.0),
        "left_elbow": (0.0, 0.0, -0.8 - 0.5 * np.sin(4.0 * time)),
        "right_shoulder": (0.0, 1.1, 0.0),
        "chest": (0.15, 0.0, 0.3 * np.sin(2.0 * time)),
        "head": (0.1, 0.0, 0.4 * np.sin(2.5 * time)),
        "left_hip": (0.0, -0.12, 0.0),
        "right_hip": (0.0, 0.12, 0.0),
    }
    turns = np.broadcast_to(np.eye(3), (frames, len(skeleton.segments), 3, 3)).copy()
    for number, joint in enumerate(skeleton.segments):
        parent = int(skeleton.parents[joint])
        x, y, z = bent.get(skeleton.names[joint], (0.0, 0.0, 0.0))
        own = exponential(np.stack([np.broadcast_to(v, frames) for v in (x, y, z)], 1))
        turns[:, number] = own if parent < 0 else turns[:, skeleton.segment_of[parent]] @ own
    body = Body(skeleton, np.zeros((frames, 3)), turns, size * skeleton.rest, size)
    heel = body.joints()[:, skeleton.index("left_heel"), 2]
    place = np.stack([np.full(frames, 0.3), np.full(frames, 4.0), SOLE_M - heel], 1)
    return Performance(Body(skeleton, place, turns, size * skeleton.rest, size), _travelling(frames))


def _travelling(frames: int) -> Cameras:
    """Eye height, looking along +y, moving to the right."""
    turn = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    centre = np.stack([np.linspace(-0.4, 0.6, frames), np.zeros(frames), np.full(frames, 1.5)], 1)
    matrix = np.broadcast_to([[600.0, 0.0, 320.0], [0.0, 600.0, 180.0], [0.0, 0.0, 1.0]], (frames, 3, 3))
    return Cameras(np.array(matrix), np.broadcast_to(turn, (frames, 3, 3)).copy(), -centre @ turn.T)


def detected(
    shown: Performance, px: float = 1.0, metres: float = 0.06, dropped: float = 0.1, measure: float = 1.0, seed: int = 0
) -> Evidence:
    """With noise, some joints lost, and a detector whose metre is `measure` metres. Collars are never seen."""
    rng = np.random.default_rng(seed)
    skeleton, joints = shown.truth.skeleton, shown.joints
    xy = shown.cameras.project(shown.cameras.seen(joints)) + rng.normal(0.0, px, (*joints.shape[:2], 2))
    away = joints - joints[:, list(skeleton.hips)].mean(1, keepdims=True)
    relative = np.einsum("tij,tkj->tki", shown.cameras.rotation, away) / measure
    relative += rng.normal(0.0, metres, relative.shape)
    lost = rng.random(joints.shape[:2]) < dropped
    lost[:, collars(skeleton)] = True
    return Evidence(xy, np.where(lost, np.inf, px), relative, np.where(lost, np.inf, metres))


def collars(skeleton: Skeleton) -> list[int]:
    return [skeleton.index("left_collar"), skeleton.index("right_collar")]
