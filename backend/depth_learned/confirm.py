"""The maps of a network through the consistency step, which believes what was measured and fills the rest.

A network's map is estimated everywhere. On the way in its confidence 0..0.5 becomes 0.5..0.75, so that neighbouring
frames are asked about it; on the way out it is taken back. Neighbours that agree take the noise out, but a network can
be wrong in the same way in all frames, and a smooth wrong surface agrees with itself: only where the solved points
around are met to 5 % as well does a pixel rise over 0.5, "measured".
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.depth.frame import MEASURED, FrameDepth

_LEAST, _MOST = 0.01, 0.499
_MET = 0.4
"""Confidence of a map whose expected relative error is 5 % (`confidence.py`)."""


def lifted(raw: FrameDepth) -> FrameDepth:
    """As the consistency step shall see it; what is unknown stays so."""
    confidence = np.where(raw.confidence > 0, MEASURED + 0.5 * raw.confidence, 0.0)
    return replace(raw, confidence=confidence.astype(np.float32))


def settled(found: FrameDepth, raw: FrameDepth) -> FrameDepth:
    """As it is after the step, from which `found` comes; what neighbours contradict has next to no confidence."""
    confidence = np.clip(2.0 * (found.confidence - MEASURED), _LEAST, 1.0)
    confidence = np.where(raw.confidence >= _MET, confidence, np.minimum(confidence, _MOST))
    return replace(found, confidence=np.where(found.confidence > 0, confidence, 0.0).astype(np.float32))
