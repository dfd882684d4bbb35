"""A camera that turns and does not travel, or does not even turn: its first scene.

Rotations are chained through the directions of the tracks: every frame is turned onto what is known, by most of its
rays (`ray_rotation.py`), and adds its own. Bundle adjustment then takes over, over rotations and directions with one
lens: Hartley, "Self-calibration of stationary cameras", IJCV 1997; the start as in Brown & Lowe, "Automatic panoramic
image stitching using invariant features", IJCV 2007.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .frames import Flags, Floats, Indices
from .ray_rotation import fit_rotation, unit_rays
from .scene import Lens, Scene, empty_scene
from .spans import whole_clip
from .tracks import Tracks
from .triangulation import triangulate

LEAST_RAYS = 12
_LEAST_AGREE = 0.3
"""Least share of a frame's known directions that must agree with its rotation."""


def locked_scene(tracks: Tracks, lens: Lens, noise_px: float) -> Scene:
    """One pose for all frames that see anything, and the directions of the tracks that stay where they are."""
    scene = replace(empty_scene(lens, tracks.frames, tracks.count), spans=whole_clip("locked", tracks.frames))
    return with_directions(replace(scene, posed=tracks.per_frame() >= LEAST_RAYS), tracks, noise_px)


def turning_scene(tracks: Tracks, lens: Lens, noise_px: float, checkpoint: Callable[[], None]) -> Scene:
    """A rotation for every frame that agrees with others, and directions. The lens is only as good as it was given."""
    scene = replace(empty_scene(lens, tracks.frames, tracks.count), spans=whole_clip("nodal", tracks.frames))
    chain = RotationChain(tracks, lens, noise_px)
    start = int(np.argmax(tracks.per_frame()))
    chain.begin(start, np.eye(3))
    for frame in (*range(start + 1, tracks.frames), *range(start - 1, -1, -1)):
        checkpoint()
        chain.add(frame)
    rotation = np.where(chain.posed[:, None, None], chain.rotation, np.eye(3))
    return with_directions(replace(scene, rotation=rotation, posed=chain.posed), tracks, noise_px)


def with_directions(scene: Scene, tracks: Tracks, noise_px: float) -> Scene:
    """The scene with every track placed that its frames agree on."""
    everything = np.ones(tracks.count, bool)
    return triangulate(scene, tracks, wanted=everything, least_angle_deg=1.0, most_error_px=8.0 * noise_px)


@dataclass
class RotationChain:
    """Rotations camera_from_world of frames that share a centre, found one after the other."""

    tracks: Tracks
    lens: Lens
    noise_px: float

    def __post_init__(self) -> None:
        self.rotation: Floats = np.broadcast_to(np.eye(3), (self.tracks.frames, 3, 3)).copy()
        self.posed: Flags = np.zeros(self.tracks.frames, bool)
        self._sum: Floats = np.zeros((self.tracks.count, 3))

    def begin(self, frame: int, rotation: Floats) -> None:
        """Takes the rotation of a frame as known."""
        rows = self.tracks.rows_of(frame)
        self._place(frame, rotation, rows, np.ones(len(rows), bool))

    def add(self, frame: int) -> bool:
        """Finds the rotation of a frame from the directions that are known; False when too few agree on one."""
        rows = self.tracks.rows_of(frame)
        known = self._sum[self.tracks.track[rows]].any(1)
        if known.sum() < LEAST_RAYS:
            return False
        there = self._sum[self.tracks.track[rows[known]]]
        there /= np.linalg.norm(there, axis=1, keepdims=True)
        here = self._rays(rows)
        turn = fit_rotation(there, here[known])
        agree = np.linalg.norm(there @ turn.T - here[known], axis=1) * self.lens.focal < 6.0 * self.noise_px
        if agree.sum() < max(LEAST_RAYS, _LEAST_AGREE * len(agree)):
            return False
        good = np.logical_not(known)
        good[known] = agree
        self._place(frame, turn, rows, good)
        return True

    def _place(self, frame: int, rotation: Floats, rows: Indices, good: Flags) -> None:
        self.rotation[frame], self.posed[frame] = rotation, True
        self._sum[self.tracks.track[rows[good]]] += self._rays(rows[good]) @ rotation

    def _rays(self, rows: Indices) -> Floats:
        return unit_rays(self.lens.normalised(self.tracks.xy[rows]))
