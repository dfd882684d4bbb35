"""Skeleton pictures as ControlNet's openpose models know them.

On black: limbs of COCO's 18 points as ellipses at three fifths of their colour, joints as discs; colour number i is the
hue of 20 i degrees. Fingers as thin lines whose hues go once around, their joints blue; the face as white dots. Sizes
are those of a picture of 512 px and grow with the plate.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence

import cv2
import numpy as np

from .job import Picture
from .keypoints import Floats, Keypoints
from .openpose import COCO_18, body_points, face_points, hand_points

Colour = tuple[int, int, int]

_LIMBS = (
    ("neck", "right_shoulder"), ("neck", "left_shoulder"), ("right_shoulder", "right_elbow"),
    ("right_elbow", "right_wrist"), ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"),
    ("neck", "right_hip"), ("right_hip", "right_knee"), ("right_knee", "right_ankle"), ("neck", "left_hip"),
    ("left_hip", "left_knee"), ("left_knee", "left_ankle"), ("neck", "nose"), ("nose", "right_eye"),
    ("right_eye", "right_ear"), ("nose", "left_eye"), ("left_eye", "left_ear"),
)  # fmt: skip
"""In the order of their colours."""

_FINGERS = tuple((0 if joint % 4 == 1 else joint - 1, joint) for joint in range(1, 21))
_DESIGNED = 512.0
_STICK, _DISC, _FINGER, _DOT = 4.0, 4.0, 2.0, 3.0
_LIMB_SHARE = 0.6
_DOT_SHARE = 0.025
"""Of a hand's or face's extent: so that those of people far away stay more than a blot."""

_FINGER_JOINT, _FACE = (0, 0, 255), (255, 255, 255)
_SHIFT = 4
"""OpenCV draws in sixteenths of a px."""


def hue(share: float) -> Colour:
    """RGB of a hue, 0..1 once around."""
    red, green, blue = colorsys.hsv_to_rgb(share % 1.0, 1.0, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


def skeleton_picture(people: Sequence[Keypoints], width: int, height: int) -> Picture:
    """uint8 [height, width, 3] RGB."""
    canvas = np.zeros((height, width, 3), np.uint8)
    unit = min(width, height) / _DESIGNED
    for seen in people:
        _draw_body(canvas, body_points(seen, COCO_18), unit)
        for side in (0, 1):
            _draw_hand(canvas, hand_points(seen, side), unit)
        face = face_points(seen)
        for point in face[face[:, 2] > 0]:
            _disc(canvas, point, min(_DOT * unit, _DOT_SHARE * _extent(face)), _FACE)
    return canvas


def _draw_body(canvas: Picture, points: Floats, unit: float) -> None:
    for index, (one, other) in enumerate(_LIMBS):
        ends = points[[COCO_18.index(one), COCO_18.index(other)]]
        if ends[:, 2].min() > 0:
            _limb(canvas, ends, _STICK * unit, hue(index / 18.0))
    for index, point in enumerate(points):
        if point[2] > 0:
            _disc(canvas, point, _DISC * unit, hue(index / 18.0))


def _limb(canvas: Picture, ends: Floats, half_width: float, colour: Colour) -> None:
    middle = ends[:, :2].mean(0) - 0.5
    along = ends[1, :2] - ends[0, :2]
    axes = (round(float(np.hypot(*along)) / 2), max(1, round(half_width)))
    turn = round(math.degrees(math.atan2(float(along[1]), float(along[0]))))
    outline = cv2.ellipse2Poly((round(float(middle[0])), round(float(middle[1]))), axes, turn, 0, 360, 1)
    cv2.fillConvexPoly(canvas, np.asarray(outline), tuple(round(_LIMB_SHARE * part) for part in colour))


def _draw_hand(canvas: Picture, points: Floats, unit: float) -> None:
    for index, (one, other) in enumerate(_FINGERS):
        ends = points[[one, other]]
        if ends[:, 2].min() > 0:
            first, last = (_fixed(end) for end in ends)
            cv2.line(canvas, first, last, hue(index / 20.0), max(1, round(_FINGER * unit)), cv2.LINE_AA, _SHIFT)
    for point in points[points[:, 2] > 0]:
        _disc(canvas, point, min(_DISC * unit, _DOT_SHARE * _extent(points)), _FINGER_JOINT)


def _extent(points: Floats) -> float:
    """px: longer side of the box around those that are seen."""
    xy = points[points[:, 2] > 0, :2]
    return float((xy.max(0) - xy.min(0)).max())


def _disc(canvas: Picture, point: Floats, radius: float, colour: Colour) -> None:
    reach = max(1 << _SHIFT, round(radius * (1 << _SHIFT)))
    cv2.circle(canvas, _fixed(point), reach, colour, -1, cv2.LINE_8, _SHIFT)


def _fixed(point: Floats) -> tuple[int, int]:
    """OpenCV has the centre of the first px at 0."""
    return round((float(point[0]) - 0.5) * (1 << _SHIFT)), round((float(point[1]) - 0.5) * (1 << _SHIFT))
