"""Mattes, trimaps and foregrounds as files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import OpenEXR
from numpy.typing import NDArray

from backend.pipeline.atomic import atomic_path
from shared.errors import ArtifactMissing, InternalError, ShotCorrupt

from .clip import Alpha, Picture

_REMEDY = "Delete it and run the matte stage again."


def alpha_levels(alpha: Alpha) -> NDArray[np.uint16]:
    """uint16 [H, W], 65535 for 1."""
    return np.round(np.clip(alpha, 0.0, 1.0) * 65535.0).astype(np.uint16)


def as_written(alpha: Alpha) -> Alpha:
    """The matte as its file will say it, so that what is made from it agrees with the file."""
    return alpha_levels(alpha).astype(np.float32) / np.float32(65535.0)


def write_alpha(path: Path, alpha: Alpha) -> None:
    """A 16-bit grey PNG."""
    _write_png(path, alpha_levels(alpha))


def write_grey(path: Path, levels: NDArray[np.uint8]) -> None:
    """An 8-bit grey PNG of uint8 [H, W]."""
    _write_png(path, levels)


def _write_png(path: Path, levels: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
    done, content = cv2.imencode(".png", levels, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not done:
        raise InternalError(f"A matte of shape {levels.shape} could not be encoded as PNG.")
    with atomic_path(path) as beside:
        beside.write_bytes(content.tobytes())


def read_alpha(path: Path) -> Alpha:
    """float32 [H, W] 0..1 of an 8-bit or 16-bit picture. Raises `ArtifactMissing`, `ShotCorrupt`."""
    try:
        levels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    except FileNotFoundError as gone:
        raise ArtifactMissing(f"{path} is missing.") from gone
    except (OSError, cv2.error) as bad:
        raise ShotCorrupt(f"{path} cannot be read: {bad}.", _REMEDY) from bad
    if levels is None:
        raise ShotCorrupt(f"{path} is damaged.", _REMEDY)
    highest = 65535.0 if levels.dtype == np.uint16 else 255.0
    return np.asarray(levels, np.float32) / np.float32(highest)


def linear_light(picture: Picture) -> NDArray[np.float32]:
    """float32 [H, W, 3]: code values through the sRGB curve (IEC 61966-2-1), as Blender reads an 8-bit plate."""
    code = np.arange(256, dtype=np.float64) / 255.0
    curve = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return np.asarray(curve[picture], np.float32)


def write_foreground(path: Path, colours: NDArray[np.float32], alpha: Alpha) -> None:
    """An OpenEXR file with R, G, B (float16, linear light, premultiplied by alpha) and A."""
    channels = {
        name: np.ascontiguousarray((colours[..., i] * alpha).astype(np.float16)) for i, name in enumerate("RGB")
    }
    channels["A"] = alpha.astype(np.float16)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with atomic_path(path) as beside:
        OpenEXR.File(header, channels).write(str(beside))


def together(alphas: list[Alpha]) -> Alpha:
    """Coverage by any of the objects, as if each hid the others' shares at random: 1 - (1 - a)(1 - b)..."""
    open_ = np.ones_like(alphas[0])
    for alpha in alphas:
        open_ *= 1.0 - np.clip(alpha, 0.0, 1.0)
    return np.asarray(1.0 - open_, np.float32)
