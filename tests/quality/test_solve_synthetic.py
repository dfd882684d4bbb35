"""The solver on rendered sets with an exact camera: accuracy within bounds, and honest failures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.sfm import tracking
from backend.sfm.result import CameraSolve
from backend.sfm.settings import SfmSettings
from backend.sfm.solver import solve
from backend.sfm.tracking import CHECKPOINT_NAME
from shared.errors import ClipTooShort, CutInClip, JobCancelled, TooFewFeatures
from tests.benchmarks.scoring import Array, absolute_trajectory_error, path_length, rotation_error_deg
from tests.quality.synthetic_set import Footage, courtyard, intrinsics, look, render

SIZE = (480, 270)
K = intrinsics(430.0, *SIZE)
TARGET = np.array([0.2, 6.0, 1.0])


def travelling(count: int, seed: int, shake: float = 0.02) -> Array:
    """A hand-held walk sideways and forward."""
    rng = np.random.default_rng(seed)
    wobble = np.cumsum(rng.normal(0.0, shake, (count, 3)), axis=0)
    s = np.linspace(0.0, 1.0, count)[:, None]
    eyes = np.array([-1.3, 0.2, 1.5]) + s * np.array([2.4, 0.7, 0.3]) + 0.3 * wobble
    return np.stack([look(eye, TARGET + w, 0.5 * w[0]) for eye, w in zip(eyes, wobble, strict=True)])


@pytest.fixture(scope="module")
def footage() -> Footage:
    rng = np.random.default_rng(3)
    return render(courtyard(rng), travelling(20, 3), K, SIZE, rng)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first solve leaves its tracks."""
    return tmp_path_factory.mktemp("tracks")


@pytest.fixture(scope="module")
def solved(footage: Footage, kept: Path) -> CameraSolve:
    return solve(footage, SfmSettings(checkpoint=kept))


def poses_of(result: CameraSolve) -> Array:
    assert all(frame.world_from_camera is not None for frame in result.frames)
    return np.stack([frame.world_from_camera for frame in result.frames])  # type: ignore[misc]


def ate_percent(result: CameraSolve, truth: Array) -> float:
    return 100.0 * absolute_trajectory_error(poses_of(result), truth) / path_length(truth[:, :3, 3])


def test_every_frame_is_solved_close_to_the_truth(solved: CameraSolve, footage: Footage) -> None:
    assert [frame.state for frame in solved.frames] == ["solved"] * 20
    assert [frame.number for frame in solved.frames] == list(footage.numbers)
    assert ate_percent(solved, footage.poses) < 0.2
    assert rotation_error_deg(poses_of(solved), footage.poses) < 0.05
    assert abs(solved.lens.focal / K[0, 0] - 1.0) < 0.005
    assert solved.model == "PINHOLE"
    assert solved.focal_source == "solved"


def test_every_frame_says_how_good_it_is(solved: CameraSolve) -> None:
    assert all(frame.points > 100 for frame in solved.frames)
    assert all(frame.error_px is not None and 0.0 < frame.error_px < 0.5 for frame in solved.frames)
    assert len(solved.cloud.xyz) == len(solved.cloud.rgb) == len(solved.cloud.error_px) > 300
    assert set(solved.seconds) == {"tracking", "mapping", "refining", "finishing"}


def test_world_is_upright_and_of_handy_size(solved: CameraSolve, footage: Footage) -> None:
    poses = poses_of(solved)
    up = -poses[:, :3, 1].mean(0)
    assert up[2] / np.linalg.norm(up) > 0.95
    depth = np.linalg.norm(solved.cloud.xyz[None] - poses[:, None, :3, 3], axis=2)
    assert 3.0 < np.median(depth) < 8.0


def test_the_same_seed_gives_the_same_camera(solved: CameraSolve, footage: Footage) -> None:
    again = solve(footage, SfmSettings())
    assert np.array_equal(poses_of(again), poses_of(solved))
    assert again.lens == solved.lens


def test_a_resumed_solve_is_the_same(
    footage: Footage, solved: CameraSolve, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (kept / CHECKPOINT_NAME).is_file()
    monkeypatch.delattr(tracking, "_track")  # nothing is followed again
    resumed = solve(footage, SfmSettings(checkpoint=kept))
    assert np.array_equal(poses_of(resumed), poses_of(solved))


def test_a_given_focal_length_can_be_held(footage: Footage) -> None:
    held = solve(footage, SfmSettings(quality="low", focal_px=430.0, fix_focal=True))
    assert held.lens.focal == 430.0
    assert held.focal_source == "user"
    assert ate_percent(held, footage.poses) < 0.3


def test_a_wrong_focal_length_is_corrected(footage: Footage) -> None:
    found = solve(footage, SfmSettings(quality="low", focal_px=560.0))
    assert abs(found.lens.focal / 430.0 - 1.0) < 0.01
    assert found.focal_source == "solved"


def test_distortion_is_found_when_it_is_there() -> None:
    rng = np.random.default_rng(5)
    footage = render(courtyard(rng), travelling(20, 5), K, SIZE, rng, k1=-0.12)
    result = solve(footage, SfmSettings())
    assert result.model == "BROWN"
    assert abs(result.lens.k1 + 0.12) < 0.015
    assert ate_percent(result, footage.poses) < 0.3


def test_masked_pixels_are_ignored(footage: Footage) -> None:
    mask = np.ones((SIZE[1], SIZE[0]), bool)
    mask[:, 200:320] = False
    result = solve(replace(footage, masks=[mask] * len(footage.frames)), SfmSettings(quality="low"))
    x = result.observations.xy[:, 0]
    assert not ((x > 201) & (x < 319)).any()
    assert ate_percent(result, footage.poses) < 0.5


def test_a_cut_is_named(footage: Footage) -> None:
    rng = np.random.default_rng(9)
    other = render(courtyard(rng), travelling(8, 9), K, SIZE, rng)
    with pytest.raises(CutInClip, match="cut at frame 1009") as caught:
        solve(Footage(footage.frames[:8] + other.frames, footage.poses, K), SfmSettings(quality="low"))
    assert "1008" in caught.value.remedy


def test_a_flash_is_no_cut(footage: Footage) -> None:
    frames = list(footage.frames)
    frames[9] = np.full_like(frames[9], 255)
    result = solve(Footage(frames, footage.poses, K), SfmSettings(quality="low"))
    states = [frame.state for frame in result.frames]
    assert states.count("failed") == 1
    assert states[9] == "failed"
    assert result.frames[9].world_from_camera is None
    assert result.frames[9].cause


@pytest.mark.parametrize("grain", [0.0, 6.0])
def test_a_featureless_picture_says_so(grain: float) -> None:
    rng = np.random.default_rng(10)
    flat = [np.clip(128 + rng.normal(0, grain, (*SIZE[::-1], 3)), 0, 255).astype(np.uint8) for _ in range(8)]
    with pytest.raises(TooFewFeatures):
        solve(Footage(flat, np.zeros((8, 4, 4)), K), SfmSettings(quality="low"))


def test_two_frames_are_too_short(footage: Footage) -> None:
    with pytest.raises(ClipTooShort, match="2 frames"):
        solve(Footage(footage.frames[:2], footage.poses, K), SfmSettings())


class Impatient:
    """Cancels as soon as tracking is over."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int]] = []

    def progress(
        self, done: int, total: int, frame: int | None = None, note: str = "", frames: tuple[int, int] = (0, 0)
    ) -> None:
        self.told.append((done, total))

    def check_cancelled(self) -> None:
        raise JobCancelled("enough")


def test_a_cancel_passes_through(footage: Footage) -> None:
    observer = Impatient()
    with pytest.raises(JobCancelled):
        solve(footage, SfmSettings(quality="low"), observer)
    done = [d for d, _ in observer.told]
    assert done == sorted(done)
    assert done[-1] <= observer.told[-1][1]
