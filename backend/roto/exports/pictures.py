"""What both kinds of EXR share: coverage from masks or mattes, and the file itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from backend.pipeline.atomic import atomic_path
from shared.errors import InvalidRequest

Plane = NDArray[np.float32]
Picture = Callable[[str, int], NDArray[np.generic]]
"""(label, plate number) -> its mask or matte, [H, W]: bool, uint8 0..255, uint16 0..65535 or float 0..1."""

Checkpoint = Callable[[int, int], None]
"""Called with steps done and in all; raises to cancel."""


def coverage(picture: NDArray[np.generic]) -> Plane:
    """float32 0..1."""
    whole = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}.get(picture.dtype, 1.0)
    return np.asarray(np.clip(np.asarray(picture, np.float32) / whole, 0.0, 1.0), np.float32)


def planes_of(picture: Picture, labels: list[str], number: int) -> dict[str, Plane]:
    """Every label's coverage. Raises `InvalidRequest` when their sizes differ."""
    planes = {label: coverage(picture(label, number)) for label in labels}
    sizes = {plane.shape for plane in planes.values()}
    if len(sizes) > 1:
        raise InvalidRequest(
            f"The masks of frame {number} have different sizes: {', '.join(f'{w}x{h}' for h, w in sorted(sizes))}.",
            "All masks need the plate's size; run roto again.",
        )
    return planes


def write_exr(path: Path, planes: Mapping[str, Plane], pixel_aspect: float, metadata: Mapping[str, str]) -> None:
    """float32 channels, losslessly compressed. Raises `DiskFull`, `ShotReadOnly`."""
    header: dict[str, Any] = {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "pixelAspectRatio": float(pixel_aspect),
        **metadata,
    }
    channels = {name: OpenEXR.Channel(np.ascontiguousarray(plane, np.float32)) for name, plane in planes.items()}
    with atomic_path(path) as beside:
        OpenEXR.File(header, channels).write(str(beside))


def require_labels(labels: list[str]) -> None:
    if not labels:
        raise InvalidRequest("There are no masks to write.", "Run roto first.")
