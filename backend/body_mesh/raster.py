"""Triangles as pixels: which one is nearest, and where in it a pixel is (Pineda, "A parallel algorithm for polygon
rasterization", SIGGRAPH 1988). Pixel centres are at integers + 0.5."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .field import Floats
from .netting import Faces

_AT_ONCE = 1_000_000
_NEAR = 1e-3

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Buffer:
    """face int32 [H,W]: the triangle that is nearest, -1 for none. depth float32 [H,W], inf for none."""

    face: NDArray[np.int32]
    depth: NDArray[np.float32]

    @property
    def covered(self) -> NDArray[np.bool_]:
        return self.face >= 0


@dataclass(frozen=True)
class _Pixels:
    """place [N]: flat numbers. nearness [N]: one over the depth. face [N]."""

    place: Ints
    nearness: Floats
    face: Ints


def rasterised(pixels: Floats, depth: Floats, faces: Faces, size: tuple[int, int]) -> Buffer:
    """Triangles between points [V,2] px with depths [V], in a picture of (width, height). Triangles that reach behind
    the camera, or beyond what the lens sees, are left out."""
    width, height = size
    corners = pixels[faces]
    good = np.asarray(np.isfinite(corners).all((1, 2)) & (depth[faces] > _NEAR).all(1), np.bool_)
    low = np.ceil(np.where(good[:, None], corners.min(1), 0.0) - 0.5)
    high = np.floor(np.where(good[:, None], corners.max(1), -1.0) - 0.5)
    low = np.maximum(low, 0).astype(np.int64)
    high = np.minimum(high, [width - 1, height - 1]).astype(np.int64)
    span = high - low + 1
    chosen = np.nonzero(good & (span > 0).all(1))[0]
    found = []
    # Boxes of about one size are done together.
    steps = np.ceil(np.log2(span[chosen])).astype(np.int64)
    key = steps[:, 0] * 64 + steps[:, 1]
    for one in np.unique(key):
        box = 1 << (int(one) // 64), 1 << (int(one) % 64)
        same = chosen[key == one]
        room = max(1, _AT_ONCE // (box[0] * box[1]))
        for start in range(0, len(same), room):
            part = same[start : start + room]
            found.append(_pixels(corners[part], 1.0 / depth[faces[part]], part, low[part], high[part], box, width))
    return _nearest(found, size)


def _pixels(
    corners: Floats, nearness: Floats, number: Ints, low: Ints, high: Ints, box: tuple[int, int], width: int
) -> _Pixels:
    grid = np.stack(np.meshgrid(np.arange(box[0]), np.arange(box[1])), -1).reshape(-1, 2)
    at = low[:, None] + grid
    weights = barycentric(corners[:, None], pixel_centres(at))
    inside = (weights >= 0.0).all(-1) & (at <= high[:, None]).all(-1)
    row, _ = np.nonzero(inside)
    at = at[inside]
    return _Pixels(at[:, 1] * width + at[:, 0], (weights[inside] * nearness[row]).sum(-1), number[row])


def pixel_centres(at: Ints) -> Floats:
    """[...,2] px of pixels."""
    return np.asarray(at + 0.5, np.float64)


def barycentric(corners: Floats, points: Floats) -> Floats:
    """[...,3]: shares of the corners [...,3,2] in points [...,2]; -1 for triangles without an area."""
    a, b, c = (corners[..., k, :] for k in range(3))
    u, v, p = b - a, c - a, points - a
    area = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
    flat = np.abs(area) < 1e-12
    safe = np.where(flat, 1.0, area)
    second = (p[..., 0] * v[..., 1] - p[..., 1] * v[..., 0]) / safe
    third = (u[..., 0] * p[..., 1] - u[..., 1] * p[..., 0]) / safe
    found = np.stack([1.0 - second - third, second, third], -1)
    return np.asarray(np.where(flat[..., None], -1.0, found))


def _nearest(found: list[_Pixels], size: tuple[int, int]) -> Buffer:
    width, height = size
    face = np.full(width * height, -1, np.int32)
    depth = np.full(width * height, np.inf, np.float32)
    if found:
        place = np.concatenate([one.place for one in found])
        nearness = np.concatenate([one.nearness for one in found])
        number = np.concatenate([one.face for one in found])
        order = np.lexsort((number, -nearness, place))
        place, first = np.unique(place[order], return_index=True)
        face[place] = number[order][first]
        depth[place] = 1.0 / nearness[order][first]
    return Buffer(face.reshape(height, width), depth.reshape(height, width))


def vertex_normals(vertices: Floats, faces: Faces) -> Floats:
    """[V,3], unit, outwards."""
    p = vertices[faces]
    across = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
    total = np.stack(
        [sum(np.bincount(faces[:, k], across[:, axis], len(vertices)) for k in range(3)) for axis in range(3)], 1
    )
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-18))
