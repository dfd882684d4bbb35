"""Engine sfm-learned behind its models: matches made from the truth, with noise and wrong ones, go through the same
functions that a model's matches go through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from backend.sfm.frames import WorkingFrame
from backend.sfm.result import CameraSolve
from backend.sfm.settings import SfmSettings
from backend.sfm_learned.engine import solve_learned
from backend.sfm_learned.matches import PairMatches
from shared.errors import CutInClip, OutOfMemory
from tests.benchmarks.scoring import umeyama
from tests.quality.synthetic_set import Footage, courtyard, intrinsics, look, render

Array = NDArray[np.float64]
SIZE, FRAMES = (384, 216), 18


@dataclass
class TruthMatcher:
    """Matches of points of the set. noise_px: of each place in each pair anew; shift_px: the same everywhere; wrong:
    share of matches that go anywhere; grid_px: the places lie on a grid, as those of a matcher without a detector."""

    footage: Footage
    points: Array
    noise_px: float = 0.7
    shift_px: float = 0.0
    wrong: float = 0.2
    merge_px: float = 2.5
    sigma_px: float = 1.0
    batch: int = 4
    name: str = "truth"
    fits: int = 1 << 30
    fits_width: int = 1 << 30
    blind: frozenset[int] = frozenset()
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(5))

    def describe(self, frame: WorkingFrame) -> tuple[int, int]:
        return frame.index, frame.gray.shape[1]

    def match(self, pairs: Sequence[tuple[Any, Any]]) -> list[PairMatches]:
        if len(pairs) > self.fits or pairs[0][0][1] > self.fits_width:
            raise MemoryError
        return [self._pair(a[0], b[0], a[1] / self.footage.width) for a, b in pairs]

    def _pair(self, a: int, b: int, scale: float) -> PairMatches:
        (seen_a, in_a), (seen_b, in_b) = self._seen(a), self._seen(b)
        both = in_a & in_b & (not (a < min(self.blind, default=1 << 30) <= b))
        xy_a, xy_b = seen_a[both] * scale, seen_b[both] * scale
        lost = self.rng.random(len(xy_b)) < self.wrong
        xy_b[lost] = self.rng.uniform([0, 0], np.array(SIZE) * scale, (int(lost.sum()), 2))
        noise = self.rng.normal(self.shift_px, self.noise_px, (2, len(xy_a), 2))
        return PairMatches(xy_a + noise[0], xy_b + noise[1], self.rng.uniform(0.2, 1.0, len(xy_a)))

    def _seen(self, index: int) -> tuple[Array, NDArray[np.bool_]]:
        pose, K = self.footage.poses[index], self.footage.K
        camera = (self.points - pose[:3, 3]) @ pose[:3, :3]
        xy = camera[:, :2] / np.maximum(camera[:, 2:], 1e-6) * K[[0, 1], [0, 1]] + K[:2, 2]
        inside = (camera[:, 2] > 0.1) & (xy > 3).all(1) & (xy < np.array(SIZE) - 3).all(1)
        return xy, inside


def _footage() -> tuple[Footage, Array]:
    """The courtyard and points on the surfaces that its frames see."""
    rng = np.random.default_rng(3)
    planes = courtyard(rng)
    steps = np.linspace(0.0, 1.0, FRAMES)
    eyes = np.stack([-1.5 + 2.5 * steps, -2.0 + 0.4 * steps, np.full(FRAMES, 1.6)], 1)
    poses = np.stack([look(eye, np.array([0.4 * s, 5.5, 1.0])) for eye, s in zip(eyes, steps, strict=True)])
    footage = render(planes, poses, intrinsics(330.0, *SIZE), SIZE, rng)
    return footage, _visible_points(planes, footage, rng)


def _visible_points(planes: list[Any], footage: Footage, rng: np.random.Generator) -> Array:
    """Points of the frontmost surfaces of every fourth frame."""
    found = []
    for pose in footage.poses[::4]:
        pixel = rng.uniform([4, 4], np.array(SIZE) - 4, (120, 2))
        ray = np.concatenate([(pixel - footage.K[:2, 2]) / footage.K[[0, 1], [0, 1]], np.ones((len(pixel), 1))], 1)
        world = ray @ pose[:3, :3].T
        nearest = np.full(len(pixel), np.inf)
        for plane in planes:
            axes = np.linalg.inv(np.stack([plane.along, plane.across, np.cross(plane.along, plane.across)], 1))
            start, step = axes @ (pose[:3, 3] - plane.corner), world @ axes.T
            depth = -start[2] / np.where(np.abs(step[:, 2]) < 1e-9, 1e-9, step[:, 2])
            where = start[:2] + depth[:, None] * step[:, :2]
            hit = (depth > 0) & (where >= 0).all(1) & (where < 1).all(1) & (depth < nearest)
            nearest[hit] = depth[hit]
        seen = np.isfinite(nearest)
        found.append(pose[:3, 3] + world[seen] * nearest[seen, None])
    return np.concatenate(found)


@pytest.fixture(scope="module")
def courtyard_clip() -> tuple[Footage, Array]:
    return _footage()


def _ate_percent(solved: CameraSolve, footage: Footage) -> float:
    found = np.stack([frame.world_from_camera[:3, 3] for frame in solved.frames])
    truth = footage.poses[:, :3, 3]
    left = umeyama(found, truth).points(found) - truth
    path = float(np.linalg.norm(np.diff(truth, axis=0), axis=1).sum())
    return 100.0 * float(np.sqrt((left**2).sum(1).mean())) / path


@pytest.fixture(scope="module")
def plain_solve(courtyard_clip: tuple[Footage, Array]) -> CameraSolve:
    footage, points = courtyard_clip
    return solve_learned(footage, SfmSettings(), TruthMatcher(footage, points))


def test_noisy_matches_with_a_fifth_wrong_give_the_camera(
    plain_solve: CameraSolve, courtyard_clip: tuple[Footage, Array]
) -> None:
    assert plain_solve.solved == FRAMES
    assert _ate_percent(plain_solve, courtyard_clip[0]) < 0.05
    assert abs(plain_solve.lens.focal / 330.0 - 1.0) < 0.005
    assert {"matching", "aligning", "mapping", "refining"} <= set(plain_solve.seconds)


def test_the_same_matches_and_seed_give_the_same_camera(
    plain_solve: CameraSolve, courtyard_clip: tuple[Footage, Array]
) -> None:
    footage, points = courtyard_clip
    again = solve_learned(footage, SfmSettings(), TruthMatcher(footage, points))
    for a, b in zip(plain_solve.frames, again.frames, strict=True):
        assert np.array_equal(a.world_from_camera, b.world_from_camera)


def test_a_constant_offset_of_the_keypoints_does_no_harm(courtyard_clip: tuple[Footage, Array]) -> None:
    footage, points = courtyard_clip
    solved = solve_learned(footage, SfmSettings(), TruthMatcher(footage, points, shift_px=1.5))
    assert solved.solved == FRAMES
    assert _ate_percent(solved, footage) < 0.05


def test_too_little_memory_means_fewer_pairs_then_smaller_pictures(courtyard_clip: tuple[Footage, Array]) -> None:
    footage, points = courtyard_clip
    heard: list[str] = []
    matcher = TruthMatcher(footage, points, fits=1, fits_width=300)
    solved = solve_learned(footage, SfmSettings(), matcher, notice=heard.append)
    assert solved.solved == FRAMES
    assert _ate_percent(solved, footage) < 0.5
    assert "match frames at 384 px: 288 px" in heard[-1 - ("1 from now on" in heard[-1])]
    assert any("1 from now on" in sentence for sentence in heard)


def test_a_device_that_fits_nothing_is_an_error_with_a_remedy(courtyard_clip: tuple[Footage, Array]) -> None:
    footage, points = courtyard_clip
    with pytest.raises(OutOfMemory, match="--device cpu"):
        solve_learned(footage, SfmSettings(), TruthMatcher(footage, points, fits=0))


def test_a_cut_is_named(courtyard_clip: tuple[Footage, Array]) -> None:
    footage, points = courtyard_clip
    with pytest.raises(CutInClip) as error:
        solve_learned(footage, SfmSettings(), TruthMatcher(footage, points, blind=frozenset({12})))
    assert error.value.details["frame"] == footage.numbers[12]
