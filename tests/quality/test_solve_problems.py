"""Weak and failed frames are named with their cause, and sound clips are left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from backend.sfm.result import CameraSolve
from backend.sfm.settings import SfmSettings
from backend.sfm.solver import solve
from tests.quality.synthetic_set import Footage, courtyard, render
from tests.quality.test_solve_synthetic import SIZE, K, travelling

Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def footage() -> Footage:
    rng = np.random.default_rng(11)
    return render(courtyard(rng), travelling(24, 11), K, SIZE, rng)


def with_frames(footage: Footage, numbers: range, change: Callable[[Image], Image]) -> Footage:
    frames = list(footage.frames)
    for number in numbers:
        frames[number - 1001] = change(frames[number - 1001])
    return replace(footage, frames=frames)


def moved(picture: Image) -> Image:
    """Blurred along a line of 15 px, then given the grain that it lost."""
    kernel = np.zeros((15, 15), np.float32)
    kernel[7] = 1.0 / 15.0
    grain = np.random.default_rng(0).normal(0.0, 2.0, picture.shape)
    return np.clip(cv2.filter2D(picture, -1, kernel) + grain, 0, 255).astype(np.uint8)


def unfocused(picture: Image) -> Image:
    grain = np.random.default_rng(0).normal(0.0, 2.0, picture.shape)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 2.5) + grain, 0, 255).astype(np.uint8)


def test_a_sound_clip_has_no_problems(footage: Footage) -> None:
    result = solve(footage, SfmSettings())
    assert result.problems == ()
    assert all(frame.cause == "" for frame in result.frames)
    assert min(frame.confidence or 0.0 for frame in result.frames) > 0.9
    assert all(frame.coverage is not None and frame.coverage > 0.5 for frame in result.frames)
    assert all(0.0 < (frame.rotation_sd_deg or 0.0) < 0.05 for frame in result.frames)
    assert 0.0 < result.facts["focal_sd_px"] < 3.0


@pytest.mark.parametrize(
    "change, kind, words", [(moved, "motion-blur", "motion blur"), (unfocused, "out-of-focus", "out of focus")]
)
def test_blurred_frames_are_named_exactly(
    footage: Footage, change: Callable[[Image], Image], kind: str, words: str
) -> None:
    result: CameraSolve = solve(with_frames(footage, range(1012, 1016), change), SfmSettings())
    assert [(p.first, p.last, p.kind) for p in result.problems] == [(1012, 1015, kind)]
    assert result.problems[0].sentence.startswith(f"frames 1012-1015: {words}, ")
    assert result.problems[0].sentence.endswith("tracks left")
    assert [bool(frame.cause) for frame in result.frames] == [1012 <= n <= 1015 for n in footage.numbers]


def test_a_flash_is_named(footage: Footage) -> None:
    white = with_frames(footage, range(1010, 1011), lambda picture: np.full_like(picture, 255))
    result = solve(white, SfmSettings(quality="low"))
    assert [(p.first, p.last, p.kind) for p in result.problems] == [(1010, 1010, "exposure")]
    assert result.problems[0].sentence == "frame 1010: flash, 0 tracks left, no camera"
    assert result.frames[9].confidence == 0.0
    assert result.frames[9].cause == "flash"
