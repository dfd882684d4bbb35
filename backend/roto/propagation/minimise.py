"""The mask of least energy: each pixel's own odds against the length of the boundary, which likes to lie on edges.

Continuous minimum cut (Unger et al., TVSeg, BMVC 2008): min over u in 0..1 of  integral g |grad u| - odds * u,  by
the primal-dual steps of Chambolle and Pock (2011). It has the graph cut's optimum without its blocky metric.
"""

from __future__ import annotations

import numpy as np

from .movement import Floats


def least_energy(odds: Floats, edges: Floats, start: Floats, rounds: int) -> Floats:
    """u, float32 [h, w] in 0..1.

    odds: log odds of the object, float32 [h, w], already in units of the boundary's price. edges: float32 [h, w], the
    price of a boundary there, 0..1. start: a guess, float32 [h, w].
    """
    step = np.float32(1 / np.sqrt(8.0))
    u, ahead = start.astype(np.float32), start.astype(np.float32)
    px, py, norm, change = (np.zeros_like(u) for _ in range(4))
    pull, bound = step * odds.astype(np.float32), np.square(edges)
    for _ in range(rounds):
        px[:, :-1] += step * (ahead[:, 1:] - ahead[:, :-1])
        py[:-1] += step * (ahead[1:] - ahead[:-1])
        np.multiply(px, px, out=norm)
        norm += py * py
        np.maximum(norm, bound, out=norm)
        np.divide(bound, norm, out=norm)
        np.sqrt(norm, out=norm)
        px *= norm
        py *= norm
        np.add(px, py, out=change)
        change[:, 1:] -= px[:, :-1]
        change[1:] -= py[:-1]
        change *= step
        change += pull
        change += u
        np.clip(change, 0.0, 1.0, out=change)
        np.subtract(change, u, out=ahead)
        ahead += change
        u, change = change, u
    return u
