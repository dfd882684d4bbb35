"""A long walk down a street, rendered with OpenCV and written as video: footage of any length with an exact camera.

Facades, floor and crates are textured tiles; each is warped by its homography, far ones first. The street is endless:
tiles are made where the camera is, from their own place's random numbers, so that memory does not grow with the
length and the first frames of a longer clip are those of a shorter one. World z up, metres; OpenCV camera axes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.scoring import Array

WIDTH, HEIGHT, FPS = 1280, 720, 24
FOCAL = 1000.0
K = np.array([[FOCAL, 0.0, WIDTH / 2.0], [0.0, FOCAL, HEIGHT / 2.0], [0.0, 0.0, 1.0]])
_STEP, _TILE, _HALF_STREET = 0.05, 3.0, 4.0
_AHEAD, _BEHIND = 13, 2
_TEXELS = 512
_NEAR = 0.15
_GRAIN = 2.5
_TEXTURES = 12

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Tile:
    """A rectangle: corner, two edges [3], metres; the number of its texture."""

    corner: Array
    along: Array
    across: Array
    texture: int


def pose(t: int) -> Array:
    """world_from_camera [4, 4] of frame t: walking pace with sway, bob, and a look from side to side."""
    s = t / FPS
    eye = np.array([0.5 * np.sin(0.35 * s), _STEP * t, 1.7 + 0.03 * np.sin(9.0 * s)])
    yaw, pitch = 0.5 * np.sin(0.5 * s), 0.05 + 0.04 * np.sin(0.8 * s)
    forward = np.array([np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), -np.sin(pitch)])
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    found = np.eye(4)
    found[:3, :3] = np.stack([right, np.cross(forward, right), forward], 1)
    found[:3, 3] = eye
    return found


def write_walk(folder: Path, count: int) -> Path:
    """Writes clip.mp4 (H.264) and truth/camera.npz into `folder`."""
    (folder / "truth").mkdir(parents=True)
    poses = np.stack([pose(t) for t in range(count)])
    np.savez(folder / "truth" / "camera.npz", K=np.tile(K, (count, 1, 1)), world_from_camera=poses)
    with av.open(str(folder / "clip.mp4"), "w") as container:
        stream: Any = container.add_stream("libx264", Fraction(FPS))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "16"}
        for picture in pictures(count):
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return folder


def pictures(count: int) -> Iterator[Picture]:
    """The frames, uint8 [H, W, 3] BGR, one at a time."""
    rng = np.random.default_rng(0)
    levels = [_pyramid(_texture(rng)) for _ in range(_TEXTURES)]
    grain = rng.normal(0.0, _GRAIN, (2 * HEIGHT, 2 * WIDTH, 1)).astype(np.float32)
    for t in range(count):
        clean = _view(pose(t), levels)
        x, y = (int(n) for n in np.random.default_rng([1, t]).integers(0, (WIDTH, HEIGHT)))
        yield np.clip(clean + grain[y : y + HEIGHT, x : x + WIDTH], 0, 255).astype(np.uint8)


def _texture(rng: np.random.Generator) -> Picture:
    total = np.full((_TEXELS, _TEXELS, 3), 120.0)
    for cells, strength in ((4, 35.0), (16, 35.0), (64, 30.0), (160, 20.0)):
        coarse = rng.normal(0.0, strength, (cells, cells, 3)).astype(np.float32)
        coarse = 0.7 * coarse.mean(-1, keepdims=True) + 0.3 * coarse
        total += cv2.resize(coarse, (_TEXELS, _TEXELS), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(total, 0, 255), np.uint8)


def _pyramid(texture: Picture) -> list[Picture]:
    levels = [texture]
    while levels[-1].shape[0] > 16:
        levels.append(np.asarray(cv2.pyrDown(levels[-1])))
    return levels


def _tiles(y: float) -> list[Tile]:
    """The street about a place, far to near is not their order."""
    first = int(y // _TILE)
    return [tile for n in range(first - _BEHIND, first + _AHEAD) for tile in _section(n)]


def _section(n: int) -> list[Tile]:
    """Three metres of street: floor, facades in two storeys, and a crate."""
    rng = np.random.default_rng([2, n + 1000])
    at, up, along = n * _TILE, np.array([0.0, 0.0, _TILE]), np.array([0.0, _TILE, 0.0])
    tiles = []
    for x in np.arange(-_HALF_STREET - 1.0, _HALF_STREET + 1.0, _TILE):
        tiles.append(Tile(np.array([x, at, 0.0]), np.array([_TILE, 0.0, 0.0]), along, _some(rng)))
    for side in (-1.0, 1.0):
        recess = rng.uniform(0.0, 1.0)
        for storey in (0, 1):
            corner = np.array([side * (_HALF_STREET + recess), at, storey * _TILE])
            tiles.append(Tile(corner, along, up, _some(rng)))
    side, size = rng.choice((-1.0, 1.0)), rng.uniform(0.6, 1.2)
    x, y = side * rng.uniform(1.8, 3.0) - size / 2.0, at + rng.uniform(0.3, 1.5)
    flat, deep, tall = np.array([size, 0.0, 0.0]), np.array([0.0, size, 0.0]), np.array([0.0, 0.0, size])
    tiles.append(Tile(np.array([x, y, 0.0]), flat, tall, _some(rng)))
    tiles.append(Tile(np.array([x + size if side < 0 else x, y, 0.0]), deep, tall, _some(rng)))
    tiles.append(Tile(np.array([x, y, size]), flat, deep, _some(rng)))
    return tiles


def _some(rng: np.random.Generator) -> int:
    return int(rng.integers(_TEXTURES))


def _view(at: Array, levels: list[list[Picture]]) -> Picture:
    picture = np.full((HEIGHT, WIDTH, 3), (205, 190, 180), np.uint8)
    eye = at[:3, 3]

    def distance(tile: Tile) -> float:
        return float(np.linalg.norm(tile.corner + 0.5 * (tile.along + tile.across) - eye))

    def order(tile: Tile) -> tuple[int, float]:
        """Back to front: the floor, then the facades, then crates (which stand before the facades)."""
        length = np.linalg.norm(tile.along)
        layer = 2 if length < _TILE else int(tile.across[2] > 0)
        return layer, -distance(tile)

    for tile in sorted(_tiles(float(eye[1])), key=order):
        _paint(picture, tile, at, levels[tile.texture])
    return picture


def _paint(picture: Picture, tile: Tile, at: Array, levels: list[Picture]) -> None:
    """Warps the tile's texture into the picture, where the tile is in front of the camera."""
    turn = at[:3, :3].T
    plane = turn @ np.stack([tile.along, tile.across, tile.corner - at[:3, 3]], 1)  # (a, b, 1) -> camera
    outline = _clipped(np.array([[0.0, 0.0, 1.0], [1, 0, 1], [1, 1, 1], [0, 1, 1]]) @ plane.T)
    if len(outline) < 3:
        return
    seen = outline @ K.T
    seen = seen[:, :2] / seen[:, 2:]
    low = np.maximum(np.floor(seen.min(0)), 0).astype(int)
    high = np.minimum(np.ceil(seen.max(0)), (WIDTH, HEIGHT)).astype(int)
    if (high <= low).any():
        return
    area = abs(float(cv2.contourArea(seen.astype(np.float32))))
    level = int(np.clip(np.floor(np.log2(_TEXELS / max(np.sqrt(area), 1.0)) + 0.5), 0, len(levels) - 1))
    texture = levels[level]
    n = texture.shape[0]
    texels = np.array([[1.0 / n, 0.0, 0.5 / n], [0.0, 1.0 / n, 0.5 / n], [0.0, 0.0, 1.0]])
    shift = np.array([[1.0, 0.0, -low[0] - 0.5], [0.0, 1.0, -low[1] - 0.5], [0.0, 0.0, 1.0]])
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    warped = cv2.warpPerspective(
        texture, shift @ K @ plane @ texels, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    mask = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillPoly(mask, [np.round((seen - low - 0.5) * 16).astype(np.int32)], 255, shift=4)
    part = picture[low[1] : high[1], low[0] : high[0]]
    part[mask > 0] = warped[mask > 0]


def _clipped(corners: Array) -> Array:
    """The part of a polygon [N, 3] in camera space that is in front of the near plane."""
    kept: list[Array] = []
    for a, b in zip(corners, np.roll(corners, -1, 0), strict=True):
        if a[2] >= _NEAR:
            kept.append(a)
        if (a[2] >= _NEAR) != (b[2] >= _NEAR):
            kept.append(a + (b - a) * (_NEAR - a[2]) / (b[2] - a[2]))
    return np.array(kept).reshape(-1, 3)
