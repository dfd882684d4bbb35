"""Rotations as quaternions wxyz, many at once (numpy). Products and turned vectors are `shared/motion_arrays.py`'s."""

from __future__ import annotations

import numpy as np

from ..shared.motion_arrays import multiply, rotate

IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])
_TINY = 1e-12


def inverse(turns: np.ndarray) -> np.ndarray:
    """Of unit quaternions [...,4]."""
    return np.asarray(turns) * np.array([1.0, -1.0, -1.0, -1.0])


def turned(turns: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Vectors [...,3] turned by quaternions [...,4]; either may be one for all."""
    turns, vectors = np.asarray(turns, float), np.asarray(vectors, float)
    shape = np.broadcast_shapes(turns.shape[:-1], vectors.shape[:-1])
    return rotate(np.broadcast_to(turns, (*shape, 4)), np.broadcast_to(vectors, (*shape, 3)))


def normalised(turns: np.ndarray) -> np.ndarray:
    """[...,4]; the identity where there is nothing."""
    length = np.linalg.norm(turns, axis=-1, keepdims=True)
    return np.where(length > _TINY, turns / np.maximum(length, _TINY), IDENTITY)


def of_axes(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """[...,4] from the images of the three axes, unit vectors [...,3]; each element by its largest component
    (Shepperd, 1978)."""
    m = np.stack([x, y, z], axis=-1)
    d = [m[..., i, i] for i in range(3)]
    squares = np.stack(
        [1 + d[0] + d[1] + d[2], 1 + d[0] - d[1] - d[2], 1 - d[0] + d[1] - d[2], 1 - d[0] - d[1] + d[2]], axis=-1
    )
    a, b, c = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    p, q, r = m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 2] + m[..., 2, 1]
    rows = np.stack(
        [
            np.stack([squares[..., 0], a, b, c], -1),
            np.stack([a, squares[..., 1], p, q], -1),
            np.stack([b, p, squares[..., 2], r], -1),
            np.stack([c, q, r, squares[..., 3]], -1),
        ],
        axis=-2,
    )
    best = np.argmax(squares, axis=-1)[..., None, None]
    return normalised(np.take_along_axis(rows, best, axis=-2)[..., 0, :])


def of_matrices(matrices: np.ndarray) -> np.ndarray:
    """[...,4] from rotation matrices [...,3,3]."""
    return of_axes(matrices[..., :, 0], matrices[..., :, 1], matrices[..., :, 2])


def shortest(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """[...,4]: the smallest turn that takes the direction `here` to `there` [...,3] (any length)."""
    a, b = _unit(here), _unit(there)
    a, b = np.broadcast_arrays(a, b)
    dot = (a * b).sum(-1, keepdims=True)
    turn = np.concatenate([1.0 + dot, np.cross(a, b)], axis=-1)
    # Opposite directions: half a turn about any axis across them.
    spare = np.where(np.abs(a[..., :1]) < 0.7, np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    half = np.concatenate([np.zeros_like(dot), _unit(np.cross(a, spare))], axis=-1)
    return normalised(np.where(dot < -1.0 + 1e-9, half, turn))


def about(axis: np.ndarray, angle: np.ndarray | float) -> np.ndarray:
    """[...,4]: turns of `angle` radians about unit axes [...,3]."""
    half = 0.5 * np.asarray(angle, float)[..., None]
    return np.concatenate([np.cos(half), np.sin(half) * np.asarray(axis, float)], axis=-1)


def vectors(turns: np.ndarray) -> np.ndarray:
    """[...,3]: rotation vectors, the short way."""
    q = np.where(turns[..., :1] < 0, -turns, turns)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    return q[..., 1:] * np.where(sine > _TINY, 2.0 * np.arctan2(sine, q[..., :1]) / np.maximum(sine, _TINY), 2.0)


def of_vectors(vectors: np.ndarray) -> np.ndarray:
    """[...,4] from rotation vectors [...,3]."""
    angle = np.linalg.norm(vectors, axis=-1)
    return about(_unit(vectors), angle)


def part(turns: np.ndarray, share: np.ndarray | float) -> np.ndarray:
    """That share (0..1) of each turn, the short way; [...,4]."""
    return of_vectors(vectors(turns) * np.asarray(share, float)[..., None])


def between(one: np.ndarray, two: np.ndarray, share: np.ndarray | float) -> np.ndarray:
    """Spherical interpolation, the short way; [...,4]."""
    return multiply(one, part(multiply(inverse(one), two), share))


def angle_between(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """[...] radians, 0..pi."""
    dot = np.abs((np.asarray(one) * two).sum(-1))
    return 2.0 * np.arccos(np.clip(dot, 0.0, 1.0))


def directions(turns: np.ndarray, axis: int) -> np.ndarray:
    """[...,3]: where each turn takes the axis 0, 1 or 2."""
    return turned(turns, np.eye(3)[axis])


def _unit(vectors: np.ndarray) -> np.ndarray:
    vectors = np.asarray(vectors, float)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), _TINY)
