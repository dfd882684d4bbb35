"""OpenEXR files: the picture inside the display window, linear light."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from shared.errors import FootageUnreadable

from .clip import Colour, Picture
from .lens import from_exr

_GREY = ("Y", "L", "A", "Z")


def probe_exr(path: Path) -> Picture:
    """The make of an EXR file, from its header."""
    header = _open(path, header_only=True).header()
    width, height = _size(header["displayWindow"])
    names = [str(channel.name) for channel in header.get("channels", [])]
    data = header["dataWindow"]
    metadata = {
        str(key): str(value)
        for key, value in header.items()
        if isinstance(value, (str, int, float)) and key not in ("name", "type")
    }
    if _size(data) != (width, height):
        metadata["dataWindow"] = f"{data[0].tolist()}-{data[1].tolist()}"
    return Picture(
        width=width,
        height=height,
        bit_depth=32,
        codec="exr",
        pixel_format="half/float",
        pixel_aspect=float(header.get("pixelAspectRatio", 1.0)) or 1.0,
        colour=Colour(transfer="linear"),
        coding="scene-linear",
        alpha=any(name.split(".")[-1] == "A" for name in names),
        focal=from_exr(header),
        rate=_rate(header.get("framesPerSecond")),
        metadata=metadata,
    )


def _rate(value: Any) -> Fraction | None:
    above, below = getattr(value, "n", 0), getattr(value, "d", 0)
    return Fraction(above, below) if above > 0 and below > 0 else None


def read_exr(path: Path) -> NDArray[Any]:
    """[H,W,3] RGB float16 or float32 over the display window; 0 where the data window leaves it empty."""
    file = _open(path, header_only=False)
    header, channels = file.header(), file.channels()
    picked = [channels[name].pixels for name in _pick(path, list(channels))]
    kind = np.float16 if all(p.dtype == np.float16 for p in picked) else np.float32
    width, height = _size(header["displayWindow"])
    image = np.zeros((height, width, 3), kind)
    left, top = (int(a - b) for a, b in zip(header["dataWindow"][0], header["displayWindow"][0], strict=True))
    rows, columns = picked[0].shape[:2]
    target, source = _overlap(top, rows, height), _overlap(left, columns, width)
    for i, pixels in enumerate(picked):
        if pixels.shape != picked[0].shape:
            raise FootageUnreadable(f"{path.name} stores its colour at half resolution, which is not supported.")
        image[target[0], source[0], i] = pixels[target[1], source[1]]
    return image


def _overlap(start: int, length: int, whole: int) -> tuple[slice, slice]:
    """Where a window that begins at `start` lies in 0..whole, and which part of it that is."""
    first, last = max(start, 0), max(min(start + length, whole), max(start, 0))
    return slice(first, last), slice(first - start, last - start)


def _pick(path: Path, names: list[str]) -> list[str]:
    """The channels for red, green, blue: the main layer, else the first layer that has all three."""
    layers = ["", *sorted({name.rsplit(".", 1)[0] + "." for name in names if "." in name})]
    for layer in layers:
        for letters in ("RGB", "rgb"):
            if all(layer + letter in names for letter in letters):
                return [layer + letter for letter in letters]
    for name in _GREY:
        if name in names:
            return [name] * 3
    raise FootageUnreadable(
        f"{path.name} has no colour: its channels are {', '.join(names[:8])}.", "Render or export RGB channels."
    )


def _open(path: Path, *, header_only: bool) -> Any:
    try:
        # One thread each: ingest reads several files at once.
        file = OpenEXR.File(str(path), separate_channels=True, header_only=header_only, num_threads=0)
        file.header()  # a cut file opens without parts, and says so only here
        return file
    except (RuntimeError, ValueError, KeyError, OSError) as bad:
        raise FootageUnreadable(
            f"{path.name} cannot be read as an OpenEXR file: {_first_line(bad)}.", "Render or copy that frame again."
        ) from bad


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__


def _size(window: Any) -> tuple[int, int]:
    low, high = window
    return int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1
