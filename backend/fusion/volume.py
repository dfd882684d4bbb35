"""A truncated signed distance field of one voxel size, held in blocks near surfaces only.

Curless & Levoy, SIGGRAPH 1996, for the field; Niessner et al., SIGGRAPH Asia 2013, for the blocks. Block b (integers
[3]) holds the voxels 8 b .. 8 b + 7; voxel i is a sample of the field at the world point i * voxel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .shapes import Ints

SIDE = 8
CELLS = SIDE**3
_REACH = 1 << 16
"""Blocks from the origin that a key can name, on either side."""
BYTES_PER_BLOCK = CELLS * (4 + 4 + 1 + 4 + 3 * 2) + 3 * 8
_PIECE = 4096
COLOUR_STEPS = 256.0
"""Steps of the stored mean colour per step of an 8-bit channel."""

EVIDENCE_STEPS = 16
"""Steps of evidence to a bit: it is -log2 of the chance that no frame is right about the surface, and adds up."""

OFFSETS: Ints = np.stack(np.meshgrid(*(np.arange(SIDE),) * 3, indexing="ij"), -1).reshape(-1, 3)
"""[512, 3]: the voxels of a block, the last axis fastest."""


def keys_of(blocks: NDArray[np.integer]) -> Ints:
    """int64 [N]: one number for each block [N, 3], in their lexical order."""
    wide = np.asarray(blocks, np.int64) + _REACH
    keys: Ints = (wide[:, 0] << 34) | (wide[:, 1] << 17) | wide[:, 2]
    return keys


def blocks_of(keys: Ints) -> Ints:
    """[N, 3]: the other way."""
    mask = (1 << 17) - 1
    blocks: Ints = np.stack([keys >> 34, keys >> 17 & mask, keys & mask], 1) - _REACH
    return blocks


def in_reach(blocks: NDArray[np.integer]) -> NDArray[np.bool_]:
    """bool [N]: which blocks a key can name, with their neighbours."""
    return np.asarray((np.abs(blocks) < _REACH - 2).all(1))


class Volume:
    """voxel: edge, world units. Arrays by slot, [slots, 512]: distance (world units, positive before the surface),
    weight (0 never seen), evidence (uint8, that a surface is here, 255 at most), colour_weight; colour uint16
    [slots, 512, 3], 256 steps to one of 8 bits. blocks int64 [slots, 3]. Slots beyond `count` are room to grow."""

    def __init__(self, voxel: float) -> None:
        self.voxel = voxel
        self.count = 0
        self._keys = np.zeros(0, np.int64)
        self._slots = np.zeros(0, np.int64)
        self._room(16)

    def _room(self, slots: int) -> None:
        old = self.count
        for name, shape, kind in (
            ("distance", (CELLS,), np.float32),
            ("weight", (CELLS,), np.float32),
            ("evidence", (CELLS,), np.uint8),
            ("colour_weight", (CELLS,), np.float32),
            ("colour", (CELLS, 3), np.uint16),
            ("blocks", (3,), np.int64),
        ):
            fresh = np.zeros((slots, *shape), kind)
            if old:
                fresh[:old] = getattr(self, name)[:old]
            setattr(self, name, fresh)

    distance: NDArray[np.float32]
    weight: NDArray[np.float32]
    evidence: NDArray[np.uint8]
    colour_weight: NDArray[np.float32]
    colour: NDArray[np.uint16]
    blocks: Ints

    @property
    def count_of_voxels(self) -> int:
        """With the room to grow."""
        return self.weight.size

    def find(self, keys: Ints) -> Ints:
        """The slots of blocks by their keys [N]; -1 where there is none."""
        if not self.count:
            return np.full(len(keys), -1, np.int64)
        place = np.minimum(np.searchsorted(self._keys, keys), self.count - 1)
        return np.where(self._keys[place] == keys, self._slots[place], -1)

    def allocate(self, keys: Ints) -> None:
        """Makes the blocks that are not there yet. keys [N], sorted and unique."""
        new = keys[self.find(keys) < 0]
        if not len(new):
            return
        after = self.count + len(new)
        if after > len(self.blocks):
            self._room(max(after, len(self.blocks) + len(self.blocks) // 2))
        self.blocks[self.count : after] = blocks_of(new)
        keys_now = np.concatenate([self._keys, new])
        order = np.argsort(keys_now, kind="stable")
        self._keys = keys_now[order]
        self._slots = np.concatenate([self._slots, np.arange(self.count, after)])[order]
        self.count = after


def pour(fine: Volume, coarse: Volume) -> None:
    """Adds what a volume holds to one of twice its voxel: the samples that both have places for."""
    even = np.flatnonzero((OFFSETS % 2 == 0).all(1))
    for start in range(0, fine.count, _PIECE):
        slots = np.arange(start, min(start + _PIECE, fine.count))
        voxels = ((fine.blocks[slots, None] * SIDE + OFFSETS[even]) // 2).reshape(-1, 3)
        keys = keys_of(voxels // SIDE)
        coarse.allocate(np.unique(keys))
        to: Ints = coarse.find(keys) * CELLS + (voxels % SIDE) @ np.array([SIDE * SIDE, SIDE, 1])
        _merge(fine, coarse, (slots[:, None] * CELLS + even).ravel(), to)


def _merge(source: Volume, target: Volume, here: Ints, there: Ints) -> None:
    """Means by weight of the flat voxels `here` of one volume and `there` of another."""
    for weight, mean in (("weight", "distance"), ("colour_weight", "colour")):
        own, other = getattr(source, weight).reshape(-1)[here], getattr(target, weight).reshape(-1)[there]
        share = own / np.where(own + other > 0, own + other, 1.0)
        values, held = (getattr(one, mean).reshape(one.count_of_voxels, -1) for one in (source, target))
        before = held[there].astype(np.float32)
        after = before + share[:, None] * (values[here] - before)
        held[there] = after + 0.5 if held.dtype == np.uint16 else after
        getattr(target, weight).reshape(-1)[there] = own + other
    evidence, added = target.evidence.reshape(-1), source.evidence.reshape(-1)[here]
    evidence[there] += np.minimum(added, np.uint8(255) - evidence[there])
