"""Keypoints in OpenPose's layouts, which ControlNet and many other programs read.

Cao et al., "OpenPose: Realtime Multi-Person 2D Pose Estimation using Part Affinity Fields" (TPAMI 2021), and its
description of outputs: BODY_25 has the feet, COCO's 18 are what ControlNet was trained on. A point is x, y in px with
edges at integers, and a score; one that was not seen is 0, 0, 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .keypoints import FACE_POINTS, HAND_POINTS, Floats, Keypoints

_BETWEEN = {"neck": ("left_shoulder", "right_shoulder"), "pelvis": ("left_hip", "right_hip")}
"""Points that OpenPose has between two others."""

COCO_18 = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "right_eye", "left_eye",
    "right_ear", "left_ear",
)  # fmt: skip
BODY_25 = (
    *COCO_18[:8], "pelvis", *COCO_18[8:], "left_foot_index", "left_small_toe", "left_heel", "right_foot_index",
    "right_small_toe", "right_heel",
)  # fmt: skip

SEEN = 0.3
"""Score below which a point is not given: OpenPose itself leaves out what it does not see."""


def body_points(seen: Keypoints, names: Sequence[str]) -> Floats:
    """[len(names), 3]: x, y, score."""
    return np.array([_point(seen, name) for name in names], np.float32)


def _point(seen: Keypoints, name: str) -> tuple[float, float, float]:
    if name in _BETWEEN:
        one, other = (_point(seen, part) for part in _BETWEEN[name])
        if min(one[2], other[2]) <= 0.0:
            return 0.0, 0.0, 0.0
        return 0.5 * (one[0] + other[0]), 0.5 * (one[1] + other[1]), min(one[2], other[2])
    if name not in seen.names:
        return 0.0, 0.0, 0.0
    at = seen.index(name)
    if seen.score[at] < SEEN:
        return 0.0, 0.0, 0.0
    return float(seen.xy[at, 0]), float(seen.xy[at, 1]), float(seen.score[at])


def hand_points(seen: Keypoints, side: int) -> Floats:
    """[21, 3]; side: 0 left, 1 right. Zeros when the hand was not seen."""
    return _given(None if seen.hands is None else seen.hands[side], HAND_POINTS)


def face_points(seen: Keypoints) -> Floats:
    """[70, 3]; zeros when the face was not seen."""
    return _given(seen.face, FACE_POINTS)


def _given(points: Floats | None, count: int) -> Floats:
    if points is None:
        return np.zeros((count, 3), np.float32)
    return np.where(points[:, 2:] >= SEEN, points, 0.0).astype(np.float32)


def frame_document(people: Sequence[tuple[int, Keypoints]]) -> dict[str, Any]:
    """What OpenPose writes for a frame. people: number of the person, and what is seen."""
    return {"version": 1.3, "people": [_person(number, seen) for number, seen in people]}


def _person(number: int, seen: Keypoints) -> dict[str, Any]:
    return {
        "person_id": [number],
        "pose_keypoints_2d": _flat(body_points(seen, BODY_25)),
        "face_keypoints_2d": [] if seen.face is None else _flat(face_points(seen)),
        "hand_left_keypoints_2d": [] if seen.hands is None else _flat(hand_points(seen, 0)),
        "hand_right_keypoints_2d": [] if seen.hands is None else _flat(hand_points(seen, 1)),
        "pose_keypoints_3d": [], "face_keypoints_3d": [], "hand_left_keypoints_3d": [], "hand_right_keypoints_3d": [],
    }  # fmt: skip


def _flat(points: Floats) -> list[float]:
    return [round(float(value), 3) for value in points.ravel()]
