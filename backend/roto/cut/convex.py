"""The cut: minimum of a weighted total variation plus a cost per pixel, over soft masks.

The convex form of the interactive graph cut (Chan, Esedoglu & Nikolova 2006; Unger et al., "TVSeg", BMVC 2008): its
minimum, thresholded, is a global minimum of the discrete energy, without the metrication of a grid's edges. Solved by
the primal-dual steps of Chambolle & Pock (2011) from coarse to fine, so that its time does not depend on the picture.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_COARSEST_PX = 40
_STEP = 1.0 / np.sqrt(8.0)
"""Of both variables: the squared norm of the discrete gradient is at most 8."""


def minimise(
    cost: Floats, edges: tuple[Floats, Floats], rounds: int = 40, checkpoint: Callable[[], None] | None = None
) -> Floats:
    """The soft mask u in 0..1 that minimises sum(cost * u) + sum of edges * |grad u|.

    cost: float32 [H,W], negative where the object is likely. edges: float32 [H,W], the price of a boundary between a
    pixel and its right, its lower neighbour.
    """
    levels = [(cost, edges)]
    while min(levels[-1][0].shape) > _COARSEST_PX:
        levels.append(_halved(*levels[-1]))
    soft: Floats = np.full(levels[-1][0].shape, 0.5, np.float32)
    for level_cost, level_edges in reversed(levels):
        if soft.shape != level_cost.shape:
            soft = _resized(soft, level_cost.shape, cv2.INTER_LINEAR)
        soft = _descend(soft, level_cost, level_edges, rounds)
        if checkpoint is not None:
            checkpoint()
    return soft


def _halved(cost: Floats, edges: tuple[Floats, Floats]) -> tuple[Floats, tuple[Floats, Floats]]:
    """A pixel of the halved picture stands for four: their cost adds up, a boundary is two pixels long."""
    height, width = cost.shape
    size = ((height + 1) // 2, (width + 1) // 2)
    right, down = (2 * _resized(edge, size, cv2.INTER_AREA) for edge in edges)
    return 4 * _resized(cost, size, cv2.INTER_AREA), (right, down)


def _resized(image: Floats, shape: tuple[int, ...], how: int) -> Floats:
    return np.asarray(cv2.resize(image, (shape[1], shape[0]), interpolation=how), np.float32)


def _descend(soft: Floats, cost: Floats, edges: tuple[Floats, Floats], rounds: int) -> Floats:
    right, down = edges
    bound = float(max(right.max(), down.max(), 1e-6))
    tau, sigma = _STEP / bound, _STEP * bound  # balances the two variables' scales
    most_right, most_down = right / sigma, down / sigma  # the flows are kept in units of sigma
    across, along = np.zeros_like(soft), np.zeros_like(soft)
    ahead, step, newer = soft.copy(), np.empty_like(soft), np.empty_like(soft)
    price = cost / sigma
    for _ in range(rounds):
        across[:, :-1] += ahead[:, 1:]
        across[:, :-1] -= ahead[:, :-1]
        along[:-1] += ahead[1:]
        along[:-1] -= ahead[:-1]
        for flow, most in ((across, most_right), (along, most_down)):
            np.minimum(flow, most, out=flow)
            np.maximum(flow, -most, out=flow)
        np.add(across, along, out=step)
        step -= price
        step[:, 1:] -= across[:, :-1]
        step[1:] -= along[:-1]
        step *= tau * sigma
        np.add(soft, step, out=newer)
        np.minimum(newer, 1.0, out=newer)
        np.maximum(newer, 0.0, out=newer)
        np.multiply(newer, 2.0, out=ahead)
        ahead -= soft
        soft, newer = newer, soft
    return soft
