"""Does the camera travel at all? A camera that only turns gives no depth: its frames differ by a rotation.

The rotation-only model (one focal length and k1 for the clip, one rotation a pair) is compared with the general
one (a fundamental matrix a pair) by Torr's GRIC over many pairs of key frames; see two_view.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from .frames import Floats
from .scene import Lens
from .tracks import Tracks, some_pairs_of
from .two_view import TwoView, gric

_MOST_PAIRS = 12
_PAIR_TRACKS = 400
_SURE_PARALLAX_PX = 4.0


@dataclass(frozen=True)
class MotionChoice:
    """model: "full", "nodal" or "locked". gric_turning, gric_travelling: sums over the pairs (nan when parallax
    was so plain that nothing had to be compared). parallax_px: median over the pairs, px at tracking resolution."""

    model: str
    gric_turning: float
    gric_travelling: float
    parallax_px: float


def choose_motion(
    tracks: Tracks, views: list[TwoView], lens: Lens, sigma: float, checkpoint: Callable[[], None],
    *, focal_known: bool,
) -> MotionChoice:  # fmt: skip
    """The model that explains the pairs. sigma: noise of a track, px."""
    if not views:
        return MotionChoice("full", np.nan, np.nan, 0.0)
    parallax = float(np.median([view.parallax_px for view in views])) / sigma
    most = sum(view.full for view in views) / len(views)
    if parallax > _SURE_PARALLAX_PX and most > 0.7:
        return MotionChoice("full", np.nan, np.nan, parallax * sigma)
    chosen = _widest(views)
    travelling = sum(view.gric_fundamental for view in chosen)
    # A homography fits everything that a rotation fits (but for distortion): when even that is far worse,
    # no focal length needs to be searched for.
    if travelling < 0.8 * sum(view.gric_homography for view in chosen):
        return MotionChoice("full", np.nan, travelling, parallax * sigma)
    pairs = [some_pairs_of(tracks, view.first, view.second, _PAIR_TRACKS) for view in chosen]
    errors = _best_turning(pairs, lens, sigma, checkpoint, focal_known=focal_known)
    turning = sum(gric(error, sigma, dimension=2, parameters=3) for error in errors)
    if travelling < turning:
        return MotionChoice("full", turning, travelling, parallax * sigma)
    moved = [float(np.median(np.linalg.norm(b - a, axis=1))) for a, b in pairs]
    return MotionChoice("locked" if max(moved) < 3.0 * sigma else "nodal", turning, travelling, parallax * sigma)


def _widest(views: list[TwoView]) -> list[TwoView]:
    """Pairs far apart in time, spread over the clip."""
    apart = sorted(views, key=lambda v: (v.second - v.first) * np.sqrt(v.shared), reverse=True)
    return apart[:_MOST_PAIRS]


def _best_turning(
    pairs: list[tuple[Floats, Floats]], lens: Lens, sigma: float, checkpoint: Callable[[], None],
    *, focal_known: bool,
) -> list[Floats]:  # fmt: skip
    """Errors [K] px of each pair under the rotation-only model with the best common focal length and k1."""
    width = 2.0 * lens.cx

    def model(p: Floats) -> Lens:
        focal = lens.focal if focal_known else float(width * np.exp(np.clip(p[0], -1.2, 2.0)))
        return Lens(focal, lens.cx, lens.cy, float(np.clip(p[1], -0.4, 0.4)), 0.0, lens.aspect)

    def loss(p: Floats) -> float:
        checkpoint()
        return float(sum(np.minimum((e / sigma) ** 2, 4.0).sum() for e in _turning(pairs, model(p))))

    starts = [np.array([np.log(s), 0.0]) for s in ((lens.focal / width,) if focal_known else (0.7, 1.2, 2.5))]
    start = min(starts, key=loss)
    found = minimize(loss, start, method="Nelder-Mead", options={"maxfev": 80, "initial_simplex": _simplex(start)})
    return _turning(pairs, model(found.x if found.fun < loss(start) else start))


def _simplex(start: Floats) -> Floats:
    corners: Floats = start + np.array([[0.0, 0.0], [0.25, 0.0], [0.0, 0.05]])
    return corners


def _turning(pairs: list[tuple[Floats, Floats]], lens: Lens) -> list[Floats]:
    return [_turn_errors(a, b, lens) for a, b in pairs]


def _turn_errors(a: Floats, b: Floats, lens: Lens) -> Floats:
    """Distance [K] px after the best rotation of the rays of a onto b (Kabsch, reweighted against outliers)."""
    ra, rb = _rays(a, lens), _rays(b, lens)
    weight = np.ones(len(a))
    error = np.zeros(len(a))
    for _ in range(6):
        u, _, vt = np.linalg.svd((rb * weight[:, None]).T @ ra)
        turn = u @ np.diag([1.0, 1.0, float(np.sign(np.linalg.det(u @ vt)))]) @ vt
        seen = ra @ turn.T
        ahead = seen[:, 2] > 1e-6
        seen[:, 2] = np.where(ahead, seen[:, 2], 1.0)
        error = np.where(ahead, np.linalg.norm(lens.project(seen) - b, axis=1) / np.sqrt(2.0), 1e6)
        weight = 1.0 / (1.0 + (error / max(float(np.median(error)), 0.1)) ** 2)
    return error


def _rays(xy: Floats, lens: Lens) -> Floats:
    flat = lens.normalised(xy)
    rays = np.concatenate([flat, np.ones((len(flat), 1))], 1)
    out: Floats = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    return out
