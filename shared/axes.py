"""Axes and camera conventions of every application, in one place.

Backlot stores poses as `world_from_camera` 4x4 matrices: world right-handed z-up (Blender's), camera
OpenCV (x right, y down, z forward). Other programs differ in two ways only: the axes of their world and
the axes of their camera. Each convention below is therefore two rotations:

    pose_there = W @ pose_here @ C^-1

with W taking our world's coordinates to theirs and C taking our camera's coordinates to theirs. Both are
signed permutations, so going there and back is exact. Pure Python: clients without numpy use it too.
"""

from __future__ import annotations

from dataclasses import dataclass

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

CONVENTIONS = (BACKLOT, BLENDER, MAYA, HOUDINI, NUKE, USD, AFTER_EFFECTS)


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
    turn: Matrix3 = (pose[0][:3], pose[1][:3], pose[2][:3])
    r = multiply(multiply(left, turn), right)
    t = apply(left, (pose[0][3], pose[1][3], pose[2][3]))
    return ((*r[0], t[0]), (*r[1], t[1]), (*r[2], t[2]), (0.0, 0.0, 0.0, 1.0))
