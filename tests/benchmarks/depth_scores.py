"""How far depth maps are from the truth: AbsRel, delta < 1.03, coverage and flicker; numpy only.

AbsRel and delta are those of Eigen et al. (NeurIPS 2014), the second with 1.03 in place of 1.25. Flicker compares the
depth-to-truth ratio of a surface point in one frame with that of the same point in the next (truth says where it went),
so it is 0 for a map that is off by one factor in all frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.benchmarks.scoring import Array
from tests.benchmarks.truth import Mask

DELTA = 1.03
_SAME = 0.01
"""Relative difference of truth depths up to which a point of one frame is the one seen in the next."""


@dataclass(frozen=True)
class DepthScore:
    """Percent. coverage: of the truth's pixels. abs_rel and delta: over those; nan without any. median: of the relative
    error."""

    abs_rel: float
    median: float
    delta: float
    coverage: float


def score_depth(depth: Array, truth: Array, counted: Mask, taken: Mask) -> DepthScore:
    """depth, truth [H, W]: planar, one unit. counted: pixels of the truth that count (static, finite). taken: those for
    which the map is held to its word."""
    use = counted & taken & (depth > 0)
    if not use.any():
        return DepthScore(float("nan"), float("nan"), float("nan"), 0.0)
    ratio = depth[use] / truth[use]
    error = np.abs(ratio - 1.0)
    within = np.maximum(ratio, 1.0 / ratio) < DELTA
    return DepthScore(
        100.0 * float(error.mean()),
        100.0 * float(np.median(error)),
        100.0 * float(within.mean()),
        100.0 * float(use.sum() / max(counted.sum(), 1)),
    )


def most_confident(confidence: Array, counted: Mask, share: float) -> Mask:
    """The best `share` (0..1) of the counted pixels, by confidence [H, W]."""
    if not counted.any():
        return counted
    least = np.quantile(confidence[counted], 1.0 - share)
    return np.asarray(counted & (confidence >= least))


Pair = tuple[Array, Array] | Array
"""Something of a frame, and of the next."""


def flicker(ratio: Pair, truth: Pair, K: Pair, poses: Pair) -> float:
    """Mean of `changes`, percent; nan when the frames share no pixel."""
    change = changes(ratio, truth, K, poses)
    return 100.0 * float(change.mean()) if len(change) else float("nan")


def changes(ratio: Pair, truth: Pair, K: Pair, poses: Pair) -> Array:
    """Relative change [N] of depth over truth from a frame to the next, of the surface points that both see. ratio: the
    frames' depth / truth [H, W], nan where not counted. truth [H, W]. K [3, 3]. poses: world_from_camera [4, 4]."""
    height, width = truth[0].shape
    y, x = np.nonzero(np.isfinite(ratio[0]))
    z = truth[0][y, x]
    rays = np.stack([x + 0.5, y + 0.5, np.ones(len(x))], 1) @ np.linalg.inv(K[0]).T
    world = (rays * z[:, None]) @ poses[0][:3, :3].T + poses[0][:3, 3]
    camera = (world - poses[1][:3, 3]) @ poses[1][:3, :3]
    pixel = camera @ K[1].T
    u, v = (np.floor(pixel[:, i] / np.maximum(pixel[:, 2], 1e-9)).astype(int) for i in (0, 1))
    inside = (camera[:, 2] > 0) & (u >= 0) & (v >= 0) & (u < width) & (v < height)
    u, v, before, there = u[inside], v[inside], ratio[0][y, x][inside], camera[inside, 2]
    same = np.abs(truth[1][v, u] / there - 1.0) < _SAME
    change: Array = np.abs(ratio[1][v, u] / before - 1.0)[same]
    return change[np.isfinite(change)]
