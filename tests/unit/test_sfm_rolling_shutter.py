"""A rolling shutter is found, given or absent, on exact tracks of a shaking camera."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from backend.sfm.frames import Floats
from backend.sfm.refine import Refined, RefineSettings, first_fit, refine
from backend.sfm.rolling_shutter import motion_of, rectified, row_shift
from backend.sfm.scene import Scene
from backend.sfm.settings import SfmSettings
from backend.sfm.shutter_solve import Shutter, with_shutter
from backend.sfm.solver import solve_tracks
from tests.unit.rolling_scene import LENS, Handheld, scene_of, seen_by_rows
from tests.unit.sfm_scene import aligned_error, shaken

OPTIONS = RefineSettings(2, 20, True, None, "auto", 1.0)
HEIGHT, FPS = 360, 25.0


def nothing() -> None:
    return None


@functools.cache
def globally(seed: int, readout: float) -> tuple[Scene, Refined]:
    """The truth, and what a solve without a rolling shutter makes of its rolling tracks."""
    camera = Handheld(seed)
    truth = scene_of(camera, seed=seed)
    tracks = seen_by_rows(truth, camera, readout, 0.1, seed)
    scene, bundle = first_fit(shaken(truth, amount=0.01), tracks, OPTIONS, nothing)
    return truth, refine(scene, tracks, OPTIONS, bundle, nothing)


def drift(found: Scene, truth: Scene) -> float:
    """ATE, per cent of the path."""
    path = np.linalg.norm(np.diff(truth.centres, axis=0), axis=1).sum()
    return 100.0 * aligned_error(found, truth) / float(path)


def test_a_cameras_motion_is_its_derivative() -> None:
    camera = Handheld(4)
    scene, h = scene_of(camera, points=3), 1e-4
    motion, at = motion_of(scene), np.arange(40.0)
    (before, there), (after, here) = camera.pose(at - h), camera.pose(at + h)
    odd = after @ before.transpose(0, 2, 1)
    turn = np.stack([odd[:, 2, 1] - odd[:, 1, 2], odd[:, 0, 2] - odd[:, 2, 0], odd[:, 1, 0] - odd[:, 0, 1]], 1) / (
        4 * h
    )
    speed = (here - there) / (2 * h)
    inner = slice(2, -2)
    assert np.abs(motion.turn - turn)[inner].max() < 0.03 * np.abs(turn).max()
    assert np.abs(motion.speed - speed)[inner].max() < 0.03 * np.abs(speed).max()


def test_taking_the_rows_shift_off_gives_global_tracks() -> None:
    camera = Handheld(5)
    truth = scene_of(camera)
    rolling, still = (seen_by_rows(truth, camera, readout, 0.0) for readout in (0.7, 0.0))
    keys = [tracks.track * tracks.frames + tracks.frame for tracks in (rolling, still)]
    _, mine, theirs = np.intersect1d(*keys, return_indices=True)
    inner = (rolling.frame[mine] > 1) & (rolling.frame[mine] < 38)
    fixed = rectified(truth, rolling, rolling.xy, 0.7, HEIGHT)
    before = np.linalg.norm(rolling.xy[mine] - still.xy[theirs], axis=1)[inner]
    after = np.linalg.norm(fixed.xy[mine] - still.xy[theirs], axis=1)[inner]
    assert np.median(before) > 0.5
    assert before.max() > 2.0
    assert after.max() < 0.1
    assert np.abs(row_shift(truth, rolling, rolling.xy, 0.0, HEIGHT)).max() == 0.0


@pytest.mark.parametrize("seed, readout", [(0, 0.3), (1, 0.8), (2, -0.5)])
def test_the_readout_is_found_and_the_camera_with_it(seed: int, readout: float) -> None:
    truth, plain = globally(seed, readout)
    found = with_shutter(plain, OPTIONS, Shutter(None, FPS, HEIGHT, True), nothing)
    assert abs(found.facts["readout_share"] / readout - 1.0) < 0.03
    assert found.facts["readout_ms"] == pytest.approx(40.0 * found.facts["readout_share"])
    assert drift(plain.scene, truth) > 0.1
    assert drift(found.scene, truth) < min(0.03, 0.1 * drift(plain.scene, truth))
    assert abs(found.scene.lens.focal / LENS.focal - 1.0) < 0.003
    assert found.scene.lens.distortion.nothing
    assert found.measured is not None
    assert np.array_equal(found.measured, plain.everything.xy)


def test_a_readout_that_is_known_is_kept() -> None:
    truth, plain = globally(1, 0.8)
    found = with_shutter(plain, OPTIONS, Shutter(32.0, FPS, HEIGHT, True), nothing)
    assert found.facts["readout_share"] == pytest.approx(0.8)
    assert drift(found.scene, truth) < 0.03


def test_a_global_shutter_stays_one_bit_by_bit() -> None:
    _, plain = globally(3, 0.0)
    found = with_shutter(plain, OPTIONS, Shutter(None, FPS, HEIGHT, True), nothing)
    assert found.facts["readout_ms"] == 0.0
    assert found.facts["readout_ms_sd"] < 0.5
    assert found.scene is plain.scene
    assert found.tracks is plain.tracks


def test_missing_frames_are_bridged() -> None:
    camera = Handheld(6)
    truth = scene_of(camera, points=3)
    holed = replace(truth, posed=~np.isin(np.arange(40), [0, 7, 8, 20, 39]))
    ours, theirs = motion_of(holed), motion_of(truth)
    assert np.abs(ours.turn - theirs.turn)[holed.posed].max() < 0.5 * np.abs(theirs.turn).max()
    assert not ours.turn[~holed.posed].any()


@dataclass(frozen=True)
class Noise:
    """Forty pictures of nothing but grain."""

    width: int = 640
    height: int = 360

    @property
    def numbers(self) -> range:
        return range(1, 41)

    def gray(self, index: int) -> NDArray[np.uint8]:
        return np.random.default_rng(index).integers(0, 255, (self.height, self.width), np.uint8)

    def rgb(self, index: int) -> NDArray[np.uint8]:
        return np.repeat(self.gray(index)[..., None], 3, axis=2)

    def usable(self, index: int) -> None:
        return None


def test_the_whole_solve_reports_the_readout() -> None:
    camera = Handheld(7)
    truth = scene_of(camera, seed=7)
    tracks = seen_by_rows(truth, camera, 0.6, 0.1, 7)
    settings = SfmSettings(rolling_shutter="auto", fps=FPS)
    result = solve_tracks(tracks, Noise(), settings)
    assert abs(result.facts["readout_ms"] - 24.0) < 1.0
    assert result.tracks is not None
    assert np.array_equal(result.tracks.xy, tracks.xy)
    centres: Floats = np.stack([f.world_from_camera[:3, 3] for f in result.frames if f.world_from_camera is not None])
    found = replace(truth, rotation=np.tile(np.eye(3), (40, 1, 1)), translation=-centres)
    assert drift(found, truth) < 0.05
