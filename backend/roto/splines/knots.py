"""How many points a spline needs, and where on the shape they ride: the same ones for its whole life."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .bezier import Shape, Values
from .track import Frame, fitted, places_at

_LONGEST = 100.0
"""px between two points, on the mean: pieces are looked at in 16 places, and chords between these are no curve."""

_DATA = 5
"""Points of the outline that a piece must have on the frame where it is worst to be parted."""

_LOOKED_AT = 16
"""Frames, evenly over the life, that choose the points."""


def choose_knots(frames: Sequence[Frame], tolerance: float) -> Values:
    """Shares of the way around, increasing, at which to put points: as few as bring every frame's own curve within
    `tolerance` px of its outline, as far as adding one where it is worst, piece after piece, finds them."""
    looked = list(range(0, len(frames), max(len(frames) // _LOOKED_AT, 1)))
    first = max(4, int(np.ceil(max(frame.length for frame in frames) / _LONGEST)))
    knots = np.arange(first) / first
    while True:
        knots = _enough([frames[f] for f in looked], knots, tolerance)
        shape = Shape.of(len(knots))
        rest = [f for f in range(len(frames)) if f not in looked]
        errors = {f: fitted(frames[f], shape, places_at(frames[f].shares, knots), tolerance).error for f in rest}
        bad = sorted((f for f in rest if errors[f] > 1.3 * tolerance), key=lambda f: -errors[f])
        if not bad:
            return knots
        looked += bad[:_LOOKED_AT]


def _enough(frames: Sequence[Frame], knots: Values, tolerance: float) -> Values:
    while len(added := _wanted(frames, knots, tolerance)):
        knots = np.unique(np.concatenate([knots, added]))
    return knots


def _wanted(frames: Sequence[Frame], knots: Values, tolerance: float) -> Values:
    """Where pieces that are too far off would have another point: at their worst place, away from the ends."""
    count = len(knots)
    shape = Shape.of(count)
    worst, where = np.full(count, tolerance), np.full(count, np.nan)
    for frame in frames:
        start = places_at(frame.shares, knots)
        found = fitted(frame, shape, start, tolerance, rounds=1)
        data = np.bincount(np.floor(start).astype(int) % count, minlength=count)
        for places, gaps in ((found.places, found.gaps), frame.apart_at(shape, found.polygon)):
            piece = np.floor(places).astype(int) % count
            for k in np.unique(piece[gaps > tolerance]):
                here = np.flatnonzero(piece == k)
                most = here[gaps[here].argmax()]
                if gaps[most] > worst[k] and data[k] >= _DATA:
                    worst[k], where[k] = gaps[most], places[most]
    wanted = np.flatnonzero(~np.isnan(where))
    # Two neighbours at once often serve the same corner: the worse of them first, the other when it still is.
    wanted = np.array([k for k in wanted if worst[k] >= max(worst[k - 1], worst[(k + 1) % count])], np.int64)
    ends = np.append(knots, knots[0] + 1.0)
    part = np.clip(where[wanted] - np.floor(where[wanted]), 0.3, 0.7)
    added: Values = (ends[wanted] + part * (ends[wanted + 1] - ends[wanted])) % 1.0
    return added
