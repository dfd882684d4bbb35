"""Points and cameras made up with numpy, and the tracks they would leave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.sfm.frames import Floats
from backend.sfm.rotations import exponential
from backend.sfm.scene import Lens, Scene, empty_scene
from backend.sfm.tracks import Tracks, build_tracks

LENS = Lens(600.0, 320.0, 180.0)


def travelling(
    frames: int = 12, points: int = 200, lens: Lens = LENS, seed: int = 0, step: float = 0.15, turn: float = 0.01
) -> Scene:
    """A camera that moves sideways and turns a little past a cloud 3-9 units away; everything is known."""
    rng = np.random.default_rng(seed)
    scene = empty_scene(lens, frames, points)
    rotation = exponential(
        np.stack([turn * np.sin(np.arange(frames)), turn * np.arange(frames), 0.0 * np.arange(frames)], 1)
    )
    centres = np.stack(
        [step * np.arange(frames), 0.1 * step * np.sin(np.arange(frames)), 0.3 * step * np.arange(frames)], 1
    )
    cloud = rng.uniform([-3.0, -2.0, 3.0], [4.5, 2.0, 9.0], (points, 3))
    return replace(
        scene, rotation=rotation, translation=-np.einsum("fij,fj->fi", rotation, centres),
        posed=np.ones(frames, bool), points=cloud, known=np.ones(points, bool),
    )  # fmt: skip


def seen(scene: Scene, noise_px: float = 0.0, seed: int = 1) -> Tracks:
    """What every camera sees of the points, within the picture."""
    rng = np.random.default_rng(seed)
    frames, points = len(scene.posed), len(scene.known)
    track, frame = np.repeat(np.arange(points), frames), np.tile(np.arange(frames), points)
    camera = scene.camera_points(track, frame)
    xy = scene.project(camera, frame) + rng.normal(0.0, noise_px, (len(track), 2)) * (noise_px > 0)
    inside = (camera[:, 2] > 0) & (xy > 0).all(1) & (xy < [2 * scene.lens.cx, 2 * scene.lens.cy]).all(1)
    sigma = np.full(int(inside.sum()), max(noise_px, 0.1))
    return replace(build_tracks(track[inside], frame[inside], xy[inside], sigma, frames), count=points)


def shaken(scene: Scene, seed: int = 2, amount: float = 0.02) -> Scene:
    """The scene a little wrong everywhere."""
    rng = np.random.default_rng(seed)
    return replace(
        scene,
        rotation=exponential(rng.normal(0.0, 0.3 * amount, (len(scene.posed), 3))) @ scene.rotation,
        translation=scene.translation + rng.normal(0.0, amount, scene.translation.shape),
        points=scene.points + rng.normal(0.0, 3 * amount, scene.points.shape),
    )


def aligned_error(found: Scene, truth: Scene) -> float:
    """RMSE of the camera centres after the best similarity."""
    from tests.benchmarks.scoring import umeyama

    gauge = umeyama(found.centres, truth.centres)
    left: Floats = gauge.points(found.centres) - truth.centres
    return float(np.sqrt((left**2).sum(1).mean()))
