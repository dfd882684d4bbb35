"""What the consistency step can be told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ConsistencySettings:
    """reach: frames on either side that a frame is brought into agreement with in one iteration. iterations: rounds;
    each one sees what the round before made of the neighbours, so the clip agrees over `reach * iterations` frames.
    half_resolution: work on maps of half the size, and take their agreement up to full size along the raw depth.
    smoothing: passes of the edge-aware plane fit that ends a round, 0 for none."""

    reach: int = 6
    iterations: int = 4
    half_resolution: bool = True
    smoothing: int = 1
