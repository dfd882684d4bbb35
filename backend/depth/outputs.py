"""The files of a frame: `depth/frame_0001.exr`, its confidence, its normals, its preview."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import OpenEXR
from numpy.typing import NDArray

from backend.pipeline.atomic import atomic_path
from shared.errors import InternalError, ShotCorrupt

from .frame import MEASURED, SKY, Depth, FrameDepth

_REMEDY = "Run the depth stage again."


def write_depth(path: Path, depth: Depth, pixel_aspect: float) -> None:
    """float32 channel Z, losslessly compressed."""
    _write_exr(path, {"Z": depth}, pixel_aspect)


def write_normals(path: Path, normals: Depth, pixel_aspect: float) -> None:
    """float32 channels X, Y, Z of [H, W, 3]."""
    _write_exr(path, {name: normals[..., i] for i, name in enumerate("XYZ")}, pixel_aspect)


def _write_exr(path: Path, channels: dict[str, Depth], pixel_aspect: float) -> None:
    header: dict[str, Any] = {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "pixelAspectRatio": float(pixel_aspect),
    }
    planes = {name: OpenEXR.Channel(np.ascontiguousarray(plane, np.float32)) for name, plane in channels.items()}
    with atomic_path(path) as beside:
        OpenEXR.File(header, planes).write(str(beside))


def read_depth(path: Path) -> Depth:
    """Channel Z, float32 [H, W]. Raises `ShotCorrupt`."""
    try:
        return np.asarray(OpenEXR.File(str(path), separate_channels=True).channels()["Z"].pixels, np.float32)
    except (RuntimeError, ValueError, KeyError, OSError) as bad:
        raise ShotCorrupt(f"{path} cannot be read as depth: {bad}.", _REMEDY) from bad


def confidence_levels(found: FrameDepth) -> NDArray[np.uint8]:
    """uint8 [H, W]: 0 unknown, 1-127 filled or estimated, 128-255 measured. Sky has a confidence too."""
    sure = np.clip(found.confidence, 0.0, 1.0)
    filled = 1.0 + np.floor(sure / MEASURED * 127.0)
    measured = 128.0 + np.round((sure - MEASURED) / (1.0 - MEASURED) * 127.0)
    levels = np.where(sure >= MEASURED, measured, np.minimum(filled, 127.0))
    return np.where((found.depth > 0.0) & (found.confidence > 0.0), levels, 0.0).astype(np.uint8)


def confidence_of(levels: NDArray[np.uint8]) -> Depth:
    """float32 [H, W]: the confidence that `confidence_levels` wrote, to its rounding."""
    value = levels.astype(np.float32)
    filled, measured = (value - 0.5) / 127.0 * MEASURED, MEASURED + (value - 128.0) / 127.0 * (1.0 - MEASURED)
    return np.where(value >= 128.0, measured, np.where(value > 0.0, filled, 0.0)).astype(np.float32)


def preview_levels(depth: Depth, near: float, far: float) -> NDArray[np.uint8]:
    """uint8 [H, W]: inverse depth from 255 at `near` to 1 at `far`; 0 where unknown, 1 for sky."""
    inverse = np.divide(1.0, depth, out=np.zeros_like(depth), where=depth > 0.0)
    span = max(1.0 / near - 1.0 / far, 1e-12)
    levels = 1.0 + 254.0 * np.clip((inverse - 1.0 / far) / span, 0.0, 1.0)
    return np.where(depth > 0.0, np.round(levels), 0.0).astype(np.uint8)


def write_grey(path: Path, levels: NDArray[np.uint8]) -> None:
    """An 8-bit PNG of uint8 [H, W]."""
    done, content = cv2.imencode(".png", levels, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not done:
        raise InternalError(f"A picture of shape {levels.shape} could not be encoded as PNG.")
    with atomic_path(path) as beside:
        beside.write_bytes(content.tobytes())


def read_grey(path: Path) -> NDArray[np.uint8]:
    """uint8 [H, W] of an 8-bit PNG. Raises `ShotCorrupt`."""
    try:
        levels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
    except (OSError, cv2.error) as bad:
        raise ShotCorrupt(f"{path} cannot be read: {bad}.", _REMEDY) from bad
    if levels is None:
        raise ShotCorrupt(f"{path} is damaged.", _REMEDY)
    return np.asarray(levels, np.uint8)


class DepthRange:
    """The lengths of a clip as a histogram of their logarithms: quantiles of all frames with none in memory."""

    _LOW, _HIGH, _BINS = np.log(1e-6), np.log(SKY), 16384

    def __init__(self) -> None:
        self._counts = np.zeros(self._BINS, np.int64)
        self._pixels = 0

    def add(self, depth: Depth) -> None:
        known = depth[(depth > 0.0) & (depth < SKY)]
        self._pixels += depth.size
        if known.size:
            counted, _ = np.histogram(np.log(known), self._BINS, (self._LOW, self._HIGH))
            self._counts += counted

    @property
    def known(self) -> float:
        """Share 0..1 of the pixels that have a length."""
        return float(self._counts.sum()) / max(self._pixels, 1)

    def between(self, low: float, high: float) -> tuple[float, float]:
        """The quantiles `low` and `high` (0..1); (1, 2) when there is no length at all."""
        whole = np.cumsum(self._counts)
        if whole[-1] == 0:
            return 1.0, 2.0
        edges = np.exp(np.linspace(self._LOW, self._HIGH, self._BINS + 1))
        first, last = (int(np.searchsorted(whole, share * whole[-1], side="left")) for share in (low, high))
        return float(edges[first]), float(edges[min(last, self._BINS - 1) + 1])
