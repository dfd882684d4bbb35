"""Mattes of scenes with exact alpha: error and calm of engine `banded`, against a guided filter on the same bands."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from backend.matte.banded import Banded
from backend.matte.clip import FOREGROUND, UNKNOWN, Alpha, MatteClip, Picture
from backend.matte.motion import Motion
from tests.benchmarks.matte_scores import MatteScore, Scoring
from tests.unit.matte_scene import Scene, disc_scene, hair_scene

RADIUS = 6


def guided(picture: Picture, start: Alpha, radius: int = 6, epsilon: float = 1e-4) -> Alpha:
    """He, Sun, Tang, "Guided image filtering" (TPAMI 2013) with a colour guide."""
    guide, size = picture / 255.0, (2 * radius + 1, 2 * radius + 1)

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, size)

    middle, whole = mean(guide), mean(start.astype(float))
    both = mean(guide * start[..., None]) - middle * whole[..., None]
    products = mean((guide[..., :, None] * guide[..., None, :]).reshape(*start.shape, 9))
    spread = products.reshape(*start.shape, 3, 3) - middle[..., :, None] * middle[..., None, :]
    slope = np.linalg.solve(spread + epsilon * np.eye(3), both[..., None])[..., 0]
    offset = whole - (slope * middle).sum(axis=2)
    return np.clip((mean(slope) * guide).sum(axis=2) + mean(offset), 0.0, 1.0).astype(np.float32)


def guided_matter(clip: MatteClip) -> Callable[[int], Alpha]:
    """From trimaps, as the filter's authors do it: what is known stays, the rest begins at one half."""

    def alpha(index: int) -> Alpha:
        trimap = clip.trimap(index)
        known = np.where(trimap == UNKNOWN, 0.5, trimap / 255.0).astype(np.float32)
        soft = guided(clip.picture(index), known)
        return np.where(trimap == UNKNOWN, soft, trimap == FOREGROUND).astype(np.float32)

    return alpha


def score(scene: Scene, matter: Callable[[int], Alpha], clip: MatteClip) -> MatteScore:
    scoring = Scoring()
    for index in range(1, clip.count - 1):
        scoring.add(index, matter(index), scene.alphas[index], clip.trimap(index) == UNKNOWN, 0.0)
    return scoring.score()


@pytest.mark.parametrize(("name", "mad", "dtssd"), [("hair", 0.065, 0.11), ("disc", 0.03, 0.07)])
def test_mattes_are_right_and_calm(name: str, mad: float, dtssd: float) -> None:
    cv2.setNumThreads(1)
    scene = hair_scene(6) if name == "hair" else disc_scene(6)
    clip = scene.clip(RADIUS)
    ours = score(scene, Banded(clip, Motion(clip.picture, 6)).alpha, clip)
    plain = score(scene, guided_matter(clip), clip)
    assert ours.dtssd is not None and plain.dtssd is not None
    print(name, ours, plain)
    assert ours.mad < mad and ours.dtssd < dtssd
    assert ours.mad < 0.5 * plain.mad and ours.gradient < plain.gradient


def test_noise_does_not_make_a_resting_matte_flicker() -> None:
    """Against the same frames, each without its neighbours."""
    scene = disc_scene(4, speed=0.0)
    clip = scene.clip(RADIUS)
    alone = [
        Banded(MatteClip(1, lambda _, i=i: clip.picture(i), clip.trimap), Motion(clip.picture, 0)).alpha(0)
        for i in range(4)
    ]
    together = Banded(clip, Motion(clip.picture, 6))
    ours = score(scene, together.alpha, clip)
    single = score(scene, lambda index: alone[index], clip)
    assert ours.dtssd is not None and single.dtssd is not None
    print(ours, single)
    assert ours.dtssd < 0.82 * single.dtssd and ours.dtssd < 0.022 and ours.mad < 1.1 * single.mad
