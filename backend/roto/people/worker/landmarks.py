"""MediaPipe's landmark lists as arrays, and the regions that they ask for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..evidence import LANDMARKS, Floats, Region

_ENLARGED = 1.25
"""BlazePose's regions are that much larger than the circle around the person."""

_HAND_ENLARGED = 2.0
_FACE_ENLARGED = 1.5
"""Of the box around the landmarks, as MediaPipe's own graphs take it for the next picture."""


def region_of(x: float, y: float, rim_x: float, rim_y: float) -> Region:
    """The square around a person from the middle of the hips and a point above it on the circle around the person."""
    turn = math.pi / 2 - math.atan2(y - rim_y, rim_x - x)
    turn -= 2.0 * math.pi * math.floor((turn + math.pi) / (2.0 * math.pi))
    return x, y, 2.0 * math.hypot(rim_x - x, rim_y - y) * _ENLARGED, turn


def body_landmarks(points: Sequence[Any], width: int, height: int) -> Floats:
    rows = [(one.x * width, one.y * height, one.visibility, one.presence) for one in points[:LANDMARKS]]
    return np.array(rows, np.float32)


def body_world(points: Sequence[Any]) -> Floats:
    return np.array([(one.x, one.y, one.z) for one in points[:LANDMARKS]], np.float32)


def points(landmarks: Sequence[Any], width: int, height: int) -> Floats:
    """[N, 4]: x, y px, 1, 1; of a part that has no visibilities."""
    return np.array([(one.x * width, one.y * height, 1.0, 1.0) for one in landmarks], np.float32)


def hand_region(landmarks: Floats) -> Region:
    """The square around a hand's landmarks, turned so that the fingers point up."""
    wrist, middle = landmarks[0, :2], landmarks[[5, 9, 13], :2].mean(0)
    turn = math.atan2(float(middle[0] - wrist[0]), float(wrist[1] - middle[1]))
    return _around(landmarks[[0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18], :2], turn, _HAND_ENLARGED, -0.1)


def face_region(landmarks: Floats) -> Region:
    """The square around a face's landmarks, turned so that the outer corners of the eyes (33, 263) are level."""
    right, left = landmarks[33, :2], landmarks[263, :2]
    return _around(landmarks[:, :2], math.atan2(float(left[1] - right[1]), float(left[0] - right[0])), _FACE_ENLARGED)


def _around(xy: Floats, turn: float, enlarged: float, shift: float = 0.0) -> Region:
    """shift: along the turned y axis, in sides of the box."""
    along = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]], np.float32)
    turned = xy @ along.T
    low, high = turned.min(0), turned.max(0)
    middle = 0.5 * (low + high)
    middle[1] += shift * float(high[1] - low[1])
    x, y = middle @ along
    return float(x), float(y), float((high - low).max()) * enlarged, turn
