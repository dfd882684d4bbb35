"""First masks from a box whose surroundings look like the object and that holds its shadow: the neighbouring frames
tell what is what."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from backend.roto.cut import Cutter, Hints
from backend.roto.propagation import MemoryStore, PropagationSettings
from backend.roto.propagation.anchors import Anchors
from backend.roto.propagation.plan import plan_label
from backend.roto.propagation.vicinity import evidence_around
from tests.quality.roto_scene import overlap

WIDTH, HEIGHT, FRAMES = 320, 200, 13
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Walk:
    """Something with limbs walks over a ground with patches of its own colours, and casts a shadow. speed: px a frame
    against the ground; the camera pans too."""

    seed: int
    speed: float = 3.0
    pan: float = 1.5

    def picture(self, number: int) -> np.ndarray:
        return _rendered(self, number)[0]

    def truth(self, number: int) -> np.ndarray:
        return _rendered(self, number)[1]

    def shadow(self, number: int) -> np.ndarray:
        return _rendered(self, number)[2]

    def box(self, number: int, *include: tuple[float, float], exclude: tuple[tuple[float, float], ...] = ()) -> Hints:
        y, x = np.nonzero(self.truth(number))
        sides = np.array([[x.min(), y.min(), x.max() + 1, y.max() + 1]], float)
        points = np.asarray(include, float).reshape(-1, 2), np.asarray(exclude, float).reshape(-1, 2)
        return Hints(*points, boxes=sides, label="walk", frame=number)


@functools.lru_cache(maxsize=64)
def _rendered(walk: Walk, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The picture, the object, and the shadow as far as it is seen; bool [H, W] the latter."""
    ground, cover, shape = _parts(walk.seed)
    t = number - 1
    soft = _shifted(shape, 60 + walk.speed * t, 0)
    shade = cv2.GaussianBlur(_shifted(cv2.warpAffine(shape, SLANT, (WIDTH, HEIGHT)), 60 + walk.speed * t, 0), (0, 0), 1)
    picture = _shifted(ground, -40 - walk.pan * t, 0, WIDTH) * (1 - 0.45 * shade[..., None])
    worn = _shifted(cover, 60 + walk.speed * t, 0, WIDTH)
    picture = soft[..., None] * worn + (1 - soft[..., None]) * picture
    picture += np.random.default_rng(1000 * walk.seed + number).normal(0, 2.5, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8), soft > 0.5, (shade > 0.5) & (soft < 0.5)


SLANT = np.array([[1, -0.7, 112], [0, 0.3, 116]], np.float32)
"""Of the shadow: it lies on the ground, to one side of the feet."""


@functools.lru_cache(maxsize=8)
def _parts(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ground, the object's cover, and its shape (float32 0..1), at frame 1."""
    rng = np.random.default_rng(seed)
    colour = rng.uniform(80, 170, 3)
    towards = rng.normal(0, 1, 3)
    cover_colour = colour + 40 * towards / np.linalg.norm(towards)
    ground, cover = _texture(rng, colour, 2 * WIDTH), _texture(rng, cover_colour, WIDTH)
    like_it = _texture(rng, cover_colour, 2 * WIDTH)
    patches = cv2.resize(rng.uniform(0, 1, (8, 24)), (2 * WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST) > 0.65
    ground = np.where(patches[..., None], like_it, ground)
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(drawn, (60, 85), (22, 38), 0, 0, 360, 255, cv2.FILLED)
    cv2.circle(drawn, (60, 36), 15, 255, cv2.FILLED)
    for x, y in ((38, 165), (84, 165), (14, 70), (108, 78)):
        cv2.line(drawn, (60, 110 if y > 100 else 62), (x, y), 255, int(rng.integers(9, 14)))
    return ground, cover, cv2.GaussianBlur(drawn.astype(np.float32) / 255, (0, 0), 0.7)


def _texture(rng: np.random.Generator, colour: np.ndarray, width: int) -> np.ndarray:
    """float32 [H, width, 3]: blotches of two sizes around a colour."""
    coarse = cv2.resize(rng.normal(0, 14, (6, width // 30, 3)), (width, HEIGHT), interpolation=cv2.INTER_CUBIC)
    fine = cv2.resize(rng.normal(0, 12, (HEIGHT // 6, width // 6, 3)), (width, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.asarray(colour + coarse + fine, np.float32)


def _shifted(image: np.ndarray, x: float, y: float, width: int = WIDTH) -> np.ndarray:
    shift = np.array([[1, 0, x], [0, 1, y]], np.float32)
    border = cv2.BORDER_REFLECT if image.ndim == 3 else cv2.BORDER_CONSTANT
    return cv2.warpAffine(image, shift, (width, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=border)


def anchored(walk: Walk, at: int, hints: Hints) -> np.ndarray:
    """The prompted frame's mask as the propagation makes it."""
    numbers = range(1, FRAMES + 1)
    plan = plan_label("walk", {at: hints}, numbers)
    anchors = Anchors(walk.picture, numbers, {"walk": plan}, MemoryStore(), PropagationSettings())
    return anchors.make("walk", plan.anchors[at], None).soft >= 128


@pytest.mark.parametrize("at", [1, 7])
def test_the_frames_near_by_tell_the_object_from_its_surroundings_and_its_shadow(at: int) -> None:
    alone, told, shaded = [], [], []
    for seed in SEEDS:
        walk = Walk(seed)
        truth, beside = walk.truth(at), walk.picture(at + 1 if at < FRAMES else at - 1)
        alone.append(overlap(Cutter(walk.picture(at), beside).soft_mask(walk.box(at)) >= 0.5, truth))
        found = anchored(walk, at, walk.box(at))
        told.append(overlap(found, truth))
        shaded.append(float(found[walk.shadow(at)].mean()))
    print(f"J at {at}: {np.round(alone, 2)} -> {np.round(told, 2)}, of the shadow {np.round(shaded, 2)}")
    assert np.mean(told) > 0.80
    assert np.mean(told) > np.mean(alone) + 0.10
    assert np.mean(shaded) < 0.35


def test_where_nothing_moves_the_cut_alone_decides() -> None:
    still = Walk(0, speed=0.0, pan=0.0)
    hints = still.box(1)
    x0, y0, x1, y1 = hints.boxes[0].astype(int)
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[y0:y1, x0:x1] = True
    assert evidence_around(still.picture, 1, range(1, FRAMES + 1), inside, PropagationSettings()) is None
    cut = Cutter(still.picture(1), still.picture(2)).soft_mask(hints) >= 0.5
    assert overlap(anchored(still, 1, hints), cut) > 0.999


def test_clicks_hold_whatever_moves() -> None:
    walk = Walk(0)
    ground, middle = (62.5, 20.5), (120.5, 90.5)
    y0 = float(walk.box(1).boxes[0, 1])
    ground = (70.5, y0 + 4.5)
    found = anchored(walk, 1, walk.box(1, ground, exclude=(middle,)))
    assert found[int(ground[1]), int(ground[0])] and not found[int(middle[1]), int(middle[0])]
