"""Textured discs that move, turn and pass in front of each other over a textured background that moves too, with exact
masks of what is visible."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np

WIDTH, HEIGHT = 256, 160


@dataclass(frozen=True)
class Disc:
    """x, y: centre at frame 1, px; vx, vy: px a frame; turn: radians a frame; a, b: half axes, px; colour: RGB."""

    x: float
    y: float
    vx: float
    vy: float
    a: float
    b: float
    colour: tuple[int, int, int]
    turn: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Scene:
    """discs: from back to front, by label. pan: px a frame that the background moves by. pole: x0, x1 of a post in
    front of everything, None without."""

    discs: dict[str, Disc]
    pan: tuple[float, float] = (1.5, 0.4)
    pole: tuple[int, int] | None = None

    def picture(self, number: int) -> np.ndarray:
        return self._render(number)[0]

    def truth(self, label: str, number: int) -> np.ndarray:
        return self._render(number)[1][label]

    def _render(self, number: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        t = number - 1
        big = _texture(7, 512, 512, (120, 112, 100), 45)
        shift = np.array([[1, 0, -40 - self.pan[0] * t], [0, 1, -40 - self.pan[1] * t]], np.float32)
        picture = cv2.warpAffine(big, shift, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        masks: dict[str, np.ndarray] = {}
        for label, disc in self.discs.items():
            skin, mask = _posed(disc, t)
            picture = np.where(mask[..., None], skin, picture)
            masks = {other: seen & ~mask for other, seen in masks.items()} | {label: mask}
        if self.pole is not None:
            x0, x1 = self.pole
            picture[:, x0:x1] = _texture(11, HEIGHT, x1 - x0, (60, 90, 60), 30)
            masks = {label: seen & ~_columns(x0, x1) for label, seen in masks.items()}
        noise = np.random.default_rng(number).normal(0, 2, picture.shape)
        return np.clip(picture + noise, 0, 255).astype(np.uint8), masks


def overlap(found: np.ndarray, truth: np.ndarray) -> float:
    """Intersection over union (J of DAVIS); 1 when both are empty."""
    union = (found | truth).sum()
    return float((found & truth).sum() / union) if union else 1.0


def _posed(disc: Disc, t: int) -> tuple[np.ndarray, np.ndarray]:
    """The disc's texture over the whole picture, and where it is."""
    x, y, angle = disc.x + disc.vx * t, disc.y + disc.vy * t, disc.turn * t
    size = 160
    skin = _texture(disc.seed, size, size, disc.colour, 40)
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), -np.degrees(angle), 1.0)
    turn[:, 2] += (x - size / 2, y - size / 2)
    posed = cv2.warpAffine(skin, turn, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    columns, rows = np.meshgrid(np.arange(WIDTH) - x, np.arange(HEIGHT) - y)
    across = columns * np.cos(angle) + rows * np.sin(angle)
    along = -columns * np.sin(angle) + rows * np.cos(angle)
    return posed, (across / disc.a) ** 2 + (along / disc.b) ** 2 <= 1


@functools.cache
def _texture(seed: int, height: int, width: int, colour: tuple[int, int, int], depth: float) -> np.ndarray:
    """float [height, width, 3]: smooth blotches of two sizes around a colour."""
    rng = np.random.default_rng(seed)
    grain = sum(cv2.GaussianBlur(rng.normal(0, s, (height, width, 1)), (0, 0), s)[..., None] for s in (2.0, 5.0))
    tint = cv2.GaussianBlur(rng.normal(0, 4.0, (height, width, 3)), (0, 0), 4.0)
    return np.asarray(colour) + depth * np.asarray(grain) / np.std(grain) * 0.5 + 0.25 * depth * tint / np.std(tint)


def _columns(x0: int, x1: int) -> np.ndarray:
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[:, x0:x1] = True
    return inside
