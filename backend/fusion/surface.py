"""The zero surface of a volume as triangles: marching cubes over its blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .marching_table import CORNERS, EDGES, triangle_table
from .shapes import Cloud, Floats, Ints, Mesh, joined
from .volume import CELLS, COLOUR_STEPS, OFFSETS, SIDE, Volume, in_reach, keys_of

_CHUNK = 256
_STEEPEST = 2.0
"""Change of distance between neighbouring voxels, in voxels, beyond which they belong to two surfaces: a field of true
distances changes by one at most."""

_PADDED = np.stack(np.meshgrid(*(np.arange(SIDE + 1),) * 3, indexing="ij"), -1).reshape(-1, 3)
_NEIGHBOUR = (_PADDED // SIDE) @ [4, 2, 1]
_INNER = (_PADDED % SIDE) @ [SIDE * SIDE, SIDE, 1]
_CELL = OFFSETS @ [(SIDE + 1) ** 2, SIDE + 1, 1]
"""The lower corner of each cell among the 9 x 9 x 9 voxels of a block and its upper neighbours."""
_STRIDE = CORNERS @ [(SIDE + 1) ** 2, SIDE + 1, 1]
_LOWER = np.array([edge[0] for edge in EDGES])
_UPPER = np.array([edge[1] for edge in EDGES])


@dataclass(frozen=True)
class _Piece:
    """Triangles of some blocks. low, high [N]: flat voxels at the ends of the cut edges. axis [N]. corners [M, 3]: into
    those."""

    low: Ints
    high: Ints
    axis: Ints
    corners: Ints


def surface(volume: Volume, least: int, checkpoint: Callable[[], None] = lambda: None) -> Mesh:
    """least: evidence that a voxel must have."""
    pieces = []
    for start in range(0, volume.count, _CHUNK):
        checkpoint()
        pieces.append(_piece(volume, least, np.arange(start, min(start + _CHUNK, volume.count))))
    if not pieces:
        return joined([])
    low = np.concatenate([piece.low for piece in pieces])
    high = np.concatenate([piece.high for piece in pieces])
    axis = np.concatenate([piece.axis for piece in pieces])
    starts = np.cumsum([0, *(len(piece.low) for piece in pieces)])
    corners = np.concatenate([piece.corners + start for piece, start in zip(pieces, starts[:-1], strict=True)])
    _, first, place = np.unique(low * 3 + axis, return_index=True, return_inverse=True)
    faces = place[corners].astype(np.int32)
    vertices = _vertices(volume, low[first], high[first], axis[first])
    return Mesh(vertices, faces).with_own_normals()


def _piece(volume: Volume, least: int, slots: Ints) -> _Piece:
    index = _with_neighbours(volume, slots)
    held = index >= 0
    index = np.where(held, index, 0)
    weight, seen = volume.weight.reshape(-1)[index], volume.evidence.reshape(-1)[index]
    field = np.where(held & (weight > 0) & (seen >= least), volume.distance.reshape(-1)[index], np.nan)
    corner = [field[:, _CELL + stride] for stride in _STRIDE]
    case = np.zeros(corner[0].shape, np.uint8)
    for i in range(8):
        case |= (corner[i] < 0).astype(np.uint8) << np.uint8(i)
    steepest = _STEEPEST * volume.voxel
    good = np.isfinite(np.sum(corner, 0)) & (case > 0) & (case < 255)
    for lower, upper in EDGES:
        good &= ((corner[lower] < 0) == (corner[upper] < 0)) | (np.abs(corner[lower] - corner[upper]) < steepest)
    row, cell = np.nonzero(good)
    edges = triangle_table()[case[row, cell]].astype(np.int64)
    which, triangle = np.nonzero(edges[:, :, 0] >= 0)
    edge = edges[which, triangle]
    base, row = _CELL[cell[which]][:, None], row[which][:, None]
    low = index[row, base + _STRIDE[_LOWER[edge]]].ravel()
    high = index[row, base + _STRIDE[_UPPER[edge]]].ravel()
    axis = (edge // 4).ravel()
    _, first, place = np.unique(low * 3 + axis, return_index=True, return_inverse=True)
    return _Piece(low[first], high[first], axis[first], place.reshape(-1, 3))


def _with_neighbours(volume: Volume, slots: Ints) -> Ints:
    """[N, 729]: the flat voxels of blocks and of the first layers of their upper neighbours; -1 where there is none."""
    blocks = volume.blocks[slots]
    found = np.stack([volume.find(keys_of(blocks + step)) for step in CORNERS[:, ::-1]], 1)
    slot = found[:, _NEIGHBOUR]
    return np.where(slot >= 0, slot * CELLS + _INNER, -1)


def _vertices(volume: Volume, low: Ints, high: Ints, axis: Ints) -> Cloud:
    distance = volume.distance.reshape(-1)
    before, behind = distance[low], distance[high]
    share = before / (before - behind)
    at = (volume.blocks[low // CELLS] * SIDE + OFFSETS[low % CELLS]).astype(np.float64)
    at[np.arange(len(low)), axis] += share
    known = volume.colour_weight.reshape(-1)
    weights = np.stack([(1.0 - share) * known[low], share * known[high]], 1)
    weights /= np.maximum(weights.sum(1, keepdims=True), 1e-30)
    colour = volume.colour.reshape(-1, 3)
    mean = (weights[:, :1] * colour[low] + weights[:, 1:] * colour[high]) / COLOUR_STEPS
    xyz = (at * volume.voxel).astype(np.float32)
    return Cloud(xyz, np.zeros_like(xyz), (mean + 0.5).astype(np.uint8))


def not_covered(mesh: Mesh, finer: Sequence[Volume], least: int) -> Mesh:
    """The faces whose places no finer volume knows."""
    if not len(mesh.faces):
        return mesh
    middle: Floats = mesh.vertices.xyz[mesh.faces].mean(1, dtype=np.float32)
    kept = np.ones(len(middle), bool)
    for volume in finer:
        kept &= ~_knows(volume, middle, least)
    return mesh.only_faces(kept)


def _knows(volume: Volume, places: Floats, least: int) -> NDArray[np.bool_]:
    """bool [N]: whether the voxels nearest to world points [N, 3] lie at a surface with enough evidence."""
    voxels = np.rint(places.astype(np.float64) / volume.voxel)
    blocks = np.floor(voxels / SIDE)
    near = in_reach(blocks)
    slots = np.full(len(places), -1, np.int64)
    slots[near] = volume.find(keys_of(blocks[near].astype(np.int64)))
    inner = (voxels - SIDE * blocks).astype(np.int64) @ [SIDE * SIDE, SIDE, 1]
    seen = volume.evidence[np.maximum(slots, 0), inner]
    return np.asarray((slots >= 0) & (seen >= least))
