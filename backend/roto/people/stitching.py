"""Pieces of tracks that are one person: whoever jumps, tumbles or passes a light loses the track, and a new one begins.

Two pieces are joined when they are never seen in the same frame, when people can get from one to the other in the time
between, and when the colours do not speak against it. The best joins come first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from .tracks import Sighting, Track, distance_of_colours

_FASTEST = 4.5
"""Sizes of the person's region in a second: 10 m/s, of a region of 2.3 m."""

_AROUND = 0.35
"""Of the size: what the region itself may be off by."""

_FARTHEST = 2.0
_LONGEST_S = 1.5
_UNLIKE, _UNLIKE_SOON = 0.6, 0.8
_SOON_S = 0.25
"""Distances of colours that are too large; less than that apart in time the place says more, and light may change."""


def stitched(tracks: Sequence[Track], fps: float) -> list[Track]:
    """The tracks with joined ones in the place of their pieces. fps: of the indices."""
    whole = list(tracks)
    while True:
        best = min(
            ((_apart(one, other, fps), i, j) for i, one in enumerate(whole) for j, other in enumerate(whole[:i])),
            default=(math.inf, 0, 0),
        )
        if not math.isfinite(best[0]):
            return whole
        later, earlier = whole.pop(best[1]), whole[best[2]]
        whole[best[2]] = _joined(earlier, later)


def _joined(one: Track, other: Track) -> Track:
    sightings = sorted((*one.sightings, *other.sightings), key=lambda sighting: sighting.index)
    share = len(one.sightings) / len(sightings)
    return Track(share * one.colours + (1.0 - share) * other.colours, sightings)


def _apart(one: Track, other: Track, fps: float) -> float:
    """How badly two tracks fit together; infinite where they are two people."""
    if {sighting.index for sighting in one.sightings} & {sighting.index for sighting in other.sightings}:
        return math.inf
    order = sorted(
        ((sighting, owner) for owner, track in enumerate((one, other)) for sighting in track.sightings),
        key=lambda item: item[0].index,
    )
    steps = [(a, b) for (a, before), (b, after) in pairwise(order) if before != after]
    waited = max(b.index - a.index for a, b in steps) / fps
    unlike = distance_of_colours(one.colours, other.colours)
    if waited > _LONGEST_S or unlike > (_UNLIKE_SOON if waited <= _SOON_S else _UNLIKE):
        return math.inf
    return max(_step(a, b, fps) for a, b in steps) + unlike + waited


def _step(before: Sighting, after: Sighting, fps: float) -> float:
    """Distance of two sightings, as a part of what people manage in the time between; infinite beyond."""
    x, y, size, _ = before.person.region
    far_x, far_y, later_size, _ = after.person.region
    if not 0.5 < later_size / size < 2.0:
        return math.inf
    seconds = (after.index - before.index) / fps
    reach = min(_FARTHEST, _AROUND + _FASTEST * seconds) * max(size, later_size)
    share = math.hypot(far_x - x, far_y - y) / reach
    return share if share <= 1.0 else math.inf
