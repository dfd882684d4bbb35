"""How a zoom runs: the prior that its focal length changes smoothly over time.

The log focal length l is expected to run on as it does: the change of its slope from one frame to the next has the
standard deviation `scale`. The loss is Cauchy's, so that a zoom may start and stop as hard as a zoom rocker makes it:
one sharp corner costs the logarithm of its sharpness and not the square.
"""

from __future__ import annotations

import numpy as np

from .frames import Floats, Indices


def slope_changes(frames: Indices) -> Floats:
    """The matrix [N - 2, N] that turns values at the frame indices [N] (ascending) into changes of slope, each over
    the square root of the frames it spans: all have the same variance when slopes walk at random."""
    count = len(frames)
    rows = np.zeros((max(count - 2, 0), count))
    if count < 3:
        return rows
    step = np.diff(frames).astype(np.float64)
    index = np.arange(count - 2)
    before, after = 1.0 / step[:-1], 1.0 / step[1:]
    rows[index, index], rows[index, index + 1], rows[index, index + 2] = before, -before - after, after
    spans = np.sqrt((step[:-1] + step[1:]) / 2.0)
    return rows / spans[:, None]


def prior_cost(focals: Floats, frames: Indices, scale: float) -> float:
    """Cost, in standard deviations squared, of the focal lengths [N] px of the frame indices [N]."""
    change = slope_changes(frames) @ np.log(focals) / scale
    return float(np.log1p(change**2).sum())


def prior_system(focals: Floats, frames: Indices, scale: float) -> tuple[Floats, Floats]:
    """The cost's normal matrix [N, N] and gradient [N] (half of it, as the observations' are) in the log focal
    lengths, reweighted for the Cauchy loss."""
    rows = slope_changes(frames) / scale
    change = rows @ np.log(focals)
    weighted = rows / (1.0 + change**2)[:, None]
    return rows.T @ weighted, weighted.T @ change
