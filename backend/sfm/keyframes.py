"""Which frames the map is first built from."""

from __future__ import annotations

import numpy as np

from .tracks import Tracks, pair_of

_LEAST_KEYS = 8


def choose_keyframes(tracks: Tracks, diagonal: float) -> list[int]:
    """Frame indices of the key frames, first and last included.

    A new one when the common tracks have moved by 4 % of the picture's diagonal (median), or fewer than 60 % of
    the last one's tracks are left. Slow clips get at least eight, evenly spaced.
    """
    reach = 0.04 * diagonal
    per_frame = tracks.per_frame()
    keys = [0]
    for frame in range(1, tracks.frames):
        common, a, b = pair_of(tracks, keys[-1], frame)
        moved = float(np.median(np.linalg.norm(b - a, axis=1))) if len(common) else np.inf
        if moved > reach or len(common) < 0.6 * per_frame[keys[-1]]:
            keys.append(frame)
    last = tracks.frames - 1
    if keys[-1] != last:
        keys.append(last)
    if len(keys) < _LEAST_KEYS:
        even = np.unique(np.rint(np.linspace(0, last, _LEAST_KEYS)).astype(int))
        keys = sorted({*keys, *even.tolist()})
    return keys
