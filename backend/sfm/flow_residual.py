"""How badly a static world explains the optical flow of a picture, pixel by pixel.

The camera is known, the depth of a pixel is not. One inverse depth per pixel is fitted to the flow towards several
other frames at once (plane-free "plane + parallax": Irani & Anandan, "A Unified Approach to Moving Object Detection in
2D and 3D Scenes", PAMI 1998; the flow's angle for a moving camera as in Bideau & Learned-Miller, "It's Moving! A
Probabilistic Model for Causal Motion Segmentation in Moving Camera Videos", ECCV 2016, and Narayana et al., "Coherent
Motion Segmentation in Moving Camera Videos using Optical Flow Orientations", ICCV 2013). What it leaves is the
epipolar residual where flow leaves the epipolar line, and a disagreement between the gaps where something runs along
it. A point must also lie in front of the camera. Where the camera only turns or stands, no depth can explain
anything and the residual is that of the rotation's homography. Flow: DIS (Kroeger et al., "Fast Optical Flow using
Dense Inverse Search", ECCV 2016).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .frames import Flags, Floats, Picture
from .scene import Lens, Scene

Singles = NDArray[np.float32]


_RIM = 2.0
"""Flow that ends this near to the border, working px, may belong to what has left the picture."""


def dense_flow(before: Picture, after: Picture) -> Singles:
    """Flow [h, w, 2] px from `before` to `after`."""
    engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return np.asarray(engine.calc(before, after, np.zeros((*before.shape, 2), np.float32)), np.float32)


@dataclass(frozen=True)
class Grid:
    """The pixels of working pictures w x h. places [h, w, 2] px, centres at integers. scale [2]: plate px per working
    px."""

    places: Singles
    scale: Floats

    @classmethod
    def of(cls, size: tuple[int, int], width: int, height: int) -> Grid:
        y, x = np.mgrid[0 : size[1], 0 : size[0]]
        return cls(np.stack([x, y], 2).astype(np.float32), np.array([width / size[0], height / size[1]]))

    def rays(self, lens: Lens, flow: Singles | None = None) -> Singles:
        """Undistorted normalised coordinates [h, w, 2] of the pixels, or of where `flow` takes them."""
        there = self.places if flow is None else self.places + flow
        plate = (there.reshape(-1, 2) + 0.5) * self.scale
        return lens.normalised(plate).reshape(there.shape).astype(np.float32)


@dataclass(frozen=True)
class View:
    """How the world of frame t is seen in another: there = turn @ ray + inverse_depth * move, in the axes of the other
    camera, whose rays the flow arrives at (seen [h, w, 2], normalised). inside [h, w]: where it arrives within the
    picture. pixel: normalised units per working px."""

    turn: Floats
    move: Floats
    seen: Singles
    inside: Flags
    pixel: float


def view(scene: Scene, grid: Grid, t: int, other: int, flow: Singles) -> View:
    """What frame `other` sees of frame `t` through `flow` from t to it."""
    lens = scene.lens_of(other)
    turn = scene.rotation[other] @ scene.rotation[t].T
    move = scene.translation[other] - turn @ scene.translation[t]
    there = grid.places + flow
    most = np.array(flow.shape[1::-1], np.float32) - np.float32(1.0 + _RIM)
    inside: Flags = np.asarray((there > _RIM).all(2) & (there < most).all(2), bool)
    return View(turn, move, grid.rays(lens, flow), inside, float(grid.scale.mean()) / lens.focal)


@dataclass(frozen=True)
class Misfit:
    """left [h, w]: root mean square distance, working px, that the best common depth leaves in the views that see the
    pixel; 0 where none does. inverse_depth [h, w]: of it, 0 at infinity. seen [h, w]: whether any view sees it."""

    left: Singles
    inverse_depth: Singles
    seen: Flags


def misfit(rays: Singles, views: list[View]) -> Misfit:
    """The best inverse depth >= 0 per pixel for all views together (weighted least squares of the direct linear
    equations, reweighted twice so that one view that lost the pixel does not decide). rays: [h, w, 2] of frame t."""
    shape = rays.shape[:2]
    fixed = np.empty((len(views), *shape, 2), np.float32)
    slope = np.empty_like(fixed)
    for k, v in enumerate(views):
        turn, move = v.turn.astype(np.float32), v.move.astype(np.float32)
        x, y = rays[..., 0], rays[..., 1]
        ahead = turn[2, 0] * x + turn[2, 1] * y + turn[2, 2]
        safe = np.where(ahead > 1e-3, ahead, 1e-3) * np.float32(v.pixel)
        for axis in range(2):
            turned = turn[axis, 0] * x + turn[axis, 1] * y + turn[axis, 2]
            fixed[k, ..., axis] = (turned - v.seen[..., axis] * ahead) / safe
            slope[k, ..., axis] = (move[axis] - v.seen[..., axis] * move[2]) / safe
    inside = np.stack([v.inside for v in views]).astype(np.float32)
    weight = inside
    along, bend = (fixed * slope).sum(3), (slope * slope).sum(3)
    left, depth = np.zeros_like(weight), np.zeros(shape, np.float32)
    for _ in range(2):
        information = (weight * bend).sum(0)
        depth = np.maximum(-(weight * along).sum(0) / np.maximum(information, 1e-9), 0.0)
        left = np.linalg.norm(fixed + slope * depth[None, ..., None], axis=3)
        weight = inside / (1.0 + left**2)
    count = inside.sum(0)
    return Misfit(np.sqrt((inside * left**2).sum(0) / np.maximum(count, 1.0)), depth, count > 0)
