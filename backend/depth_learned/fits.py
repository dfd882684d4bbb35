"""The scale (and shift) that takes one frame's map to the solved points.

A relative model's inverse depth x becomes w = s x + t; a metric model's becomes w = e^q x. Errors of such maps are a
share of the depth, alike over whole regions, and gross at edges and on what moves. So residuals are relative; the map
is regressed on the points, which are the better known of the two (the other way round, a wall that fills half of the
picture would be fitted best by no slope at all); the start is found by the least median of squares (Rousseeuw, JASA
1984) for the scale of the errors and then by consensus at that scale (MSAC: Torr and Zisserman, CVIU 2000); Tukey's
biweight refines it, and the covariance counts a part of the picture, not a point, as independent (Liang and Zeger,
Biometrika 1986).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.depth.poses import Floats

from .maps import METRIC

_LEAST_POINTS = 12
_LEAST_PARTS = 5
_PARTS = (6, 8)
"""Rows and columns of the parts of a picture that are taken to be wrong independently of each other."""

_TRIALS = 300
_ASKED = 600
"""Samples that the trials are judged by, at most; the refinement takes all."""

_ROUNDS = 12
_TUKEY = 4.685
_SURE = 3.0
"""Standard deviations by which the slope of a map against inverse depth must be above zero."""

_LEAST_SPREAD = 1e-4
"""Of relative residuals: float32 and the solve's own files are no better."""


@dataclass(frozen=True)
class Fit:
    """value [k], covariance [k, k]: (s, t) for relative models, (q,) for metric ones. spread: robust relative standard
    deviation of map and points. points: how many took part."""

    value: Floats
    covariance: Floats
    spread: float
    points: int


def applied(kind: str, value: Floats, x: NDArray[np.floating]) -> Floats:
    """Inverse depth in world units from a map's x, by parameters [k]."""
    if kind == METRIC:
        return np.asarray(np.exp(value[0]) * x)
    return np.asarray(value[0] * x + value[1])


def fit_frame(kind: str, x: Floats, depth: Floats, log_sd: Floats, xy: Floats, size: tuple[int, int]) -> Fit | None:
    """The parameters from K samples: x [K] of the map, depth [K] in world units with log_sd [K], at pixels xy [K, 2] of
    a picture of size (H, W). None when there are too few points, too close together, or they agree on nothing."""
    good = np.isfinite(x) & (depth > 0) & np.isfinite(log_sd)
    if kind == METRIC:
        good &= x > 0
    part = _parts(xy[good], size)
    if good.sum() < _LEAST_POINTS or len(np.unique(part)) < _LEAST_PARTS:
        return None
    x, inverse, log_sd = x[good], 1.0 / depth[good], log_sd[good]
    if kind == METRIC:
        target = np.log(inverse) - np.log(x)
        return _refined(np.ones((len(x), 1)), target, log_sd, part, np.array([np.median(target)]))
    design, target = np.stack([np.ones_like(x), 1.0 / inverse], 1), x / inverse
    start = _consensus(design, target)
    line = None if start is None else _refined(design, target, log_sd, part, start)
    return None if line is None else _turned(line)


def _turned(line: Fit) -> Fit | None:
    """x = a w + b as w = s x + t; None when it is not sure that nearer means a greater x."""
    a, b = line.value
    if a <= _SURE * np.sqrt(line.covariance[0, 0]):
        return None
    turn = np.array([[-1.0 / a**2, 0.0], [b / a**2, -1.0 / a]])
    return Fit(np.array([1.0 / a, -b / a]), turn @ line.covariance @ turn.T, line.spread, line.points)


def plenty(xy: Floats, size: tuple[int, int]) -> bool:
    """Whether points at pixels xy [K, 2] are twice what a fit needs, so that failing says something about the map."""
    return len(xy) >= 2 * _LEAST_POINTS and len(np.unique(_parts(xy, size))) >= 2 * _LEAST_PARTS


def _parts(xy: Floats, size: tuple[int, int]) -> NDArray[np.int64]:
    rows = np.clip(xy[:, 1] * _PARTS[0] / size[0], 0, _PARTS[0] - 1).astype(np.int64)
    columns = np.clip(xy[:, 0] * _PARTS[1] / size[1], 0, _PARTS[1] - 1).astype(np.int64)
    return np.asarray(rows * _PARTS[1] + columns)


def _consensus(design: Floats, target: Floats) -> Floats | None:
    """Parameters of the pair of samples that most others agree with; None when they have nearer as smaller."""
    rng = np.random.default_rng(len(target))
    if len(target) > _ASKED:
        some = rng.choice(len(target), _ASKED, replace=False)
        design, target = design[some], target[some]
    pair = rng.integers(0, len(target), (_TRIALS, 2))
    across = design[pair, 1]
    pair = pair[np.abs(across[:, 0] - across[:, 1]) > 1e-3 * np.abs(across).max(1)]
    lines = np.linalg.solve(design[pair], target[pair][..., None])[..., 0] if len(pair) else np.zeros((0, 2))
    if not len(lines):
        return None
    missed = np.abs(target - lines @ design.T)
    scale = _TUKEY / 2.0 * 1.4826 * max(float(np.median(missed, 1).min()), 1e-12)
    cost = np.minimum(missed / scale, 1.0) ** 2
    best = lines[int(cost.sum(1).argmin())]
    return np.asarray(best) if best[0] > 0.0 else None


def _refined(design: Floats, target: Floats, log_sd: Floats, part: NDArray[np.int64], start: Floats) -> Fit | None:
    """Iteratively reweighted least squares of target [K] on design [K, k]. Residuals are relative to the depth: of two
    parameters the first is the unit that the map measures inverse depth in."""
    value, spread = start, np.inf
    weight = np.ones(len(target))
    for _ in range(_ROUNDS):
        unit = abs(value[0]) if len(value) == 2 else 1.0
        residual = (target - design @ value) / max(unit, 1e-30)
        spread = max(1.4826 * float(np.median(np.abs(residual))), _LEAST_SPREAD)
        sd = np.sqrt(spread**2 + log_sd**2)
        weight = np.clip(1.0 - (residual / (_TUKEY * sd)) ** 2, 0.0, None) ** 2 / sd**2
        normal = design.T @ (weight[:, None] * design)
        if np.linalg.cond(normal) > 1e14:
            return None
        new = np.linalg.solve(normal, design.T @ (weight * target))
        moved = float(np.abs(design @ (new - value)).max()) / max(unit, 1e-30)
        value = new
        if moved < 1e-7:
            break
    used = weight > 0
    if used.sum() < _LEAST_POINTS or len(np.unique(part[used])) < _LEAST_PARTS:
        return None
    return Fit(value, _clustered(design, target - design @ value, weight, part), spread, int(used.sum()))


def _clustered(design: Floats, residual: Floats, weight: Floats, part: NDArray[np.int64]) -> Floats:
    """Covariance [k, k] of weighted least squares whose residuals go together within a part of the picture; never
    smaller than that of independent points."""
    bread = np.linalg.inv(design.T @ (weight[:, None] * design))
    pull = design * (weight * residual)[:, None]
    parts, which = np.unique(part, return_inverse=True)
    sums = np.stack([np.bincount(which, column, len(parts)) for column in pull.T], 1)
    small = len(parts) / max(len(parts) - design.shape[1], 1)
    together = small * bread @ (sums.T @ sums) @ bread
    alone = bread @ (pull.T @ pull) @ bread
    inverse = np.linalg.inv(bread)
    larger = together if np.trace(together @ inverse) >= np.trace(alone @ inverse) else alone
    return np.asarray(larger + 0.01 * bread)  # exact data are not certain either
