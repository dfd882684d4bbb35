"""Focal lengths of the camera in an Alembic file, sample by sample.

Alembic's Ogawa container is a tree: a group is a count and that many 64-bit places; a place whose top bit is
set is data, a 64-bit size and the bytes. A property's sample is data too: a 16-byte key and the values. A
camera's sample is 16 doubles that begin with the focal length in mm and the film back's width in cm
(`AbcGeom::CameraSample`). Samples equal to one before are stored once, by reference, so every place of the
tree counts.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

_IS_DATA = 1 << 63
_KEY_BYTES = 16
_VALUES = 16


def read_focal_lengths(path: Path) -> list[float]:
    """mm, in the order of the samples; empty when the file is not a finished Ogawa file."""
    data = path.read_bytes()
    if data[:5] != b"Ogawa" or len(data) < 16 or data[5] != 0xFF:
        return []
    (root,) = struct.unpack_from("<Q", data, 8)
    found: list[float] = []
    for block in _blocks(data, root):
        values = struct.unpack_from(f"<{_VALUES}d", block, _KEY_BYTES)
        if _is_camera(values):
            found.append(values[0])
    return found


def _blocks(data: bytes, place: int) -> Iterator[bytes]:
    """Data of a camera sample's size, depth first: the order in which samples follow each other."""
    (count,) = struct.unpack_from("<Q", data, place)
    for child in struct.unpack_from(f"<{count}Q", data, place + 8):
        at = child & ~_IS_DATA
        if at == 0 or at + 8 > len(data):
            continue
        if not child & _IS_DATA:
            yield from _blocks(data, at)
            continue
        (size,) = struct.unpack_from("<Q", data, at)
        if size == _KEY_BYTES + _VALUES * 8:
            yield data[at + 8 : at + 8 + size]


def _is_camera(values: tuple[float, ...]) -> bool:
    """A 4x4 matrix has 16 doubles as well: its last column is 0 0 0 1, while a camera's near clip, far clip
    and shutter times are not."""
    return not (values[3] == values[7] == values[11] == 0.0 and values[15] == 1.0)
