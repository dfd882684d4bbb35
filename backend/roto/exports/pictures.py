"""Pictures of all objects of a frame together, as OpenEXR: what both layouts share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from backend.pipeline.atomic import atomic_path
from shared.artifacts import frame_name
from shared.errors import InvalidRequest

Plane = NDArray[np.float32]
Picture = Callable[[str, int], NDArray[np.generic]]
"""(label, plate number) -> its mask or matte, [H, W]: bool, uint8 0..255, uint16 0..65535 or float 0..1."""

Checkpoint = Callable[[int, int], None]
"""Called with steps done and in all; raises to cancel."""


@dataclass(frozen=True)
class Layout:
    """One kind of file, for certain labels. metadata: attributes of every file. channels: from each label's coverage to
    the file's channels."""

    metadata: Mapping[str, str]
    channels: Callable[[dict[str, Plane]], dict[str, Plane]]


LayoutOf = Callable[[Sequence[str]], Layout]
"""Labels, in order -> the layout."""


def write_exrs(
    folder: Path,
    layout_of: LayoutOf,
    labels: Sequence[str],
    numbers: Sequence[int],
    picture: Picture,
    checkpoint: Checkpoint,
    pixel_aspect: float = 1.0,
) -> None:
    """`folder/frame_0001.exr` for each of the numbers. Raises `InvalidRequest` without labels or for masks of different
    sizes, `DiskFull`, `ShotReadOnly`."""
    if not labels:
        raise InvalidRequest("There are no masks to write.", "Run roto first.")
    layout = layout_of(labels)
    for done, number in enumerate(numbers):
        checkpoint(done, len(numbers))
        planes = layout.channels(_planes_of(picture, labels, number))
        _write_exr(folder / frame_name(number, "exr"), planes, pixel_aspect, layout.metadata)


def coverage(picture: NDArray[np.generic]) -> Plane:
    """float32 0..1."""
    whole = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}.get(picture.dtype, 1.0)
    return np.asarray(np.clip(np.asarray(picture, np.float32) / whole, 0.0, 1.0), np.float32)


def _planes_of(picture: Picture, labels: Sequence[str], number: int) -> dict[str, Plane]:
    """Every label's coverage. Raises `InvalidRequest` when their sizes differ."""
    planes = {label: coverage(picture(label, number)) for label in labels}
    sizes = {plane.shape for plane in planes.values()}
    if len(sizes) > 1:
        raise InvalidRequest(
            f"The masks of frame {number} have different sizes: {', '.join(f'{w}x{h}' for h, w in sorted(sizes))}.",
            "All masks need the plate's size; run roto again.",
        )
    return planes


def _write_exr(path: Path, planes: Mapping[str, Plane], pixel_aspect: float, metadata: Mapping[str, str]) -> None:
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
