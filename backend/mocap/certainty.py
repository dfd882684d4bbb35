"""How sure the place of each joint is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .band import Normals
from .body import Body
from .evidence import View
from .footage import ReadyFootage
from .kept import KeptBody
from .sightings import picture_rows, shape_rows
from .skeleton import Floats
from .terms import State, add_bends

Certain = NDArray[np.float32]

_SURE_M = 0.1
"""Standard deviation of a place that is half sure."""

_ANYWHERE_M = 3.0
"""Standard deviation of a body that nothing shows."""

_CHUNK, _REACH_S = 60, 1.0


def certainty(body: KeptBody, views: Sequence[ReadyFootage], fps: float) -> Certain:
    """[T,J], 0..1; 0 where the body is NaN. Each frame's evidence and how joints bend give every joint a variance
    (Gauss-Newton's), robust weights included; a frame is also as sure as its neighbours, less what people move in the
    time between."""
    variance = np.full((body.frames, len(body.skeleton)), np.inf, np.float32)
    known = np.isfinite(body.root[:, 0])
    for start in range(0, body.frames, _CHUNK):
        stop = min(start + _CHUNK, body.frames)
        if known[start:stop].any():
            variance[start:stop] = _variance(body.part(start, stop), [view.part(start, stop) for view in views])
    variance[~known] = np.inf
    shared = _shared_in_time(variance, body.skeleton.acceleration * body.size, fps)
    found: Certain = np.where(known[:, None], 1.0 / (1.0 + shared / np.float32(_SURE_M**2)), np.float32(0.0))
    return found


def _variance(body: Body, views: Sequence[View]) -> Floats:
    """[T,J] m^2, per axis, of frames by themselves."""
    there = np.isfinite(body.root[:, 0])
    filled = Body(
        body.skeleton, np.where(there[:, None], body.root, 0.0),
        np.where(there[:, None, None, None], body.turns, np.eye(3)), body.rest, body.size, body.measure,
    )  # fmt: skip
    state = State.of(filled)
    normals = Normals.empty(body.frames, body.per_frame, body.shared)
    for view in views:
        picture_rows(state, view.cameras, view.evidence).add_to(normals)
        shape_rows(state, view.cameras, view.evidence).add_to(normals)
    add_bends(normals, state)
    loose = np.concatenate([np.full(3, 1.0 / _ANYWHERE_M**2), np.full(body.per_frame - 3, 1.0 / np.pi**2)])
    covariance = np.linalg.inv(normals.near[0] + np.diag(loose))
    spread = np.einsum("tjap,tpq,tjaq->tj", state.own, covariance, state.own, optimize=True)
    found: Floats = spread / 3.0
    return found


def _shared_in_time(variance: Certain, acceleration: Floats, fps: float) -> Certain:
    found = variance.copy()
    for away in range(1, round(_REACH_S * fps) + 1):
        moved = ((0.5 * acceleration * (away / fps) ** 2) ** 2).astype(np.float32)
        found[away:] = np.minimum(found[away:], variance[:-away] + moved)
        found[:-away] = np.minimum(found[:-away], variance[away:] + moved)
    return found
