"""Axes and camera conventions of every application, in one place.

Backlot stores poses as `world_from_camera` 4x4 matrices: world right-handed z-up (Blender's), camera
OpenCV (x right, y down, z forward). Other programs differ in two ways only: the axes of their world and
the axes of their camera. Each convention below is therefore two rotations:

    pose_there = W @ pose_here @ C^-1

with W taking our world's coordinates to theirs and C taking our camera's coordinates to theirs. Both are
signed permutations, so going there and back is exact. Pure Python: clients without numpy use it too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .camera_files import Matrix4

Matrix3 = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
Vector3 = tuple[float, float, float]

_SAME: Matrix3 = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_Y_UP_WORLD: Matrix3 = ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0))
_GL_CAMERA: Matrix3 = ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0))
_Y_DOWN_WORLD: Matrix3 = ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0))


@dataclass(frozen=True)
class Convention:
    """world: takes our world's coordinates (z up) to theirs. camera: takes OpenCV camera coordinates to
    theirs."""

    name: str
    world: Matrix3
    camera: Matrix3


BACKLOT = Convention("backlot", _SAME, _SAME)
BLENDER = Convention("blender", _SAME, _GL_CAMERA)
MAYA = Convention("maya", _Y_UP_WORLD, _GL_CAMERA)
HOUDINI = Convention("houdini", _Y_UP_WORLD, _GL_CAMERA)
NUKE = Convention("nuke", _Y_UP_WORLD, _GL_CAMERA)
USD = Convention("usd", _SAME, _GL_CAMERA)
"""USD stages that Backlot writes declare `upAxis = "Z"`; USD cameras look down -z with y up."""
AFTER_EFFECTS = Convention("after-effects", _Y_DOWN_WORLD, _SAME)
"""After Effects: x right, y down, z away from the viewer, for the world and for the camera."""

OPENCV = Convention("opencv", _Y_DOWN_WORLD, _SAME)
"""The whole world in OpenCV's camera axes, as COLMAP users expect it: x right, y down, z forward."""

CONVENTIONS = (BACKLOT, BLENDER, MAYA, HOUDINI, NUKE, USD, AFTER_EFFECTS, OPENCV)


def by_name(name: str) -> Convention:
    """The convention of that name. Raises `KeyError`."""
    return {known.name: known for known in CONVENTIONS}[name]


def with_scene_camera(convention: Convention) -> Convention:
    """The convention's world with the camera that scene files prescribe: USD, Alembic, FBX and Nuke cameras
    look along -z with y up whatever the axes of their world are."""
    return Convention(convention.name, convention.world, _GL_CAMERA)


def pose_to(convention: Convention, world_from_camera: Matrix4) -> Matrix4:
    """Our pose (world_from_camera, OpenCV camera) as `convention` has it."""
    return _sandwich(convention.world, world_from_camera, transpose(convention.camera))


def pose_from(convention: Convention, pose: Matrix4) -> Matrix4:
    """A pose of `convention` as ours."""
    return _sandwich(transpose(convention.world), pose, convention.camera)


def point_to(convention: Convention, point: Vector3) -> Vector3:
    """A world point of ours as `convention` has it."""
    return apply(convention.world, point)


def point_from(convention: Convention, point: Vector3) -> Vector3:
    """A world point of `convention` as ours."""
    return apply(transpose(convention.world), point)


def apply(matrix: Matrix3, v: Vector3) -> Vector3:
    a, b, c = (row[0] * v[0] + row[1] * v[1] + row[2] * v[2] for row in matrix)
    return (a, b, c)


def transpose(m: Matrix3) -> Matrix3:
    a, b, c = zip(*m, strict=True)
    return (a, b, c)


def multiply(left: Matrix3, right: Matrix3) -> Matrix3:
    columns = [apply(left, column) for column in transpose(right)]
    return transpose((columns[0], columns[1], columns[2]))


def _sandwich(left: Matrix3, pose: Matrix4, right: Matrix3) -> Matrix4:
    """[left 0; 0 1] @ pose @ [right 0; 0 1]."""
    return make_pose(multiply(multiply(left, rotation_of(pose)), right), apply(left, position_of(pose)))


ROTATION_ORDERS = ("xyz", "xzy", "yxz", "yzx", "zxy", "zyx")
"""The axis that turns first is named first, as in Nuke, Maya, Houdini and Blender: "zxy" is Ry Rx Rz on
column vectors, so the camera rolls (z), tilts (x) and then pans (y)."""


def euler_to_rotation(degrees: Vector3, order: str) -> Matrix3:
    """The rotation of angles (about x, y, z), in degrees, applied in `order`."""
    turn = _SAME
    for letter in order:
        turn = multiply(_turn("xyz".index(letter), math.radians(degrees["xyz".index(letter)])), turn)
    return turn


def rotation_to_euler(turn: Matrix3, order: str, near: Vector3 | None = None) -> Vector3:
    """Angles (about x, y, z) in degrees that `euler_to_rotation` turns back into `turn`.

    near: the angles of the frame before; of all equal answers the closest one is taken, so that a curve
    through the frames has no jumps. Without it the middle angle is within +-90 degrees.
    """
    i, j, k = ("xyz".index(letter) for letter in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    flat = math.hypot(turn[i][i], turn[j][i])
    middle = math.atan2(-sign * turn[k][i], flat)
    if flat > 1e-9:
        first = math.atan2(sign * turn[k][j], turn[k][k])
        last = math.atan2(sign * turn[j][i], turn[i][i])
    else:  # gimbal lock: only the sum of the outer two is known
        first, last = 0.0, math.atan2(-sign * turn[i][j], turn[j][j])
    angles = [0.0, 0.0, 0.0]
    angles[i], angles[j], angles[k] = math.degrees(first), math.degrees(middle), math.degrees(last)
    found = (angles[0], angles[1], angles[2])
    return found if near is None else _nearest(found, j, near)


def _nearest(found: Vector3, middle: int, near: Vector3) -> Vector3:
    """The same rotation with angles close to `near`: whole turns, and the twin (a+180, 180-b, c+180)."""
    twin = [angle + 180.0 for angle in found]
    twin[middle] = 180.0 - found[middle]
    choices = [
        [angle + 360.0 * round((before - angle) / 360.0) for angle, before in zip(answer, near, strict=True)]
        for answer in (list(found), twin)
    ]
    best = min(choices, key=lambda answer: sum(abs(a - b) for a, b in zip(answer, near, strict=True)))
    return (best[0], best[1], best[2])


def _turn(axis: int, angle: float) -> Matrix3:
    """Right-handed rotation about one axis, radians."""
    c, s = math.cos(angle), math.sin(angle)
    rows = [list(row) for row in _SAME]
    a, b = (axis + 1) % 3, (axis + 2) % 3
    rows[a][a], rows[a][b], rows[b][a], rows[b][b] = c, -s, s, c
    first, second, third = ((row[0], row[1], row[2]) for row in rows)
    return (first, second, third)


def rotation_of(pose: Matrix4) -> Matrix3:
    """The 3x3 rotation of a rigid pose."""
    return (pose[0][:3], pose[1][:3], pose[2][:3])


def position_of(pose: Matrix4) -> Vector3:
    return (pose[0][3], pose[1][3], pose[2][3])


def make_pose(turn: Matrix3, position: Vector3) -> Matrix4:
    """The 4x4 pose of a rotation and a position."""
    x, y, z = position
    return ((*turn[0], x), (*turn[1], y), (*turn[2], z), (0.0, 0.0, 0.0, 1.0))


def quaternion_of(turn: Matrix3) -> tuple[float, float, float, float]:
    """(w, x, y, z) of a rotation, w >= 0. Shepperd's method: divides by the largest component."""
    (a, b, c), (d, e, f), (g, h, i) = turn
    squares = (1.0 + a + e + i, 1.0 + a - e - i, 1.0 - a + e - i, 1.0 - a - e + i)
    rows = (
        (squares[0], h - f, c - g, d - b),
        (h - f, squares[1], b + d, c + g),
        (c - g, b + d, squares[2], f + h),
        (d - b, c + g, f + h, squares[3]),
    )
    row = rows[max(range(4), key=squares.__getitem__)]
    length = math.copysign(math.sqrt(sum(value * value for value in row)), row[0])
    return (row[0] / length, row[1] / length, row[2] / length, row[3] / length)
