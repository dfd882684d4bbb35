"""Takes a frame into a volume: which blocks it needs, and what it says of the voxels of those it sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .shapes import Floats, Ints
from .sight import Sight
from .volume import COLOUR_STEPS, OFFSETS, SIDE, Volume, in_reach, keys_of

OVERLAP = 0.25
"""Octaves of voxel size by which pixels that suit a coarser volume still go into a finer one."""
_CHUNK = 512
_POOL = 16
_EVERY = 2
"""Pixels between those that ask for blocks: a block is wider than that by far."""
_COLOUR_REACH = 1.5
"""Voxels from the surface within which colours are taken."""


def allocate(volume: Volume, sight: Sight, level: int, reach: float) -> None:
    """Makes room round the surfaces that suit the level. reach: of a depth to both sides, world units."""
    height, width = sight.size
    index = np.arange(height * width).reshape(height, width)[::_EVERY, ::_EVERY].ravel()
    index = index[(sight.depth[index] > 0) & belongs(sight.fine[index], level)]
    if not len(index):
        return
    y, x = np.divmod(index, width)
    rays = np.stack([x + 0.5, y + 0.5, np.ones(len(x))], 1) @ np.linalg.inv(sight.K).T
    points = rays * sight.depth[index, None]
    normal = sight.normal[index].astype(np.float64)
    normal *= reach / np.linalg.norm(normal, axis=1, keepdims=True)
    places = np.concatenate([points - normal, points, points + normal]) @ sight.rotation.T + sight.centre
    blocks = np.floor(places / (SIDE * volume.voxel))
    blocks = blocks[in_reach(blocks)]
    volume.allocate(np.unique(keys_of(blocks.astype(np.int64))))


def belongs(fine: Floats, level: int) -> NDArray[np.bool_]:
    """Which pixels make blocks at a level: those that suit it, and some that suit the next coarser one."""
    return np.asarray((fine >= level - 0.5) & (fine < level + 0.5 + OVERLAP))


def seen_blocks(volume: Volume, sight: Sight, reach: float) -> Ints:
    """Slots of the blocks that may lie in the picture and not behind its surfaces."""
    height, width = sight.size
    edge = SIDE * volume.voxel
    centres = (volume.blocks[: volume.count] + 0.5) * edge
    camera = (centres - sight.centre) @ sight.rotation
    radius = 0.5 * np.sqrt(3.0) * edge
    z = camera[:, 2]
    near = np.maximum(z, 1e-9)
    focal = sight.K[0, 0], sight.K[1, 1]
    x, y = (focal[i] * camera[:, i] / near + sight.K[i, 2] for i in (0, 1))
    margin = radius * max(focal) / near
    inside = (z > -radius) & (x > -margin) & (x < width + margin) & (y > -margin) & (y < height + margin)
    # The farthest depth about the block's middle; blocks wider than the pooled squares are near, and kept.
    farthest = _pooled(sight)
    row, column = (
        np.clip(np.nan_to_num(at) / _POOL, 0, most - 1).astype(np.int64)
        for at, most in zip((y, x), farthest.shape, strict=True)
    )
    hidden = (z - radius - 4.0 * reach > farthest[row, column]) & (margin < _POOL)
    return np.flatnonzero(inside & ~hidden)


def _pooled(sight: Sight) -> Floats:
    """The largest depth in squares of 16 px and their neighbours."""
    height, width = sight.size
    rows, columns = -(-height // _POOL), -(-width // _POOL)
    padded = np.zeros((rows * _POOL, columns * _POOL), np.float32)
    padded[:height, :width] = sight.depth.reshape(height, width)
    largest = padded.reshape(rows, _POOL, columns, _POOL).max((1, 3))
    return np.asarray(cv2.dilate(largest, np.ones((3, 3), np.uint8)), np.float32)


@dataclass(frozen=True)
class Said:
    """What a frame says of some voxels. at: their flat places in the volume. pixel. distance: signed, truncated, world
    units. weight: of that. surface: whether the pixel's surface is within reach (else the voxel is empty)."""

    at: Ints
    pixel: Ints
    distance: Floats
    weight: Floats
    surface: NDArray[np.bool_]


def integrate(volume: Volume, sight: Sight, level: int, reach: float, checkpoint: Callable[[], None]) -> None:
    """Means over the frames: of distances by weight, of colours by view angle, distance and sharpness."""
    slots = seen_blocks(volume, sight, reach)
    for start in range(0, len(slots), _CHUNK):
        checkpoint()
        said = _said(volume, sight, level, reach, slots[start : start + _CHUNK])
        _add_distance(volume, sight, said)
        _add_colour(volume, sight, said)


def _said(volume: Volume, sight: Sight, level: int, reach: float, slots: Ints) -> Said:
    points, pixel, at = _projected(volume, sight, slots)
    depth, cosine = sight.depth[pixel], sight.cosine[pixel]
    gap = (depth - points[2]) * cosine
    empty = gap > reach
    close = np.flatnonzero((depth > 0) & (gap > -reach) & (empty | (sight.fine[pixel] < level + 0.5 + OVERLAP)))
    pixel, at, empty = pixel[close], at[close], empty[close]
    distance = np.full(len(close), reach, np.float32)
    touched = np.flatnonzero(~empty)
    x, y, z = (axis[close[touched]] for axis in points)
    normal = sight.normal[pixel[touched]]
    along = normal[:, 0] * x + normal[:, 1] * y + normal[:, 2] * z
    length = np.sqrt((normal * normal).sum(1))
    distance[touched] = np.clip((1.0 - along) / length, -reach, reach)
    # Behind the surface less is known the deeper it is (Bylow et al., RSS 2013).
    weight = sight.weight[pixel] * np.minimum(1.0, 1.0 + distance / np.float32(reach))
    return Said(at, pixel, distance, weight, ~empty)


def _projected(volume: Volume, sight: Sight, slots: Ints) -> tuple[tuple[Floats, Floats, Floats], Ints, Ints]:
    """Camera coordinates (x, y, z) of the voxels in the picture, their pixels, and their flat places."""
    height, width = sight.size
    starts = (volume.blocks[slots] * (SIDE * volume.voxel) - sight.centre) @ sight.rotation
    steps = (OFFSETS * volume.voxel) @ sight.rotation
    x, y, z = (
        (starts[:, axis : axis + 1].astype(np.float32) + steps[:, axis].astype(np.float32)).ravel() for axis in range(3)
    )
    ahead = np.where(z > 1e-9, z, np.float32(np.inf))
    K = sight.K.astype(np.float32)
    u, v = K[0, 0] * x / ahead + K[0, 2], K[1, 1] * y / ahead + K[1, 2]
    inside = np.flatnonzero((z > 1e-9) & (u >= 0) & (v >= 0) & (u < width) & (v < height))
    pixel = v[inside].astype(np.int64) * width + u[inside].astype(np.int64)
    at = slots[inside // len(OFFSETS)] * len(OFFSETS) + inside % len(OFFSETS)
    return (x[inside], y[inside], z[inside]), pixel, at


def _add_distance(volume: Volume, sight: Sight, said: Said) -> None:
    distance, weight = volume.distance.reshape(-1), volume.weight.reshape(-1)
    before = weight[said.at]
    after = before + said.weight
    share = said.weight / np.where(after > 0, after, 1.0)
    mean = distance[said.at]
    distance[said.at] = mean + share * (said.distance - mean)
    weight[said.at] = after
    seen, evidence = said.at[said.surface], volume.evidence.reshape(-1)
    more = sight.evidence[said.pixel[said.surface]]
    evidence[seen] += np.minimum(more, np.uint8(255) - evidence[seen])


def _add_colour(volume: Volume, sight: Sight, said: Said) -> None:
    weight, colour = volume.colour_weight.reshape(-1), volume.colour.reshape(-1, 3)
    near = np.flatnonzero(said.surface & (np.abs(said.distance) < _COLOUR_REACH * volume.voxel))
    at, pixel = said.at[near], said.pixel[near]
    own = sight.colour_weight[pixel]
    after = weight[at] + own
    share = (own / np.where(after > 0, after, 1.0))[:, None]
    mean = colour[at].astype(np.float32)
    mean += share * (sight.rgb[pixel] * np.float32(COLOUR_STEPS) - mean)
    colour[at] = (mean + 0.5).astype(np.uint16)
    weight[at] = after
