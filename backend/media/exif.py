"""The few EXIF tags that matter to a camera solve, from JPEG, PNG and TIFF files.

Follows TIFF 6.0 (image file directories) and CIPA DC-008 (EXIF 2.32). Anything malformed counts as absent:
metadata never makes a clip unreadable.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from fractions import Fraction

ORIENTATION, MAKE, MODEL = 0x0112, 0x010F, 0x0110
FOCAL_LENGTH, FOCAL_LENGTH_35MM = 0x920A, 0xA405
PLANE_X_RESOLUTION, PLANE_RESOLUTION_UNIT, IMAGE_WIDTH = 0xA20E, 0xA210, 0xA002
LENS_MODEL = 0xA434
_EXIF_DIRECTORY = 0x8769
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8}
_MAX_ENTRIES = 512

Tags = Mapping[int, str | float]


def read_exif(data: bytes) -> Tags:
    """Tag -> number or text, of the bytes of a JPEG, PNG or TIFF file."""
    try:
        block = _tiff_block(data)
        return _parse(block) if block else {}
    except (struct.error, IndexError, ValueError, ZeroDivisionError):
        return {}


def _tiff_block(data: bytes) -> bytes:
    if data[:2] == b"\xff\xd8":
        return _of_jpeg(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return next((bytes(body) for kind, body in png_chunks(data) if kind == b"eXIf"), b"")
    return data if data[:4] in (b"II*\0", b"MM\0*") else b""


def _of_jpeg(data: bytes) -> bytes:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        length = struct.unpack_from(">H", data, at + 2)[0]
        if data[at + 1] == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            return data[at + 10 : at + 2 + length]
        at += 2 + length
    return b""


def png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """(type, body) of the chunks of a PNG file before its pixels."""
    view, at = memoryview(data), 8
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IDAT":
            return
        yield kind, view[at + 8 : at + 8 + length]
        at += 12 + length


def _parse(block: bytes) -> dict[int, str | float]:
    order = "<" if block[:2] == b"II" else ">"
    tags = dict(_directory(block, order, struct.unpack_from(order + "I", block, 4)[0]))
    inner = tags.get(_EXIF_DIRECTORY)
    if isinstance(inner, float):
        tags.update(_directory(block, order, int(inner)))
    return tags


def _directory(block: bytes, order: str, at: int) -> Iterator[tuple[int, str | float]]:
    count = struct.unpack_from(order + "H", block, at)[0]
    for i in range(min(count, _MAX_ENTRIES)):
        entry = at + 2 + 12 * i
        tag, kind, amount = struct.unpack_from(order + "HHI", block, entry)
        size = _SIZES.get(kind, 0) * amount
        place = entry + 8 if size <= 4 else struct.unpack_from(order + "I", block, entry + 8)[0]
        value = _value(block[place : place + size], order, kind)
        if value is not None:
            yield tag, value


def _value(raw: bytes, order: str, kind: int) -> str | float | None:
    if kind == 2:
        return raw.split(b"\0")[0].decode("utf-8", "replace").strip()
    if kind in (3, 4, 9):
        return float(struct.unpack_from(order + {3: "H", 4: "I", 9: "i"}[kind], raw)[0])
    if kind in (5, 10):
        above, below = struct.unpack_from(order + ("II" if kind == 5 else "ii"), raw)
        return float(Fraction(above, below)) if below else None
    return None
