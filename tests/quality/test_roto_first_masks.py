"""First masks on composites with known truth: limbed shapes on surroundings of similar colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from backend.roto.cut import Cutter, Hints
from shared.roto_prompts import FramePrompt
from tests.benchmarks.grabcut_peer import box_of
from tests.benchmarks.mask_scores import boundary_accuracy, region_similarity

WIDTH, HEIGHT, SCENES, CLICKS = 360, 240, 6, 3


@dataclass(frozen=True)
class Scene:
    """picture, later: uint8 RGB, the object goes on by some pixels between them. truth: in the first."""

    picture: np.ndarray
    later: np.ndarray
    truth: np.ndarray


def texture(rng: np.random.Generator, base: np.ndarray) -> np.ndarray:
    """float32 [H,W,3]: blotches of a few shades around a colour, and grain."""
    coarse = cv2.resize(rng.normal(0, 18, (7, 10, 3)), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    smooth = cv2.resize(rng.normal(0, 14, (24, 36, 3)), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return (base + coarse + smooth).astype(np.float32)


def shape(rng: np.random.Generator) -> np.ndarray:
    """A body with limbs, bool [H,W]."""
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    center = (int(rng.integers(150, 210)), int(rng.integers(100, 140)))
    axes = (int(rng.integers(30, 42)), int(rng.integers(42, 58)))
    cv2.ellipse(drawn, center, axes, rng.uniform(-30, 30), 0, 360, 1, cv2.FILLED)
    for angle in rng.uniform(0, 2 * np.pi, 4):
        end = (int(center[0] + 85 * np.cos(angle)), int(center[1] + 85 * np.sin(angle)))
        cv2.line(drawn, center, end, 1, int(rng.integers(12, 20)))
    return drawn > 0


def made(seed: int) -> Scene:
    rng = np.random.default_rng(seed)
    ground_colour = rng.uniform(70, 180, 3)
    towards = rng.normal(0, 1, 3)
    object_colour = ground_colour + 42 * towards / np.linalg.norm(towards)
    ground, cover, mask = texture(rng, ground_colour), texture(rng, object_colour), shape(rng)
    pictures = []
    for step in (0, 3):
        soft = cv2.GaussianBlur(np.roll(mask, step, axis=1).astype(np.float32), (0, 0), 0.7)[..., None]
        mixed = soft * np.roll(cover, step, axis=1) + (1 - soft) * ground + rng.normal(0, 4, ground.shape)
        pictures.append(np.clip(mixed, 0, 255).astype(np.uint8))
    return Scene(pictures[0], pictures[1], mask)


def boxed(scene: Scene) -> Hints:
    return Hints.of(FramePrompt(boxes=(tuple(float(side) for side in box_of(scene.truth)),)))  # type: ignore[arg-type]


def middle(mask: np.ndarray) -> tuple[float, float]:
    """The pixel farthest from the mask's outline."""
    inside = cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(int(inside.argmax()), mask.shape)
    return float(x) + 0.5, float(y) + 0.5


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [made(seed) for seed in range(SCENES)]


def scores(scenes: list[Scene], cut: Callable[[Scene], np.ndarray]) -> tuple[float, float]:
    """Mean J and F."""
    masks = [cut(scene) for scene in scenes]
    j = [region_similarity(mask, scene.truth) for mask, scene in zip(masks, scenes, strict=True)]
    f = [boundary_accuracy(mask, scene.truth) for mask, scene in zip(masks, scenes, strict=True)]
    return float(np.mean(j)), float(np.mean(f))


def test_a_box_finds_most_of_it_and_movement_helps(scenes: list[Scene]) -> None:
    still = scores(scenes, lambda scene: Cutter(scene.picture).soft_mask(boxed(scene)) >= 0.5)
    moving = scores(scenes, lambda scene: Cutter(scene.picture, scene.later).soft_mask(boxed(scene)) >= 0.5)
    print(f"J, F: still {still}, moving {moving}")
    assert still[0] > 0.70 and still[1] > 0.68
    assert moving[0] > max(0.72, still[0])


def test_a_click_alone_finds_most_of_it(scenes: list[Scene]) -> None:
    def clicked(scene: Scene) -> np.ndarray:
        hints = Hints.of(FramePrompt(include=(middle(scene.truth),)))
        return Cutter(scene.picture, scene.later).soft_mask(hints) >= 0.5

    j, _ = scores(scenes, clicked)
    print(f"one click: J {j}")
    assert j > 0.6


def test_clicks_where_it_is_wrong_mend_it(scenes: list[Scene]) -> None:
    before, after = [], []
    for scene in scenes:
        cutter = Cutter(scene.picture)
        soft = cutter.soft_mask(boxed(scene))
        before.append(region_similarity(soft >= 0.5, scene.truth))
        for _ in range(CLICKS):
            missing, extra = scene.truth & (soft < 0.5), ~scene.truth & (soft >= 0.5)
            kind = "include" if missing.sum() > extra.sum() else "exclude"
            hints = FramePrompt(**{kind: (middle(missing if kind == "include" else extra),)})  # type: ignore[arg-type]
            soft = cutter.soft_mask(Hints.of(hints), start=soft)
        after.append(region_similarity(soft >= 0.5, scene.truth))
    print(f"J {np.mean(before)} -> {np.mean(after)}: {np.round(before, 2)} -> {np.round(after, 2)}")
    assert np.mean(after) > np.mean(before) + 0.08
    assert np.mean(np.array(after) >= np.array(before) - 0.02) >= 0.75, "clicks rarely harm"
