"""What a depth network says of a picture, and how its kinds of answer become inverse depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""RGB uint8 [H, W, 3], sRGB."""

Map = NDArray[np.float32]

RELATIVE, METRIC = "relative", "metric"


@dataclass(frozen=True)
class RawMap:
    """values float32 [h, w]: as the network gives them, in its own pixels. fov_deg: horizontal field of view that it
    sees in the picture, if it guesses one."""

    values: Map
    fov_deg: float | None = None


class DepthModel(Protocol):
    """A network that sees depth in one picture.

    name: of the model. kind: `RELATIVE` when its maps are inverse depth up to an unknown scale and shift, `METRIC`
    when they are depth in metres. batch: pictures at once to begin with."""

    name: str
    kind: str
    batch: int

    def predict(self, pictures: Sequence[Picture]) -> list[RawMap]:
        """The maps of pictures of one size, all in one run."""

    def resized(self, raw: RawMap, size: tuple[int, int], focal_px: float | None = None) -> Map:
        """The map float32 [H, W] in a picture of size (H, W): inverse depth or metres, by `kind`. focal_px: of that
        picture, where it is known; models that guess the focal length then take it instead of their guess."""


def inverse_of(kind: str, values: Map) -> Map:
    """Inverse depth (up to scale and shift for relative models) of resized maps [...]; 0 where it is no number."""
    if kind == RELATIVE:
        return np.where(np.isfinite(values), values, np.float32(0.0))
    good = np.isfinite(values) & (values > 0.0)
    return np.asarray(np.divide(1.0, values, out=np.zeros_like(values), where=good), np.float32)


def focal_of(fov_deg: float, width: int) -> float:
    """Focal length in px of a picture so wide, from its horizontal field of view."""
    return float(0.5 * width / np.tan(np.radians(0.5 * fov_deg)))
