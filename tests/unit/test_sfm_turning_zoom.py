"""A tripod whose lens zooms, on made-up tracks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.sfm.bundle import BundleSettings, adjust
from backend.sfm.initial import look_at_pairs
from backend.sfm.motion_model import MotionChoice, choose_motion
from backend.sfm.rotations import exponential
from backend.sfm.scene import Scene
from backend.sfm.tracks import Tracks
from backend.sfm.turning_zoom import zooming_scene
from tests.unit.sfm_scene import LENS, seen, travelling

NOISE = 0.15
FRAMES = 16
SIGMA = 0.35


def nothing() -> None:
    return None


def tripod(degrees: float, ratio: float) -> Scene:
    """A camera that pans by `degrees` and zooms by `ratio` over the clip."""
    still = travelling(FRAMES, points=500, step=0.0)
    angle = np.radians(degrees) * np.linspace(0.0, 1.0, FRAMES)
    turned = replace(still, rotation=exponential(np.stack([0.3 * angle, angle, 0.0 * angle], 1)))
    return turned.with_focals(600.0 * np.exp(np.log(ratio) * np.linspace(0.0, 1.0, FRAMES)))


def chosen(tracks: Tracks) -> MotionChoice:
    views = look_at_pairs(tracks, list(range(0, FRAMES, 2)), SIGMA, nothing)
    return choose_motion(tracks, views, replace(LENS, focal=768.0), SIGMA, nothing, focal_known=False)


@pytest.mark.parametrize("degrees", [0.0, 15.0])
def test_a_tripod_zoom_is_neither_a_movement_nor_a_plain_pan(degrees: float) -> None:
    motion = chosen(seen(tripod(degrees, 1.5), NOISE))
    assert motion.model == "nodal"
    assert motion.zooms
    assert motion.gric_turning < motion.gric_travelling


@pytest.mark.parametrize("degrees", [0.0, 15.0])
def test_a_tripod_without_a_zoom_has_one_lens(degrees: float) -> None:
    assert not chosen(seen(tripod(degrees, 1.0), NOISE)).zooms


def test_a_movement_with_a_zoom_is_no_tripod() -> None:
    truth = travelling(FRAMES, points=500, turn=0.01, step=0.08)
    assert chosen(seen(truth.with_focals(np.linspace(600.0, 800.0, FRAMES)), NOISE)).model == "full"


def test_the_zoom_of_a_pan_is_solved() -> None:
    truth = tripod(25.0, 1.5)
    tracks = seen(truth, NOISE)
    scene = zooming_scene(tracks, replace(LENS, focal=768.0), SIGMA, nothing)
    assert scene.posed.all()
    assert abs(scene.focals[-1] / scene.focals[0] / 1.5 - 1.0) < 0.05
    scene, _ = adjust(scene, tracks, BundleSettings(iterations=40, scale_px=2.0, tolerance=1e-7))
    assert np.abs(scene.focals / truth.focals - 1.0).max() < 0.01
    assert np.ptp(scene.centres, axis=0).max() < 1e-9
