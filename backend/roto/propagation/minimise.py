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
    tau = sigma = np.float32(1 / np.sqrt(8.0))
    u, ahead = start.astype(np.float32), start.astype(np.float32)
    px, py = np.zeros_like(u), np.zeros_like(u)
    pull = tau * odds
    for _ in range(rounds):
        px[:, :-1] += sigma * (ahead[:, 1:] - ahead[:, :-1])
        py[:-1] += sigma * (ahead[1:] - ahead[:-1])
        shrink = edges / np.maximum(edges, np.sqrt(px * px + py * py) + np.float32(1e-9))
        px *= shrink
        py *= shrink
        step = px + py
        step[:, 1:] -= px[:, :-1]
        step[1:] -= py[:-1]
        before = u
        u = np.clip(u + tau * step + pull, 0.0, 1.0)
        ahead = 2.0 * u - before
    return u
