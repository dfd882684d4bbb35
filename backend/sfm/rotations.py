"""Rotation matrices from and to rotation vectors, many at once."""

from __future__ import annotations

import numpy as np

from .frames import Floats


def skew(v: Floats) -> Floats:
    """[N, 3] -> [N, 3, 3] with skew(v) @ w = v x w."""
    out = np.zeros((*v.shape[:-1], 3, 3))
    out[..., 0, 1], out[..., 0, 2] = -v[..., 2], v[..., 1]
    out[..., 1, 0], out[..., 1, 2] = v[..., 2], -v[..., 0]
    out[..., 2, 0], out[..., 2, 1] = -v[..., 1], v[..., 0]
    return out


def exponential(w: Floats) -> Floats:
    """Rodrigues' formula: rotation vectors [N, 3] -> matrices [N, 3, 3]."""
    angle = np.linalg.norm(w, axis=-1)[..., None, None]
    small = angle < 1e-8
    safe = np.where(small, 1.0, angle)
    k = skew(w)
    first = np.where(small, 1.0, np.sin(safe) / safe)
    second = np.where(small, 0.5, (1.0 - np.cos(safe)) / safe**2)
    out: Floats = np.eye(3) + first * k + second * (k @ k)
    return out


def orthonormal(rotation: Floats) -> Floats:
    """The nearest rotations, against the drift of many small updates."""
    u, _, vt = np.linalg.svd(rotation)
    out: Floats = u @ vt
    return out
