"""Tracks that slide are told from tracks that move by what the picture shows where they would stand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.sfm.frames import Flags, Floats
from backend.sfm.scene import Lens, Scene, empty_scene
from backend.sfm.sliding import without_sliders
from backend.sfm.track_motion import judge_tracks
from backend.sfm.tracks import Tracks, build_tracks
from tests.quality.synthetic_set import Footage

WIDTH, HEIGHT, FRAMES = 320, 180, 8
STEP_PX = 3.0


def standing() -> Scene:
    """A camera that stands: every place is seen at the same pixel in all frames."""
    scene = empty_scene(Lens(300.0, WIDTH / 2, HEIGHT / 2), FRAMES, 0)
    for frame in range(FRAMES):
        scene = scene.with_pose(frame, np.eye(3), np.zeros(3))
    return scene


def going_right(where: Floats) -> Tracks:
    """Tracks that stand on a grid, and those from `where` [N, 2] on that go right."""
    x, y = np.meshgrid(np.linspace(20, WIDTH - 20, 16), np.linspace(20, HEIGHT / 2 - 10, 6))
    still = np.stack([x.ravel(), y.ravel()], 1)
    start, speed = np.concatenate([still, where]), np.r_[np.zeros(len(still)), np.full(len(where), STEP_PX)]
    track, frame = np.repeat(np.arange(len(start)), FRAMES), np.tile(np.arange(FRAMES), len(start))
    jitter = np.random.default_rng(2).normal(0.0, 0.1, (len(track), 2))
    xy = start[track] + np.stack([speed[track] * frame, np.zeros(len(track))], 1) + jitter
    return build_tracks(track, frame, xy, np.full(len(track), 0.1), FRAMES)


def pictures(line: bool) -> Footage:
    """Noise above; below, a line from side to side, or a textured thing that goes right."""
    rng = np.random.default_rng(1)
    wall = np.kron(rng.integers(60, 200, (HEIGHT // 4, WIDTH // 2)), np.ones((4, 2))).astype(np.uint8)
    frames: list[NDArray[np.uint8]] = []
    for frame in range(FRAMES):
        gray = wall.copy()
        gray[HEIGHT // 2 :] = 90
        if line:
            gray[135:139] = 220
        else:
            gray[115:160] = np.roll(wall[15:60], round(STEP_PX * frame), axis=1)
        grain = rng.normal(0.0, 1.0, gray.shape)
        frames.append(np.repeat(np.clip(gray + grain, 0, 255).astype(np.uint8)[..., None], 3, axis=2))
    return Footage(frames, np.repeat(np.eye(4)[None], FRAMES, axis=0), np.eye(3))


def called_moving(line: bool) -> tuple[Flags, int]:
    below = np.stack([np.linspace(40, 240, 24), np.full(24, 137.0)], 1)
    tracks = going_right(below)
    scene = standing()
    motion = judge_tracks(scene, tracks, 1.0, float(np.hypot(WIDTH, HEIGHT)))
    assert motion.moving[-24:].mean() > 0.9
    return without_sliders(pictures(line), scene, tracks, motion, 1.0, lambda: None).moving, tracks.count - 24


def test_tracks_that_slide_along_a_line_do_not_move() -> None:
    moving, still = called_moving(line=True)
    assert moving[still:].mean() < 0.1


def test_tracks_on_something_that_passes_do() -> None:
    moving, still = called_moving(line=False)
    assert moving[still:].mean() > 0.9
    assert not moving[:still].any()
