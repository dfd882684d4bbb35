"""One solve: what it is made from, and what follows from that alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .frames import FrameSource
from .mapper import MapperSettings
from .progress import Steps
from .refine import RefineSettings
from .scene import Lens
from .settings import SfmSettings
from .shutter_solve import Shutter
from .zoom import ZoomTask

_NOISE_PX = 0.35
"""Expected error of a track, px at tracking resolution, until the solve has measured it."""

_FOCAL_DOUBT = {"user": 0.03, "metadata": 0.1, "learned": 0.15}
"""Relative standard deviation of a given focal length that may be refined."""

_LIKELY_FOCAL = 1.2
"""Focal length over the longer side of the picture when nothing is known."""


@dataclass(frozen=True)
class Job:
    """px: plate pixels per tracking pixel."""

    frames: FrameSource
    settings: SfmSettings
    steps: Steps
    px: float

    @property
    def mapper(self) -> MapperSettings:
        settings = self.settings
        return MapperSettings(
            _NOISE_PX * self.px, not settings.fix_focal, self.focal_prior, settings.seed, settings.focal_range
        )  # fmt: skip

    @property
    def refinement(self) -> RefineSettings:
        preset = self.settings.preset
        return RefineSettings(
            preset.rounds, preset.iterations, not self.settings.fix_focal, self.focal_prior,
            self.settings.distortion, self.px, self.settings.focal_range,
        )  # fmt: skip

    @property
    def shutter(self) -> Shutter | None:
        """How the rows are read; None when all at once."""
        settings = self.settings
        if settings.rolling_shutter == "off":
            return None
        known = (settings.readout_ms or 0.0) if settings.rolling_shutter == "known" else None
        return Shutter(known, settings.fps, self.frames.height, settings.distortion == "auto")

    @property
    def zoom(self) -> ZoomTask:
        return ZoomTask(self.settings.zoom, self.first_lens, self.focal_known, self.mapper, self.refinement)

    @property
    def focal_known(self) -> bool:
        return self.settings.focal_px is not None

    @property
    def focal_prior(self) -> tuple[float, float] | None:
        """(focal length px, its standard deviation) when one is given and may be refined."""
        settings = self.settings
        if settings.focal_px is None or settings.fix_focal:
            return None
        return settings.focal_px, _FOCAL_DOUBT[settings.focal_source] * settings.focal_px

    @property
    def first_lens(self) -> Lens:
        width, height = self.frames.width, self.frames.height
        focal = self.settings.focal_px or _LIKELY_FOCAL * max(width, height)
        return Lens(focal, width / 2.0, height / 2.0, aspect=self.settings.pixel_aspect)

    @property
    def diagonal(self) -> float:
        """Of the plate, px."""
        return float(np.hypot(self.frames.width, self.frames.height))

    @property
    def span(self) -> str:
        return f"frames {self.frames.numbers[0]}-{self.frames.numbers[-1]}"
