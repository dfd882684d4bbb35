"""Does the camera travel at all? A camera that only turns gives no depth: its frames differ by a rotation.

Three models of many pairs of key frames are compared by Torr's GRIC (two_view.py): locked (nothing moves), turning (one
lens for the clip, one rotation a pair: Hartley, "Self-calibration of stationary cameras", IJCV 1997) and travelling
(a fundamental matrix a pair). Matches that neither turning nor travelling explains belong to things that move by
themselves and say nothing about the camera: they count for no model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import minimize

from .frames import Floats
from .ray_rotation import fit_rotation, unit_rays
from .scene import Lens
from .tracks import Tracks, some_pairs_of
from .turning_zoom import zooming_turn
from .two_view import TwoView, gric, sampson

_MOST_PAIRS = 12
_PAIR_TRACKS = 400
_SEARCH_EVERY = 3
"""The lens is looked for with every third match: it needs to be near, bundle adjustment does the rest."""

_SURE_PARALLAX_PX = 4.0
_SURE_SHARE = 0.7

_DECISIVE = 2.0 * np.log(1e4)
"""GRIC (a log likelihood, doubled) by which a part of the clip must speak for travelling against the rest of it."""

Matches = tuple[Floats, Floats]


@dataclass(frozen=True)
class MotionChoice:
    """model: "full" (at least in a part of the clip), "nodal" or "locked". gric_locked, gric_turning, gric_travelling:
    sums over `pairs` pairs (nan when parallax was so plain that nothing had to be compared). parallax_px: median over
    the pairs, px of the plate. noise_px: of a track, as the pairs show it. lens: the best for turning, or None. zooms:
    whether the lens zooms while a nodal camera turns or stands."""

    model: str
    gric_locked: float = np.nan
    gric_turning: float = np.nan
    gric_travelling: float = np.nan
    parallax_px: float = 0.0
    noise_px: float = 0.0
    pairs: int = 0
    lens: Lens | None = None
    zooms: bool = False

    @property
    def hardly_travels(self) -> bool:
        """Whether the parallax of a typical pair drowns in the noise."""
        return self.parallax_px < self.noise_px

    @property
    def facts(self) -> dict[str, object]:
        """What the choice rests on, for the result; whole numbers of GRIC."""
        found: dict[str, object] = {"criterion": "GRIC", "pairs": self.pairs}
        for name in ("gric_locked", "gric_turning", "gric_travelling"):
            value = getattr(self, name)
            if np.isfinite(value):
                found[name] = round(value)
        return {**found, "parallax_px": round(self.parallax_px, 3), "noise_px": round(self.noise_px, 3)}


def choose_motion(
    tracks: Tracks, views: list[TwoView], lens: Lens, sigma: float, checkpoint: Callable[[], None],
    *, focal_known: bool,
) -> MotionChoice:  # fmt: skip
    """The model that explains the pairs. sigma: expected noise of a track, px."""
    if not views:
        return MotionChoice("full")
    parallax = float(np.median([view.parallax_px for view in views]))
    most = sum(view.full for view in views) / len(views)
    plain = MotionChoice("full", parallax_px=parallax, noise_px=sigma)
    if parallax > _SURE_PARALLAX_PX * sigma and most > _SURE_SHARE:
        return plain
    chosen = _Evidence(tracks, _widest(views), sigma)
    if chosen.travelling < 0.7 * chosen.homography:
        # A homography fits everything that a rotation fits (but for distortion).
        return plain
    best = lens
    locked, turning, travelling = chosen.compared(best)
    if not locked <= min(turning, travelling):
        best = chosen.best_lens(lens, checkpoint, focal_known=focal_known)
        locked, turning, travelling = chosen.compared(best)
    found = MotionChoice(
        "full", locked, turning, travelling, parallax, chosen.noise, len(chosen.pairs), best
    )  # fmt: skip
    if min(turning, locked) >= travelling:
        return _zooming(found, chosen, lens, checkpoint, focal_known=focal_known)
    if _travels_somewhere(tracks, views, best, sigma):
        return found
    return replace(found, model="locked" if locked <= turning else "nodal")


def _zooming(
    found: MotionChoice, pairs: _Evidence, lens: Lens, checkpoint: Callable[[], None], *, focal_known: bool
) -> MotionChoice:
    """What no turn of one lens explains may be one of a lens that zooms."""
    if pairs.homography >= pairs.travelling:
        return found
    off = [pairs.off_lines(i) for i in range(len(pairs.pairs))]
    turn = zooming_turn(pairs.pairs, off, lens, pairs.noise, checkpoint, focal_known=focal_known)
    if not turn.wins:
        return found
    return replace(
        found, model="nodal", zooms=True, lens=turn.lens, gric_turning=turn.gric, gric_travelling=turn.travelling
    )  # fmt: skip


@dataclass(frozen=True)
class _Evidence:
    """Some pairs and what they say."""

    tracks: Tracks
    views: list[TwoView]
    sigma: float
    pairs: list[Matches] = field(init=False)
    noise: float = field(init=False)

    def __post_init__(self) -> None:
        pairs = [some_pairs_of(self.tracks, v.first, v.second, _PAIR_TRACKS) for v in self.views]
        object.__setattr__(self, "pairs", pairs)
        object.__setattr__(self, "noise", self._noise())

    def _noise(self) -> float:
        """Standard deviation per axis, px: the distance from epipolar lines has it whatever the camera does."""
        off = np.concatenate([self.off_lines(i) for i in range(len(self.pairs))])
        near = off[off < 3.0 * self.sigma]
        measured = float(np.median(near) / 0.6745) if len(near) > 50 else self.sigma
        return float(np.clip(measured, 0.3 * self.sigma, 2.0 * self.sigma))

    def off_lines(self, index: int) -> Floats:
        """Distances [K] px of a pair's matches from their epipolar lines."""
        a, b = self.pairs[index]
        fundamental = self.views[index].fundamental
        return np.full(len(a), np.inf) if fundamental is None else sampson(fundamental, a, b)

    @property
    def homography(self) -> float:
        return sum(view.gric_homography for view in self.views)

    @property
    def travelling(self) -> float:
        return sum(view.gric_fundamental for view in self.views)

    def best_lens(self, lens: Lens, checkpoint: Callable[[], None], *, focal_known: bool) -> Lens:
        """The lens under which rotations explain the pairs best: focal length (unless it is known) and k1."""
        width = 2.0 * lens.cx

        def model(p: Floats) -> Lens:
            focal = lens.focal if focal_known else float(width * np.exp(np.clip(p[0], -1.2, 2.0)))
            return Lens(focal, lens.cx, lens.cy, float(np.clip(p[1], -0.4, 0.4)), 0.0, lens.aspect)

        few = [(a[::_SEARCH_EVERY], b[::_SEARCH_EVERY]) for a, b in self.pairs]
        turns = [_turn(pair, lens) for pair in few]

        def loss(p: Floats) -> float:
            checkpoint()
            off = [turn_error(pair, model(p), turn) for pair, turn in zip(few, turns, strict=True)]
            return float(sum(np.minimum((error / self.noise) ** 2, 4.0).sum() for error in off))

        starts = [np.array([np.log(s), 0.0]) for s in ((lens.focal / width,) if focal_known else (0.7, 1.2, 2.5))]
        start = min(starts, key=loss)
        simplex = start + np.array([[0.0, 0.0], [0.25, 0.0], [0.0, 0.05]])
        found = minimize(loss, start, method="Nelder-Mead", options={"maxfev": 80, "initial_simplex": simplex})
        return model(found.x if found.fun < loss(start) else start)

    def compared(self, lens: Lens) -> tuple[float, float, float]:
        """GRIC of locked, turning and travelling, summed over the pairs."""
        return tuple(np.sum([self.of_pair(i, lens) for i in range(len(self.pairs))], axis=0).tolist())

    def of_pair(self, index: int, lens: Lens) -> tuple[float, float, float]:
        a, b = self.pairs[index]
        turned, off = turn_error((a, b), lens), self.off_lines(index)
        explained = (turned < 2.0 * self.noise) | (off < np.sqrt(2.0) * self.noise)
        # A wobble far below the noise that is expected of a track is the tracks' and not the tripod's.
        still = np.linalg.norm(b - a, axis=1)[explained] / np.sqrt(2.0) * self.noise / max(self.sigma, self.noise)
        return (
            gric(still, self.noise, dimension=2, parameters=0),
            gric(turned[explained], self.noise, dimension=2, parameters=3),
            gric(off[explained], self.noise, dimension=3, parameters=7),
        )


def turn_error(pair: Matches, lens: Lens, start: Floats | None = None) -> Floats:
    """Distance [K] px of matches a, b [K, 2] after the best rotation, shared between both frames (error / sqrt 2).
    start: a rotation near it, which saves a search."""
    a, b = pair
    if len(a) < 3:
        return np.zeros(len(a))
    rays = unit_rays(lens.normalised(a))
    seen = rays @ fit_rotation(rays, unit_rays(lens.normalised(b)), start).T
    ahead = seen[:, 2] > 1e-6
    seen[:, 2] = np.where(ahead, seen[:, 2], 1.0)
    error: Floats = np.where(ahead, np.linalg.norm(lens.project(seen) - b, axis=1) / np.sqrt(2.0), 1e6)
    return error


def _turn(pair: Matches, lens: Lens) -> Floats:
    if len(pair[0]) < 3:
        return np.eye(3)
    return fit_rotation(unit_rays(lens.normalised(pair[0])), unit_rays(lens.normalised(pair[1])))


def _travels_somewhere(tracks: Tracks, views: list[TwoView], lens: Lens, sigma: float) -> bool:
    """Whether some part of the clip, a few neighbouring pairs, decidedly travels though the whole seems to turn."""
    evidence = _Evidence(tracks, views, sigma)
    gain = np.zeros(max(view.second for view in views) + 1)
    for index, view in enumerate(views):
        locked, turning, travelling = evidence.of_pair(index, lens)
        gain[view.first] += min(locked, turning) - travelling
    starts = gain[np.unique([view.first for view in views])]
    pairs_of_starts = np.convolve(starts, np.ones(min(3, len(starts))), "valid")
    return bool(pairs_of_starts.max(initial=0.0) > _DECISIVE)


def _widest(views: list[TwoView]) -> list[TwoView]:
    """Pairs far apart in time, spread over the clip."""
    apart = sorted(views, key=lambda v: (v.second - v.first) * np.sqrt(v.shared), reverse=True)
    return apart[:_MOST_PAIRS]
