"""Small clips made on the fly: textured cards at several depths, filmed by a camera that travels.

The camera looks along +z of its own axes (OpenCV) and moves sideways, so that a solve is possible and quick.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

WIDTH, HEIGHT, FOCAL_PX = 320, 240, 300.0
_CARDS = (
    (8.0, 0.0, 0.0, 12.0),
    (6.0, -1.6, -0.9, 1.6),
    (5.0, 1.2, 0.7, 1.3),
    (4.0, -0.6, 0.8, 0.8),
    (3.5, 0.9, -0.6, 0.6),
)
"""(distance, centre x, centre y, side) of each card, farthest first."""

_TEXELS = 512


def travelling(count: int, seed: int = 0, step: float = 0.04) -> Iterator[Image]:
    """`count` frames [H,W,3] uint8 RGB; the camera moves by `step` a frame to the right and slightly turns."""
    textures = [_texture(seed * 100 + n) for n in range(len(_CARDS))]
    for index in range(count):
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for card, texture in zip(_CARDS, textures, strict=True):
            _draw(image, card, texture, index * step, 0.002 * index)
        yield image


def _texture(seed: int) -> Image:
    """Blotches of several sizes: corners at every scale."""
    random = np.random.default_rng(seed)
    layers = [
        cv2.resize(random.uniform(0, 255, (size, size, 3)).astype(np.float32), (_TEXELS, _TEXELS), interpolation=how)
        for size, how in ((8, cv2.INTER_CUBIC), (24, cv2.INTER_CUBIC), (64, cv2.INTER_LINEAR))
    ]
    return np.clip(np.mean(layers, axis=0) * 1.6 - 80, 0, 255).astype(np.uint8)


def _draw(image: Image, card: tuple[float, float, float, float], texture: Image, x: float, turn: float) -> None:
    distance, centre_x, centre_y, side = card
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * side / 2
    world = corners + np.array([centre_x - x, centre_y, distance])
    rotation, _ = cv2.Rodrigues(np.array([0.0, turn, 0.0]))
    seen = world @ rotation.T
    pixels = seen[:, :2] / seen[:, 2:] * FOCAL_PX + (WIDTH / 2 - 0.5, HEIGHT / 2 - 0.5)
    texels = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) * (_TEXELS - 1)
    warp = cv2.getPerspectiveTransform(texels, pixels.astype(np.float32))
    drawn = cv2.warpPerspective(texture, warp, (WIDTH, HEIGHT), flags=cv2.INTER_AREA)
    covered = cv2.warpPerspective(np.full((_TEXELS, _TEXELS), 255, np.uint8), warp, (WIDTH, HEIGHT)) > 127
    image[covered] = drawn[covered]


def write_clip(path: Path, frames: Iterable[Image], rate: int = 24) -> Path:
    """H.264 in the container that the suffix says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream: Any = None
        for image in frames:
            if stream is None:
                stream = container.add_stream("libx264", rate=rate)
                stream.height, stream.width = image.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.options = {"crf": "10", "preset": "veryfast"}
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def noise(count: int, width: int = WIDTH, height: int = HEIGHT) -> Iterator[Image]:
    """Frames that no codec makes small: for clips that take time and space."""
    random = np.random.default_rng(0)
    for _ in range(count):
        yield random.integers(0, 256, (height, width, 3), np.uint8)
