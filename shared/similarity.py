"""Similarities of space (Sim3): x -> scale * rotation @ x + translation.

Pure Python, so that Blender and the shims move what they have imported by the very change that the backend
wrote into the shot.
"""

from __future__ import annotations

import math

from . import axes
from .axes import Matrix3, Vector3
from .camera_files import Matrix4, Similarity
from .errors import InvalidRequest

_ROUGH = 1e-3
"""How far a rotation may be from one and still be taken for a rounded one."""


def move_point(by: Similarity, point: Vector3) -> Vector3:
    """The point after the change."""
    x, y, z = axes.apply(by.rotation, point)
    a, b, c = by.translation
    return (by.scale * x + a, by.scale * y + b, by.scale * z + c)


def move_pose(by: Similarity, world_from_camera: Matrix4) -> Matrix4:
    """The pose after the change: its place moves as points do, its axes only turn."""
    turn = axes.multiply(by.rotation, axes.rotation_of(world_from_camera))
    return axes.make_pose(turn, move_point(by, axes.position_of(world_from_camera)))


def compose(second: Similarity, first: Similarity) -> Similarity:
    """`first`, then `second`."""
    turn = orthonormal(axes.multiply(second.rotation, first.rotation))
    return Similarity(second.scale * first.scale, turn, move_point(second, first.translation))


def inverse(of: Similarity) -> Similarity:
    """The change that takes it back."""
    back = axes.transpose(of.rotation)
    x, y, z = axes.apply(back, of.translation)
    return Similarity(1.0 / of.scale, back, (-x / of.scale, -y / of.scale, -z / of.scale))


def as_matrix(of: Similarity) -> Matrix4:
    """The 4x4 matrix that acts on column vectors; what Blender multiplies an object's matrix by."""
    (a, b, c), (d, e, f), (g, h, i) = of.rotation
    s = of.scale
    x, y, z = of.translation
    return ((s * a, s * b, s * c, x), (s * d, s * e, s * f, y), (s * g, s * h, s * i, z), (0.0, 0.0, 0.0, 1.0))


def checked(given: Similarity) -> Similarity:
    """The same with an exact rotation. Raises `InvalidRequest` when it is no similarity: a scale that is not
    above 0, a number that is not finite, a matrix that mirrors or shears."""
    numbers = (given.scale, *given.translation, *(value for row in given.rotation for value in row))
    if not all(map(math.isfinite, numbers)) or given.scale <= 0.0:
        raise InvalidRequest(f"{given} is not a change of the world.", "Its scale must be above 0, all numbers finite.")
    exact = orthonormal(given.rotation)
    away = max(
        abs(a - b) for one, two in zip(exact, given.rotation, strict=True) for a, b in zip(one, two, strict=True)
    )
    if away > _ROUGH:
        raise InvalidRequest("The rotation of the change mirrors or shears.", "Give an orthonormal right-handed 3x3.")
    return Similarity(given.scale, exact, given.translation)


def orthonormal(turn: Matrix3) -> Matrix3:
    """The right-handed rotation that has the first row's direction and the plane of the first two rows."""
    first = unit(turn[0])
    along = dot(first, turn[1])
    (a, b, c), (x, y, z) = turn[1], first
    second = unit((a - along * x, b - along * y, c - along * z))
    return (first, second, cross(first, second))


def dot(a: Vector3, b: Vector3) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a: Vector3, b: Vector3) -> Vector3:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def unit(v: Vector3) -> Vector3:
    """The same direction at length 1; a vector of length 0 stays as it is."""
    length = math.sqrt(dot(v, v)) or 1.0
    return (v[0] / length, v[1] / length, v[2] / length)
