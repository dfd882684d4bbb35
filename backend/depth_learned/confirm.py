"""The maps of a network through the consistency step, which believes what was measured and fills the rest.

A network's map is estimated everywhere. On the way in its confidence 0..0.5 becomes 0.5..0.75, so that neighbouring
frames are asked about it; on the way out it is taken back, and what they confirmed has risen over 0.5, "measured", in
the same measure.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.depth.frame import MEASURED, FrameDepth

_LEAST = 0.01


def lifted(frame: FrameDepth) -> FrameDepth:
    """As the consistency step shall see it; what is unknown stays so."""
    confidence = np.where(frame.confidence > 0, MEASURED + 0.5 * frame.confidence, 0.0)
    return replace(frame, confidence=confidence.astype(np.float32))


def settled(frame: FrameDepth) -> FrameDepth:
    """As it is after the step: what neighbours contradict has next to no confidence."""
    confidence = np.clip(2.0 * (frame.confidence - MEASURED), _LEAST, 1.0)
    return replace(frame, confidence=np.where(frame.confidence > 0, confidence, 0.0).astype(np.float32))
