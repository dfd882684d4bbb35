"""What the caller chooses, and what a preset stands for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from shared.solve_hints import NO_HINTS, SolveHints

from .frames import DepthSource


@dataclass(frozen=True)
class Preset:
    """longest: tracking resolution, px of the longer side; None for half of the plate's. features: tracks kept alive
    in a frame. patch: radius of the tracked patches over the picture's diagonal. rounds: final bundle adjustments, each
    with outliers removed and points tried again. iterations: of each. windows: frames, spread over the clip, in which
    points that tracking lost are looked for again. lower: the next cheaper preset, "" for the cheapest."""

    longest: int | None
    features: int
    patch: float
    rounds: int
    iterations: int
    windows: int
    lower: str


PRESETS = {
    "low": Preset(None, 600, 0.0109, 1, 12, 60, "fast"),
    "medium": Preset(1920, 1200, 0.0109, 2, 20, 60, "low"),
    "high": Preset(2560, 2200, 0.0109, 3, 40, 60, "medium"),
    "slow": Preset(4096, 4000, 0.0109, 4, 60, 60, "high"),
    "fast": Preset(640, 500, 0.0109, 1, 10, 30, ""),
    "balanced": Preset(1280, 900, 0.0109, 2, 20, 60, "fast"),
    "best": Preset(4096, 3000, 0.0109, 4, 60, 120, "high"),
}


@dataclass(frozen=True)
class SfmSettings:
    """quality: a name in PRESETS. focal_px: px of the plate's width, None when unknown; focal_source: "user",
    "metadata" or "learned" then. fix_focal: hold it exactly. motion: "auto", "full", "nodal" or "locked" for all
    frames. distortion: "auto", "none", "radial" or "tangential". rolling_shutter: "off", "auto" or "known", which
    takes readout_ms, ms from the first row to the last; fps: frames a second. find_movers: whether to look for
    things that move. hints: what the artist says of tracks; track_tables: tracks.npz
    files of earlier solves that they may be of. pixel_aspect: width
    of a plate pixel over its height. zoom: "auto" finds out whether the focal length changes, "fixed" is one for all
    frames, "free" is one for each. focal_min_px, focal_max_px: ends of the range it is looked for in, px of the plate's
    width, or None. checkpoint: folder that keeps finished tracks for a resume, or None;
    checkpoint_key: what the tracks depend on besides these settings (the plate's fingerprint). depths: depth maps that
    were made without this camera, to hold a shot with little parallax, or None."""

    quality: str = "medium"
    focal_px: float | None = None
    focal_source: str = "user"
    fix_focal: bool = False
    distortion: str = "auto"
    pixel_aspect: float = 1.0
    zoom: str = "auto"
    focal_min_px: float | None = None
    focal_max_px: float | None = None
    motion: str = "auto"
    rolling_shutter: str = "off"
    readout_ms: float | None = None
    fps: float = 24.0
    find_movers: bool = True
    hints: SolveHints = NO_HINTS
    depths: DepthSource | None = None
    track_tables: tuple[Path, ...] = ()
    seed: int = 0
    checkpoint: Path | None = None
    checkpoint_key: str = ""

    @property
    def preset(self) -> Preset:
        return PRESETS[self.quality]

    @property
    def focal_range(self) -> tuple[float, float] | None:
        """Least and greatest focal length, px; None when neither end is given."""
        if self.focal_min_px is None and self.focal_max_px is None:
            return None
        return self.focal_min_px or 0.0, self.focal_max_px or math.inf

    @property
    def tracking_key(self) -> str:
        """Names what finished tracks were made from."""
        return f"{self.quality}:{self.seed}:{self.checkpoint_key}"


def patch_radius(preset: Preset, size: tuple[int, int]) -> int:
    """Radius, px, of the patches that are followed at tracking resolution `size` (w, h): a fixed part of the
    picture, within what is still a corner and what is still quick."""
    return round(min(max(preset.patch * math.hypot(*size), 5.0), 11.0))


def longest_side(preset: Preset, width: int, height: int) -> int:
    """Tracking resolution of a plate: px of its longer side."""
    longest = max(width, height)
    if preset.longest is None:
        return min(longest, max(480, longest // 2))
    return min(longest, preset.longest)
