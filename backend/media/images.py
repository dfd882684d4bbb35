"""Still images as frames: png, jpg, tiff (OpenCV), dpx (libav) and exr (OpenEXR)."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from shared.errors import BacklotError, FootageChanged, FootageEmpty, FootageUnreadable

from . import dpx, exif
from .clip import Colour, Picture
from .convert import FrameConverter
from .exr import probe_exr, read_exr
from .lens import from_exif
from .orientation import from_exif as orientation_of

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_READ = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
_AGAIN = "Render, export or copy that frame again."


def read_bytes(path: Path) -> bytes:
    """A frame's file. Raises `FootageChanged` when it has gone since the sequence was listed."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as gone:
        raise FootageChanged(f"{path} has gone since the sequence was listed.") from gone
    except OSError as bad:
        raise FootageUnreadable(f"{path} cannot be read: {bad.strerror or bad}.") from bad
    if not data:
        raise FootageEmpty(f"{path} is empty (0 bytes).", _AGAIN)
    return data


def read_rgb(path: Path) -> NDArray[Any]:
    """[H,W,3] RGB as stored (not turned): uint8 or uint16 code values, or float16/float32 linear light."""
    if path.suffix.lower() == ".exr":
        check_there(path)
        return read_exr(path)
    return decode_image(path, read_bytes(path))


def read_image(path: Path) -> NDArray[Any]:
    """`read_rgb` in OpenCV's order: [H,W,3] BGR."""
    return np.ascontiguousarray(read_rgb(path)[..., ::-1])


def check_there(path: Path) -> None:
    """The checks of `read_bytes` without reading."""
    try:
        size = path.stat().st_size
    except FileNotFoundError as gone:
        raise FootageChanged(f"{path} has gone since the sequence was listed.") from gone
    if size == 0:
        raise FootageEmpty(f"{path} is empty (0 bytes).", _AGAIN)


def decode_image(path: Path, data: bytes) -> NDArray[Any]:
    """`read_rgb` of bytes at hand (not exr). Raises `FootageUnreadable` for a damaged or cut file."""
    if data[:4] in (b"SDPX", b"XPDS"):
        return _decode_dpx(path, data)
    if _is_cut(data):
        raise FootageUnreadable(f"{path.name} is cut off: its end is missing.", _AGAIN)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), _READ)
    except cv2.error as bad:
        raise FootageUnreadable(f"{path.name} cannot be read as an image: {bad.err}.", _AGAIN) from bad
    if image is None:
        raise FootageUnreadable(f"{path.name} is damaged, or is no image.", _AGAIN)
    # Not IMREAD_COLOR_RGB: with it OpenCV 5.0 cuts 16-bit TIFFs down to 8 bits.
    return _as_depth(path, cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def _as_depth(path: Path, image: NDArray[Any]) -> NDArray[Any]:
    if image.dtype in (np.uint8, np.uint16, np.float16, np.float32):
        return image
    if image.dtype == np.float64:
        return image.astype(np.float32)
    raise FootageUnreadable(f"{path.name} has pixels of type {image.dtype}, which is not supported.", _AGAIN)


def _is_cut(data: bytes) -> bool:
    """JPEG decoders fill the lost part of a cut file with grey and call it good."""
    if data[:2] == b"\xff\xd8":
        return b"\xff\xd9" not in data[-4096:]
    return data[:8] == _PNG_MAGIC and b"IEND" not in data[-64:]


def _decode_dpx(path: Path, data: bytes) -> NDArray[Any]:
    header = dpx.read_header(data)
    decoder = av.CodecContext.create("dpx", "r")
    try:
        frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    except (av.FFmpegError, ValueError) as bad:
        raise FootageUnreadable(f"{path.name} cannot be read as a DPX file: {bad}.", _AGAIN) from bad
    if not frames or header is None:
        raise FootageUnreadable(f"{path.name} is damaged, or is no DPX file.", _AGAIN)
    return FrameConverter("", deep=header.bits > 8).to_rgb(frames[0])


def probe_image(path: Path) -> Picture:
    """The make of an image file. Decodes it, since no header tells the depth that a reader delivers."""
    if path.suffix.lower() == ".exr":
        check_there(path)
        return probe_exr(path)
    data = read_bytes(path)
    image = decode_image(path, data)
    header = dpx.read_header(data)
    if header is not None:
        return _probe_dpx(header)
    return _probe_still(path, data, image)


def _probe_dpx(header: dpx.DpxHeader) -> Picture:
    return Picture(
        width=header.width,
        height=header.height,
        bit_depth=header.bits,
        codec="dpx",
        pixel_format=f"rgb{header.bits}",
        pixel_aspect=header.pixel_aspect,
        colour=Colour(transfer=header.transfer),
        coding="log" if header.is_log else "",
        rate=header.rate,
    )


def _probe_still(path: Path, data: bytes, image: NDArray[Any]) -> Picture:
    height, width = image.shape[:2]
    tags = exif.read_exif(data)
    depth = {1: 8, 2: 16, 4: 32}[image.dtype.itemsize]
    linear = image.dtype.kind == "f"
    names = {exif.MAKE: "make", exif.MODEL: "model", exif.LENS_MODEL: "lens"}
    return Picture(
        width=width,
        height=height,
        bit_depth=depth,
        codec=path.suffix.lower().lstrip("."),
        pixel_format=f"rgb{depth}" + ("f" if linear else ""),
        pixel_aspect=_png_aspect(data),
        orientation=orientation_of(int(float(tags.get(exif.ORIENTATION, 1)))),
        coding="scene-linear" if linear else "",
        alpha=data[:8] == _PNG_MAGIC and data[25] in (4, 6),
        focal=from_exif(tags, width, height),
        metadata={name: str(tags[tag]) for tag, name in names.items() if tag in tags},
    )


def _png_aspect(data: bytes) -> float:
    """PNG's pHYs when it gives only a ratio (pixels per unit, so the aspect is its inverse)."""
    if data[:8] != _PNG_MAGIC:
        return 1.0
    body = next((bytes(body) for kind, body in exif.png_chunks(data) if kind == b"pHYs"), b"")
    if len(body) != 9:
        return 1.0
    across, down, _unit = struct.unpack(">IIB", body)
    return down / across if across and down else 1.0


def is_plain_png(data: bytes) -> bool:
    """Whether these bytes can stand in the plate as they are: an undamaged 8-bit RGB PNG without alpha
    or interlacing. Checks every chunk's CRC."""
    if data[:8] != _PNG_MAGIC or data[24:26] != b"\x08\x02" or data[28] != 0:
        return False
    at, kind = 8, b""
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 8 + length
        if kind == b"tRNS" or end + 4 > len(data):
            return False
        if zlib.crc32(data[at + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            return False
        at = end + 4
    return kind == b"IEND"


def error_of_frame(number: int, path: Path, error: BacklotError) -> BacklotError:
    """The same error, naming the frame."""
    return type(error)(f"Frame {number}: {error.message}", error.remedy, frame=number, file=str(path))
