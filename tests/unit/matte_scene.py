"""Pictures whose alpha is known exactly, since they are put together from layers: strands of hair, and a disc with
motion blur, before a background that moves on its own."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.matte.clip import BACKGROUND, FOREGROUND, UNKNOWN, MatteClip, Trimap

WIDTH, HEIGHT = 160, 120
_FINE = 4
_MARGIN = 40


@dataclass(frozen=True)
class Scene:
    """pictures: uint8 [T, H, W, 3] RGB; alphas: float32 [T, H, W]; objects: float32 [T, H, W, 3], the object's own
    colours in levels."""

    pictures: NDArray[np.uint8]
    alphas: NDArray[np.float32]
    objects: NDArray[np.float32]

    def clip(self, radius: int) -> MatteClip:
        trimaps = [true_trimap(alpha, radius) for alpha in self.alphas]
        return MatteClip(len(self.pictures), lambda index: self.pictures[index], lambda index: trimaps[index])


def true_trimap(alpha: NDArray[np.float32], radius: int) -> Trimap:
    """Unknown within `radius` px of anything that is not surely of one side."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    inside = cv2.erode((alpha > 0.98).astype(np.uint8), disc, borderValue=1) > 0
    outside = cv2.erode((alpha < 0.02).astype(np.uint8), disc, borderValue=1) > 0
    return np.where(inside, FOREGROUND, np.where(outside, BACKGROUND, UNKNOWN)).astype(np.uint8)


def texture(seed: int, width: int, height: int, mean: tuple[float, ...], contrast: float) -> NDArray[np.float32]:
    """float32 [H, W, 3] levels: blotches of several sizes."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for size in (2.0, 5.0, 12.0):
        layer = cv2.GaussianBlur(random.normal(size=(height, width, 3)).astype(np.float32), (0, 0), size)
        total += layer / layer.std()
    return np.clip(np.asarray(mean, np.float32) + contrast * total / np.sqrt(3.0), 0.0, 255.0).astype(np.float32)


def hair_scene(count: int = 5, seed: int = 3) -> Scene:
    """A head with loose strands that sways a little before a background that passes by."""
    coverage = [_hair(seed, 1.5 * np.sin(0.9 * frame)) for frame in range(count)]
    return _composite(coverage, seed, drift=3.0)


def disc_scene(count: int = 5, seed: int = 5, speed: float = 6.0) -> Scene:
    """A disc that moves while the shutter is open for half the time between frames."""
    coverage = []
    for frame in range(count):
        places = 50.0 + speed * (frame + np.linspace(0.0, 0.5, 9))
        coverage.append(np.mean([_disc(x, 60.0, 26.0) for x in places], axis=0))
    return _composite([np.asarray(one, np.float32) for one in coverage], seed, drift=-1.0, moving=speed)


def _composite(coverage: list[NDArray[np.float32]], seed: int, drift: float, moving: float = 0.0) -> Scene:
    random = np.random.default_rng(seed + 100)
    behind = texture(seed, WIDTH + 2 * _MARGIN, HEIGHT, (140.0, 130.0, 110.0), 35.0)
    before = texture(seed + 1, WIDTH + 2 * _MARGIN, HEIGHT, (110.0, 60.0, 40.0), 18.0)
    pictures, objects = [], []
    for frame, alpha in enumerate(coverage):
        object_ = _shifted(before, moving * (frame + 0.25))
        whole = alpha[..., None] * object_ + (1.0 - alpha[..., None]) * _shifted(behind, drift * frame)
        whole = whole + random.normal(scale=1.5, size=whole.shape)
        pictures.append(np.clip(np.round(whole), 0, 255).astype(np.uint8))
        objects.append(object_)
    return Scene(np.stack(pictures), np.stack(coverage).astype(np.float32), np.stack(objects))


def _shifted(layer: NDArray[np.float32], by: float) -> NDArray[np.float32]:
    matrix = np.array([[1.0, 0.0, by - _MARGIN], [0.0, 1.0, 0.0]])
    return np.asarray(
        cv2.warpAffine(layer, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101),
        np.float32,
    )


def _disc(x: float, y: float, radius: float) -> NDArray[np.float32]:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    distance = np.hypot(columns - x, rows - y)
    return np.asarray(np.clip(radius + 0.5 - distance, 0.0, 1.0), np.float32)


def _hair(seed: int, sway: float) -> NDArray[np.float32]:
    """Coverage from a picture four times as fine."""
    random = np.random.default_rng(seed)
    fine = np.zeros((HEIGHT * _FINE, WIDTH * _FINE), np.uint8)
    centre = np.array([80.0 + sway, 75.0])
    cv2.ellipse(fine, _fine(centre), (30 * _FINE, 36 * _FINE), 0.0, 0.0, 360.0, 255, -1)
    for angle in np.linspace(-np.pi, 0.0, 60):
        length, bend = random.uniform(4.0, 16.0), random.normal(scale=0.35)
        root = centre + np.array([28.0 * np.cos(angle), 34.0 * np.sin(angle)])
        steps = np.linspace(0.0, 1.0, 12)[:, None]
        turned = angle + bend * steps + 0.03 * sway * steps
        line = root + length * steps * np.concatenate([np.cos(turned), np.sin(turned)], axis=1)
        cv2.polylines(fine, [np.round(line * _FINE).astype(np.int32)], False, 255, 3, cv2.LINE_8)
    small = cv2.resize(fine, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255.0)


def _fine(point: NDArray[np.float64]) -> tuple[int, int]:
    x, y = np.round(point * _FINE).astype(int)
    return int(x), int(y)
