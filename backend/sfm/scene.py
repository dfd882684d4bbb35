"""What the mapper builds: the lens, camera poses and points, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .distortion import Brown
from .frames import Flags, Floats, Indices
from .spans import Spans


@dataclass(frozen=True)
class Lens:
    """A lens: COLMAP's OPENCV model (distortion.py), px of the plate, edges at integers.

    aspect: fy / fx (pixel aspect of the plate); 1 for square pixels. A lens that zooms keeps all but its focal length:
    the methods take focal lengths [N], one for each pixel, in place of the lens's own.
    """

    focal: float
    cx: float
    cy: float
    k1: float = 0.0
    k2: float = 0.0
    aspect: float = 1.0
    p1: float = 0.0
    p2: float = 0.0

    @property
    def distortion(self) -> Brown:
        return Brown(self.k1, self.k2, self.p1, self.p2)

    def normalised(self, xy: Floats, focal: Floats | None = None) -> Floats:
        """Undistorted normalised coordinates [N, 2] of pixels [N, 2]."""
        return self.distortion.straightened((xy - [self.cx, self.cy]) / self.scale(focal))

    def project(self, camera: Floats, focal: Floats | None = None) -> Floats:
        """Pixels [N, 2] of camera-space points [N, 3]."""
        bent = self.distortion.bent(camera[:, :2] / camera[:, 2:])
        pixels: Floats = bent * self.scale(focal) + np.array([self.cx, self.cy])
        return pixels

    def scale(self, focal: Floats | None = None) -> Floats:
        """fx and fy [2] of the lens; with focal lengths [N] of a zoom, [N, 2]."""
        if focal is None:
            return np.array([self.focal, self.focal * self.aspect])
        return np.stack([focal, focal * self.aspect], 1)


@dataclass(frozen=True)
class Scene:
    """rotation [F, 3, 3] and translation [F, 3]: camera_from_world of every frame; posed [F]: which of them
    are known. points [T, 3] by track number; known [T]: which of them are. zoom [F]: focal length of every frame,
    px, or None when the lens does not zoom: then lens.focal is the one of all frames, bit by bit. With a zoom
    lens.focal is the geometric mean of the posed frames', good for tolerances and nothing else: use `project`,
    `normalised` and `lens_of`, which are right for both. spans: which frames share a centre or a pose, or None when
    all travel. distant [T]: points that are directions seen from one span (spans.py); all False without spans."""

    lens: Lens
    rotation: Floats
    translation: Floats
    posed: Flags
    points: Floats
    known: Flags
    zoom: Floats | None = None
    spans: Spans | None = None
    distant: Flags | None = None

    @property
    def far(self) -> Flags:
        """bool [T]: which points have a direction and no depth."""
        return np.zeros(len(self.known), bool) if self.distant is None else self.distant

    @property
    def focals(self) -> Floats:
        """Focal length [F] of every frame, px: all the same without a zoom."""
        return np.full(len(self.posed), self.lens.focal) if self.zoom is None else self.zoom

    def lens_of(self, frame: int) -> Lens:
        """The lens of one frame."""
        return self.lens if self.zoom is None else replace(self.lens, focal=float(self.zoom[frame]))

    def project(self, camera: Floats, frame: Indices) -> Floats:
        """Pixels [N, 2] of camera-space points [N, 3] in the frames [N]."""
        return self.lens.project(camera, None if self.zoom is None else self.zoom[frame])

    def normalised(self, xy: Floats, frame: Indices) -> Floats:
        """Undistorted normalised coordinates [N, 2] of pixels [N, 2] of the frames [N]."""
        return self.lens.normalised(xy, None if self.zoom is None else self.zoom[frame])

    def with_focals(self, focals: Floats) -> Scene:
        """The scene with a zoom: focal length [F] of every frame, px."""
        counted = focals[self.posed] if self.posed.any() else focals
        return replace(self, zoom=focals, lens=replace(self.lens, focal=float(np.exp(np.log(counted).mean()))))

    @property
    def centres(self) -> Floats:
        """Camera centres [F, 3] in the world."""
        centres: Floats = -np.einsum("fji,fj->fi", self.rotation, self.translation)
        return centres

    def camera_points(self, track: Indices, frame: Indices) -> Floats:
        """Points `track` [M] in the axes of the cameras `frame` [M]: [M, 3]."""
        turned: Floats = np.einsum("mij,mj->mi", self.rotation[frame], self.points[track])
        return turned + self.translation[frame]

    def world_rays(self, xy: Floats, frame: Indices) -> Floats:
        """Unit directions [M, 3] in the world of pixels xy [M, 2] of the frames `frame` [M]."""
        flat = self.normalised(xy, frame)
        rays = np.concatenate([flat, np.ones((len(flat), 1))], 1)
        rays /= np.linalg.norm(rays, axis=1, keepdims=True)
        turned: Floats = np.einsum("mji,mj->mi", self.rotation[frame], rays)
        return turned

    def with_pose(self, frame: int, rotation: Floats, translation: Floats, focal: float | None = None) -> Scene:
        """The scene with a pose of one frame, and with its focal length (px) when the lens zooms."""
        turns, moves, posed = self.rotation.copy(), self.translation.copy(), self.posed.copy()
        turns[frame], moves[frame], posed[frame] = rotation, translation, True
        placed = replace(self, rotation=turns, translation=moves, posed=posed)
        if self.zoom is None or focal is None:
            return placed
        focals = self.zoom.copy()
        focals[frame] = focal
        return placed.with_focals(focals)


def empty_scene(lens: Lens, frames: int, tracks: int) -> Scene:
    """Nothing known."""
    return Scene(
        lens,
        np.broadcast_to(np.eye(3), (frames, 3, 3)).copy(),
        np.zeros((frames, 3)),
        np.zeros(frames, bool),
        np.zeros((tracks, 3)),
        np.zeros(tracks, bool),
    )
