"""What speaks for movement at every pixel of one frame: dense flow, the tracks' verdicts, and the picture itself.

Three witnesses, as log odds that are added. The flow that the camera does not explain (flow_residual.py) knows what
moves now. The tracks near a pixel (track_motion.py) know what moves at any time of their lives: whoever stands still
for some frames is still known. And where the picture of another frame, brought here by the camera and the depth of the
still points around, looks the same, nothing has moved: that takes back the rims where dense flow bleeds out of a mover.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .flow_residual import Grid, dense_flow, misfit, view
from .frames import Floats, Indices, Picture
from .scene import Scene
from .track_motion import TrackMotion
from .tracks import Tracks

Singles = NDArray[np.float32]

GAPS = (1, 4)
"""Frames between the pictures whose flow is looked at, forwards and backwards."""

_SURE_STILL, _SURE_MOVING = 2.0, 5.0
"""Flow residual, in sigmas of the still tracks, that speaks for either."""

_FLOW_WEIGHT, _FLOW_STILL, _FLOW_MOVING = 0.6, 1.0, 4.0
"""Weight of the flow, and its most log odds before it. Less for stillness: what has no texture of its own borrows the
flow around it."""

_PRIOR = -0.3
"""Log odds of movement before anything is known: less moves than stands."""

_LEAST_SIGMA_PX = 0.15
_RIM_SHARE = 0.03
"""Width, of the picture's, of the border in which flow is worth less."""

_TRACK_WEIGHT = 3.0
_TRACK_REACH = 1.0 / 60.0
"""How far, of the picture's width, a track speaks for its surroundings."""

_LOOKS_ALIKE, _LOOKS_SPREAD, _LOOKS_WEIGHT = 0.6, 0.3, 3.0
_LOOKS_MOVING = 0.9
_LOOKS_RADIUS = 3
_TEXTURE_WINDOW = 11
_GRAIN = 3.0
"""Contrast, grey levels, that is not more than grain."""

_SMOOTH, _GRAIN_SLOPE = 0.8, 0.8
"""Blur before slopes are taken, px, and the slope, grey levels a px, that grain has after it."""


@dataclass(frozen=True)
class Evidence:
    """odds [h, w]: log odds of movement. flows: gap to flow [h, w, 2] px, +1 and -1 as far as there are such frames."""

    odds: Singles
    flows: dict[int, Singles]


class Witness:
    """Asks a frame. grid: of the working pictures; the odds are found on a grid half as fine."""

    def __init__(
        self, scene: Scene, tracks: Tracks, motion: TrackMotion, plate: tuple[int, int], size: tuple[int, int]
    ):
        self._scene, self._tracks, self._motion = scene, tracks, motion
        self._size, self._coarse = size, (max(size[0] // 2, 1), max(size[1] // 2, 1))
        self._grid = Grid.of(self._coarse, *plate)
        self._rays = None if scene.zoom is not None else self._grid.rays(scene.lens)
        self._scale = np.array(plate) / np.array(self._coarse)
        self._rim = _rim_weight(self._coarse)

    def evidence(self, t: int, grays: dict[int, Picture]) -> Evidence:
        """Odds of frame t. grays: working pictures by frame index, t among them."""
        flows = {s: dense_flow(grays[t], grays[t + s]) for s in _reach(t, grays) if self._scene.posed[t + s]}
        if not flows or not self._scene.posed[t]:
            return Evidence(np.zeros(self._size[::-1], np.float32), {})
        rows = self._tracks.rows_of(t)
        rows = rows[self._motion.judged[self._tracks.track[rows]]]
        flow = np.asarray(cv2.resize(self._from_flow(t, flows, rows), self._size, interpolation=cv2.INTER_LINEAR))
        odds = np.float32(_PRIOR) + np.float32(_TRACK_WEIGHT) * self._from_tracks(rows)
        fine = np.asarray(cv2.resize(odds, self._size, interpolation=cv2.INTER_LINEAR), np.float32)
        fine += np.where(flow > 0.0, flow * _texture(grays[t]), flow)
        fine += self._from_looks(t, grays, list(flows), rows)
        return Evidence(fine, {s: flow for s, flow in flows.items() if abs(s) == 1})

    def _cells(self, rows: Indices) -> tuple[Indices, Indices]:
        """Row and column of the coarse grid of observations."""
        at = np.floor(self._tracks.xy[rows] / self._scale).astype(np.int64)
        at = np.clip(at, 0, np.array(self._coarse) - 1)
        return at[:, 1], at[:, 0]

    def _from_flow(self, t: int, flows: dict[int, Singles], rows: Indices) -> Singles:
        """A still pixel may be covered in the frames before or in those after: the better half counts."""
        rays = self._grid.rays(self._scene.lens_of(t)) if self._rays is None else self._rays
        sides = []
        for sign in (1, -1):
            gaps = [s for s in flows if s * sign > 0]
            if gaps:
                views = [view(self._scene, self._grid, t, t + s, self._halved(flows[s])) for s in gaps]
                found = misfit(rays, views)
                sides.append(np.where(found.seen, found.left, np.inf))
        left = np.min(sides, axis=0)
        left = np.where(np.isfinite(left), left, 0.0)
        still = self._motion.odds[self._tracks.track[rows]] < -1.0
        at = self._cells(rows[still])
        calm = left[at] if still.sum() > 20 else left.ravel()
        sigma = max(float(np.quantile(calm, 0.6)), 0.5 * _LEAST_SIGMA_PX)
        middle, half = 0.5 * (_SURE_STILL + _SURE_MOVING), 0.5 * (_SURE_MOVING - _SURE_STILL)
        flow_odds = np.clip(2.0 * (left / sigma - middle) / half, -_FLOW_STILL, _FLOW_MOVING)
        return np.asarray(_FLOW_WEIGHT * self._rim * flow_odds, np.float32)

    def _halved(self, flow: Singles) -> Singles:
        small = cv2.resize(flow, self._coarse, interpolation=cv2.INTER_AREA)
        ratio = np.array(self._coarse, np.float32) / np.array(self._size, np.float32)
        return np.asarray(small * ratio, np.float32)

    def _from_tracks(self, rows: Indices) -> Singles:
        """The mean of the odds of the tracks around, weaker where there are few."""
        count, total = self._splat(rows, self._motion.odds[self._tracks.track[rows]])
        spread = self._coarse[0] * _TRACK_REACH
        area = np.float32(2.0 * np.pi * spread**2)
        count, total = area * _blurred(count, spread), area * _blurred(total, spread)
        return total / (count + np.float32(0.5))

    def _splat(self, rows: Indices, value: Floats) -> tuple[Singles, Singles]:
        """Observations counted [h, w] on the coarse grid, and their values summed."""
        height, width = self._coarse[1], self._coarse[0]
        y, x = self._cells(rows)
        cell = y * width + x
        count = np.bincount(cell, minlength=height * width).reshape(height, width)
        total = np.bincount(cell, value, minlength=height * width).reshape(height, width)
        return count.astype(np.float32), total.astype(np.float32)

    def _from_looks(self, t: int, grays: dict[int, Picture], gaps: list[int], rows: Indices) -> Singles:
        """Odds [h, w] of the working picture by its likeness to what the camera says it should be, in all frames of
        one side."""
        depth = self._still_depth(t, rows)
        best = np.full(self._size[::-1], -1.0, np.float32)
        here = grays[t].astype(np.float32)
        for sign in (1, -1):
            side = [likeness(here, self._seen_through(t, t + s, grays[t + s], depth)) for s in gaps if s * sign > 0]
            if side:
                best = np.maximum(best, np.min(side, axis=0))
        odds = -_LOOKS_WEIGHT * np.clip((best - _LOOKS_ALIKE) / _LOOKS_SPREAD, -_LOOKS_MOVING / _LOOKS_WEIGHT, 1.0)
        return np.where(odds > 0.0, odds * _texture(grays[t]), odds).astype(np.float32)

    def _still_depth(self, t: int, rows: Indices) -> Singles:
        """Inverse depth [h, w] on the coarse grid of the still world, from its points: the nearest decide."""
        track = self._tracks.track[rows]
        use = (self._motion.odds[track] < 0.0) & self._scene.known[track]
        rows, track = rows[use], track[use]
        z = self._scene.camera_points(track, np.full(len(track), t))[:, 2]
        count, total = self._splat(rows, 1.0 / np.maximum(z, 1e-6))
        weight, depth = np.full(count.shape, 1e-12, np.float32), np.zeros(count.shape, np.float32)
        for share in (0.008, 0.025, 0.075, 0.225):
            spread = self._coarse[0] * share
            missing = np.exp(-1e3 * weight)
            depth += missing * _blurred(total, spread)
            weight += missing * _blurred(count, spread)
        return depth / weight

    def _seen_through(self, t: int, other: int, picture: Picture, depth: Singles) -> Singles:
        """Another frame's picture as frame t would see it if all of it were still."""
        scene = self._scene
        rays = self._grid.rays(scene.lens_of(t)) if self._rays is None else self._rays
        turn = scene.rotation[other] @ scene.rotation[t].T
        move = scene.translation[other] - turn @ scene.translation[t]
        point = (rays @ turn[:, :2].T + turn[:, 2] + depth[..., None] * move).reshape(-1, 3)
        point[:, 2] = np.maximum(point[:, 2], 1e-3)
        pixel = scene.lens_of(other).project(point).reshape(rays.shape)
        plate_to_work = np.array(self._size) / (self._scale * np.array(self._coarse))
        place = (pixel * plate_to_work - 0.5).astype(np.float32)
        x = cv2.resize(place[..., 0], self._size, interpolation=cv2.INTER_LINEAR)
        y = cv2.resize(place[..., 1], self._size, interpolation=cv2.INTER_LINEAR)
        seen = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
        return np.asarray(seen, np.float32)


def likeness(a: Singles, b: Singles) -> Singles:
    """Normalised correlation [h, w] of small windows, -1..1; near 0 where there is no more contrast than grain."""
    window = (2 * _LOOKS_RADIUS + 1,) * 2
    mean_a, mean_b = cv2.blur(a, window), cv2.blur(b, window)
    var_a = np.maximum(cv2.blur(a * a, window) - mean_a * mean_a, 0.0) + _GRAIN**2
    var_b = np.maximum(cv2.blur(b * b, window) - mean_b * mean_b, 0.0) + _GRAIN**2
    both = cv2.blur(a * b, window) - mean_a * mean_b
    return np.asarray(both / np.sqrt(var_a * var_b), np.float32)


def _texture(gray: Picture) -> Singles:
    """0..1 [h, w]: how much of the contrast around a pixel is more than grain in the direction that has least of it
    (the lesser eigenvalue of the structure tensor): where there is none, flow is a guess, and along an edge too."""
    smooth = cv2.GaussianBlur(gray.astype(np.float32), (0, 0), _SMOOTH)
    gx, gy = (0.5 * cv2.Sobel(smooth, cv2.CV_32F, dx, 1 - dx, ksize=1) for dx in (1, 0))
    window = (_TEXTURE_WINDOW, _TEXTURE_WINDOW)
    xx, yy, xy = (cv2.blur(product, window) for product in (gx * gx, gy * gy, gx * gy))
    least = np.maximum(0.5 * (xx + yy) - np.sqrt(0.25 * (xx - yy) ** 2 + xy * xy), 0.0)
    return np.asarray(least / (least + np.float32(_GRAIN_SLOPE**2)), np.float32)


def _rim_weight(size: tuple[int, int]) -> Singles:
    """0..1 [h, w]: flow is worth less near the border, where what it points to may be out of the picture."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    inside = np.minimum(np.minimum(x, width - 1.0 - x), np.minimum(y, height - 1.0 - y))
    return np.asarray(np.clip((inside + 1.0) / (_RIM_SHARE * width), 0.0, 1.0), np.float32)


def _reach(t: int, grays: dict[int, Picture]) -> list[int]:
    return [s for gap in GAPS for s in (gap, -gap) if t + s in grays]


def _blurred(values: Singles, spread: float) -> Singles:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), spread), np.float32)
