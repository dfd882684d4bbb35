"""Masks as Cryptomatte: every pixel's objects by name, ranked by how much of it they cover.

Psyop's "Cryptomatte specification", version 1.2.0 (github.com/Psyop/Cryptomatte): an object's identifier is the 32-bit
MurmurHash3 (x86, seed 0; Appleby) of its UTF-8 name, taken for the bits of a float32; identifiers whose exponent is
all zeros or all ones get its lowest bit flipped, so that no reader meets denormals, infinities or NaN. Layer 00 holds
ranks 0 and 1 in its channels R (identifier), G (coverage), B, A; layer 01 ranks 2 and 3.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .pictures import Layout, Plane

TYPENAME = "crypto_object"
"""Name of the whole set, and the beginning of its channels' names."""

_RANKS = 4


def cryptomatte(labels: Sequence[str]) -> Layout:
    """The layout for these names."""
    return Layout(metadata_of(labels), cryptomatte_planes)


def metadata_of(labels: Sequence[str]) -> dict[str, str]:
    """The attributes of the file: what the channels are called and which name has which identifier."""
    key = f"cryptomatte/{murmur3(TYPENAME.encode()):08x}"[: len("cryptomatte/") + 7]
    manifest = {label: f"{identifier(label):08x}" for label in labels}
    return {
        f"{key}/name": TYPENAME,
        f"{key}/hash": "MurmurHash3_32",
        f"{key}/conversion": "uint32_to_float32",
        f"{key}/manifest": json.dumps(manifest, ensure_ascii=False, separators=(",", ":")),
    }


def cryptomatte_planes(planes: dict[str, Plane]) -> dict[str, Plane]:
    """The channels of one frame from each label's coverage. Of more than four objects in a pixel the least are left
    out; where coverages come to more than 1, as overlapping mattes do, they are scaled to 1."""
    cover = np.stack(list(planes.values()))
    cover = cover / np.maximum(cover.sum(axis=0, keepdims=True), 1.0)
    names = np.array([identifier(label) for label in planes], np.uint32).view(np.float32)
    order = np.argsort(-cover, axis=0, kind="stable")[:_RANKS]
    found: dict[str, Plane] = {}
    for rank in range(_RANKS):
        layer, (id_channel, cover_channel) = rank // 2, ("RG", "BA")[rank % 2]
        share = np.zeros(cover.shape[1:], np.float32)
        name = np.zeros(cover.shape[1:], np.float32)
        if rank < len(order):
            share = np.take_along_axis(cover, order[rank : rank + 1], axis=0)[0].astype(np.float32)
            name = np.where(share > 0.0, names[order[rank]], np.float32(0.0))
        found[f"{TYPENAME}{layer:02d}.{id_channel}"] = name
        found[f"{TYPENAME}{layer:02d}.{cover_channel}"] = share
    return found


def identifier(name: str) -> int:
    """uint32, whose bits are a normal float32."""
    found = murmur3(name.encode())
    exponent = found >> 23 & 255
    return found ^ (1 << 23) if exponent in (0, 255) else found


def murmur3(data: bytes, seed: int = 0) -> int:
    """MurmurHash3_x86_32: uint32."""
    whole = len(data) // 4
    found = seed
    for word in _words(data[: 4 * whole]):
        found = _rotated(found ^ _mixed(int(word)), 13) * 5 + 0xE6546B64 & 0xFFFFFFFF
    rest = data[4 * whole :]
    if rest:
        found ^= _mixed(int.from_bytes(rest, "little"))
    found ^= len(data)
    found = (found ^ found >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    found = (found ^ found >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return found ^ found >> 16


def _words(data: bytes) -> NDArray[np.uint32]:
    return np.frombuffer(data, "<u4")


def _mixed(word: int) -> int:
    return _rotated(word * 0xCC9E2D51 & 0xFFFFFFFF, 15) * 0x1B873593 & 0xFFFFFFFF


def _rotated(word: int, by: int) -> int:
    return (word << by | word >> 32 - by) & 0xFFFFFFFF
