"""Masks as grey PNG files, read and written with numpy and zlib alone (PNG, third edition: W3C 2025). No bpy here:
files are read on a thread, where Blender's images must not be touched."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from ..shared.errors import ShotCorrupt

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _WITHOUT_INTERLACE = 0, 0
_REMEDY = "Run the stage that made it again."


def write_mask(path: Path, mask: np.ndarray) -> None:
    """mask: bool [H,W]; 0 and 255 in the file. It appears when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_bytes(encode(mask.astype(np.uint8) * 255))
    beside.replace(path)


def encode(grey: np.ndarray) -> bytes:
    """grey: uint8 [H,W]."""
    height, width = grey.shape
    rows = np.zeros((height, width + 1), np.uint8)
    rows[:, 1:] = grey
    header = struct.pack(">IIBBBBB", width, height, 8, _GREY, 0, 0, _WITHOUT_INTERLACE)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, body) for kind, body in chunks)


def read_grey(path: Path) -> np.ndarray:
    """uint8 [H,W]; the upper half of 16 bits. Raises `ShotCorrupt`; `FileNotFoundError` stays."""
    try:
        return decode(path.read_bytes())
    except FileNotFoundError:
        raise
    except (ValueError, KeyError, struct.error, zlib.error, OSError) as bad:
        raise ShotCorrupt(f"{path} cannot be read as a mask: {bad}.", _REMEDY) from bad


def decode(data: bytes) -> np.ndarray:
    """uint8 [H,W] of a grey PNG without interlace, of 1, 8 or 16 bits. Raises `ValueError`, `zlib.error`."""
    chunks = _chunks(data)
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if colour != _GREY or interlace != _WITHOUT_INTERLACE or depth not in (1, 8, 16):
        raise ValueError(f"it is not a plain grey PNG of 1, 8 or 16 bits (colour type {colour}, {depth} bits)")
    length = (width * depth + 7) // 8
    raw = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, length + 1)
    rows = _unfiltered(raw, max(1, depth // 8))
    if depth == 1:
        return np.unpackbits(rows, axis=1)[:, :width] * np.uint8(255)
    return np.ascontiguousarray(rows[:, :: depth // 8])


def _chunks(data: bytes) -> dict[bytes, bytes]:
    """Chunks by their kind; the pixels' ones together."""
    if not data.startswith(_SIGNATURE):
        raise ValueError("it is no PNG file")
    found: dict[bytes, bytes] = {b"IDAT": b""}
    at = len(_SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        found[kind] = found[kind] + body if kind == b"IDAT" else body
        at += 12 + length
    return found


def _unfiltered(raw: np.ndarray, step: int) -> np.ndarray:
    """Takes the rows' filters back. raw: uint8 [H,1+N] with each row's filter first. step: bytes of a pixel."""
    rows = np.zeros((len(raw) + 1, raw.shape[1] - 1), np.uint8)
    for y, line in enumerate(raw):
        kind, body, above, row = int(line[0]), line[1:], rows[y], rows[y + 1]
        if kind == 0:
            row[:] = body
        elif kind == 1:
            for channel in range(step):
                row[channel::step] = np.cumsum(body[channel::step], dtype=np.uint8)
        elif kind == 2:
            np.add(body, above, out=row)
        elif kind in (3, 4):
            _running(row, body, above, step, is_paeth=kind == 4)
        else:
            raise ValueError(f"row {y} has the unknown filter {kind}")
    return rows[1:]


def _running(row: np.ndarray, body: np.ndarray, above: np.ndarray, step: int, *, is_paeth: bool) -> None:
    """Filters in which every pixel depends on the one before: Average and Paeth."""
    if is_paeth and not body.any() and not above.any():
        return
    up, out = above.tolist(), [0] * len(body)
    for x, value in enumerate(body.tolist()):
        a, b, c = (out[x - step], up[x], up[x - step]) if x >= step else (0, up[x], 0)
        if not is_paeth:
            out[x] = (value + ((a + b) >> 1)) & 255
            continue
        from_a, from_b, from_c = abs(b - c), abs(a - c), abs(a + b - 2 * c)
        guess = a if from_a <= from_b and from_a <= from_c else b if from_b <= from_c else c
        out[x] = (value + guess) & 255
    row[:] = out


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
