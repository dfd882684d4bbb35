"""The rotation between two bundles of rays, with outliers."""

from __future__ import annotations

import numpy as np

from .frames import Floats

_SAMPLES = 120


def unit_rays(flat: Floats) -> Floats:
    """Unit rays [N, 3] of normalised coordinates [N, 2]."""
    rays = np.concatenate([flat, np.ones((len(flat), 1))], 1)
    out: Floats = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    return out


def kabsch(a: Floats, b: Floats, weight: Floats) -> Floats:
    """The rotation [..., 3, 3] that takes rays a to b [..., N, 3] best, weights [..., N] (Kabsch 1976)."""
    u, _, vt = np.linalg.svd(np.swapaxes(b * weight[..., None], -1, -2) @ a)
    flip = np.linalg.det(u @ vt)
    u[..., :, 2] *= np.sign(flip)[..., None]
    out: Floats = u @ vt
    return out


def fit_rotation(a: Floats, b: Floats, start: Floats | None = None) -> Floats:
    """The rotation [3, 3] that takes most rays a to b [N, 3]: from `start`, else from the best of many from two rays
    each by its median error (least median of squares, so that nearly half of the rays may be wrong); then
    reweighted."""
    turn = _most_agreed(a, b) if start is None else start
    for _ in range(3):
        error = np.linalg.norm(a @ turn.T - b, axis=1)
        usual = max(float(np.median(error)), 1e-7)
        turn = kabsch(a, b, 1.0 / (1.0 + (error / (1.5 * usual)) ** 2) ** 2)
    return turn


def _most_agreed(a: Floats, b: Floats) -> Floats:
    rng = np.random.default_rng(0)
    pick = np.stack([rng.integers(0, len(a), _SAMPLES), rng.integers(0, len(a), _SAMPLES)], 1)
    tried = kabsch(a[pick], b[pick], np.ones((_SAMPLES, 2)))
    thin = slice(None, None, max(1, len(a) // 150))
    off = ((np.matmul(tried, a[thin].T) - b[thin].T) ** 2).sum(1)
    best: Floats = tried[int(np.median(off, axis=1).argmin())]
    return best
