"""A hand-held camera whose rows are read one after the other, with its exact tracks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.sfm.frames import Floats
from backend.sfm.rotations import exponential
from backend.sfm.scene import Lens, Scene, empty_scene
from backend.sfm.tracks import Tracks, build_tracks

LENS = Lens(600.0, 320.0, 180.0)


class Handheld:
    """A camera that walks sideways and shakes, for any time in frames. seed: of the shake."""

    def __init__(self, seed: int, step: float = 0.06, shake_deg: float = 1.2) -> None:
        rng = np.random.default_rng(seed)
        self._rate = rng.uniform(0.15, 0.8, (3, 3))  # radians a frame: 0.6 to 3 Hz at 24 frames a second
        self._phase = rng.uniform(0.0, 2.0 * np.pi, (3, 3))
        self._turn = np.radians(shake_deg) * rng.uniform(0.4, 1.0, (3, 3)) / self._rate * 0.3
        self._step = step

    def pose(self, time: Floats) -> tuple[Floats, Floats]:
        """camera_from_world: rotation [N, 3, 3] and centre [N, 3]."""
        wave = np.sin(time[:, None, None] * self._rate + self._phase)
        turn = (self._turn * wave).sum(2)
        walk = self._step * np.stack([time, 0.1 * np.sin(0.4 * time), 0.3 * time], 1)
        return exponential(turn), walk + 0.3 * self._step * wave[:, :, 0]


def scene_of(camera: Handheld, frames: int = 40, points: int = 500, seed: int = 0) -> Scene:
    """The truth at each frame's own time; everything is known."""
    rng = np.random.default_rng(seed)
    rotation, centres = camera.pose(np.arange(frames, dtype=np.float64))
    far = camera.pose(np.array([float(frames)]))[1][0, 0]
    cloud = rng.uniform([-3.5, -2.2, 3.0], [3.5 + far, 2.2, 9.0], (points, 3))
    return replace(
        empty_scene(LENS, frames, points), rotation=rotation, translation=-np.einsum("fij,fj->fi", rotation, centres),
        posed=np.ones(frames, bool), points=cloud, known=np.ones(points, bool),
    )  # fmt: skip


def seen_by_rows(scene: Scene, camera: Handheld, readout: float, noise_px: float = 0.1, seed: int = 1) -> Tracks:
    """What a sensor sees whose row y is read at readout * (y / height - 1/2) frames after the frame's time."""
    rng = np.random.default_rng(seed)
    frames, points, height = len(scene.posed), len(scene.known), 2.0 * LENS.cy
    track, frame = np.repeat(np.arange(points), frames), np.tile(np.arange(frames), points)
    xy = np.tile([LENS.cx, LENS.cy], (len(track), 1))
    for _ in range(12):
        rotation, centre = camera.pose(frame + readout * (xy[:, 1] / height - 0.5))
        in_camera = np.einsum("mij,mj->mi", rotation, scene.points[track] - centre)
        xy = LENS.project(in_camera)
    xy = xy + rng.normal(0.0, noise_px, xy.shape)
    inside = (in_camera[:, 2] > 0) & (xy > 0).all(1) & (xy < [2.0 * LENS.cx, height]).all(1)
    sigma = np.full(int(inside.sum()), max(noise_px, 0.02))
    return replace(build_tracks(track[inside], frame[inside], xy[inside], sigma, frames), count=points)
