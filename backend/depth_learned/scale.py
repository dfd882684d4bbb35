"""What a metric network says about the scale of a solve that has none. It is a proposal: nothing is changed.

`backend.world` applies it when the artist says so (`WorldRequest.scale` with scale_source "metric-depth").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backend.depth.poses import Floats
from backend.world.sizes import scale_from_depth
from shared.errors import InvalidRequest

_PER_FRAME = 200


@dataclass(frozen=True)
class ScaleProposal:
    """scale: multiplies the world to make it metres. spread: robust relative standard deviation of single points about
    it; frame_spread: of the frames' own medians, which says whether the network keeps its scale. frames, samples: how
    many it is from."""

    scale: float
    spread: float
    frame_spread: float
    frames: int
    samples: int

    @property
    def sentence(self) -> str:
        return (
            f"The network says that the world times {self.scale:.4g} is in metres (single points differ by "
            f"{self.spread:.0%}, frames by {self.frame_spread:.0%}). The world was not changed: `world SHOT "
            "--metric-depth` does it."
        )


def propose_scale(frames: Sequence[tuple[Floats, Floats]]) -> ScaleProposal | None:
    """From (depth in world units, depth in metres) of the points of each frame; None when there are too few or they
    disagree. Frames count alike, however many points they have."""
    chosen = [pair for pair in (_evenly(world, metres) for world, metres in frames) if len(pair[0])]
    if not chosen:
        return None
    world, metres = (np.concatenate(side) for side in zip(*chosen, strict=True))
    try:
        found = scale_from_depth(world, metres)
    except InvalidRequest:
        return None
    middles = np.array([np.median(np.log(m / w)) for w, m in chosen])
    spread = 1.4826 * float(np.median(np.abs(middles - np.median(middles))))
    return ScaleProposal(found.scale, found.spread, spread, len(chosen), found.samples)


def _evenly(world: Floats, metres: Floats) -> tuple[Floats, Floats]:
    good = (world > 0) & (metres > 0) & np.isfinite(metres)
    world, metres = world[good], metres[good]
    if len(world) <= _PER_FRAME:
        return world, metres
    pick = np.linspace(0, len(world) - 1, _PER_FRAME).astype(np.int64)
    return world[pick], metres[pick]
