"""Sub-pixel alignment of many small patches with the patch each track was born with.

Frame-to-frame tracking drifts: each step adds its own error. Here every track keeps the patch of its first
frame and is aligned with it in every later frame, by an affine warp with gain and offset removed: the
inverse compositional method of Baker & Matthews ("Lucas-Kanade 20 years on", IJCV 2004), all tracks at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .frames import Flags, Floats, Picture

Singles = NDArray[np.float32]
_SETTLED_PX = 0.01
"""A step of this size or less is the last: an order below what noise leaves."""

_TRIES, _HOPELESS = 3, 0.5
"""After so many steps, patches that are less alike are given up."""

_SMOOTH = 0.8
"""Gaussian blur, px, before patches are taken or compared: keeps noise out of the gradients."""


def smoothed(gray: Picture) -> Singles:
    """float32 [H, W] picture that patches are sampled from."""
    return np.asarray(cv2.GaussianBlur(gray.astype(np.float32), (0, 0), _SMOOTH), np.float32)


@dataclass
class Anchors:
    """What N tracks remember of their first frame. S samples a patch.

    pattern: [N, S] zero-mean, unit-norm (weighted) intensities. steepest: [N, S, 6] weighted descent images.
    inverse: [N, 6, 6] inverse Hessian. contrast: [N] standard deviation of the patch, grey levels.
    """

    pattern: Singles
    steepest: Singles
    inverse: Floats
    contrast: Floats

    def __len__(self) -> int:
        return len(self.pattern)

    def select(self, keep: Flags | NDArray[np.int64]) -> Anchors:
        return Anchors(self.pattern[keep], self.steepest[keep], self.inverse[keep], self.contrast[keep])

    def join(self, other: Anchors) -> Anchors:
        return Anchors(
            np.concatenate([self.pattern, other.pattern]),
            np.concatenate([self.steepest, other.steepest]),
            np.concatenate([self.inverse, other.inverse]),
            np.concatenate([self.contrast, other.contrast]),
        )


@dataclass(frozen=True)
class Alignment:
    """centre [N, 2] px, affine [N, 2, 2], likeness [N] (weighted normalised correlation, 1 is equal),
    sigma [N]: expected standard deviation of the centre, px, from residual and texture."""

    centre: Floats
    affine: Floats
    likeness: Floats
    sigma: Floats


class PatchAligner:
    """Patches of (2 radius + 1)^2 samples under a Gaussian window."""

    def __init__(self, radius: int) -> None:
        self.radius = radius
        steps = np.arange(-radius, radius + 1, dtype=np.float32)
        u, v = np.meshgrid(steps, steps)
        self._offsets = np.stack([u.ravel(), v.ravel()], 1)
        weight = np.exp(-0.5 * (self._offsets**2).sum(1) / (0.6 * radius) ** 2)
        self._weight: Singles = (weight / weight.sum()).astype(np.float32)

    def empty(self) -> Anchors:
        s = len(self._offsets)
        return Anchors(
            np.zeros((0, s), np.float32), np.zeros((0, s, 6), np.float32), np.zeros((0, 6, 6)), np.zeros(0)
        )  # fmt: skip

    def anchor(self, picture: Singles, centre: Floats) -> Anchors:
        """Remembers the patches at centre [N, 2]."""
        identity = np.broadcast_to(np.eye(2), (len(centre), 2, 2))
        pattern, contrast = self._normalised(self._sample(picture, centre, identity))
        step = np.array([0.5, 0.0])
        gx = self._sample(picture, centre + step, identity) - self._sample(picture, centre - step, identity)
        step = step[::-1]
        gy = self._sample(picture, centre + step, identity) - self._sample(picture, centre - step, identity)
        u, v = (self._offsets / self.radius).T
        steepest = np.stack([gx * u, gx * v, gy * u, gy * v, gx, gy], 2)
        steepest /= np.maximum(contrast, 1e-3)[:, None, None].astype(np.float32)
        steepest -= np.einsum("s,nsk->nk", self._weight, steepest)[:, None]
        along = np.einsum("s,ns,nsk->nk", self._weight, pattern, steepest)
        steepest -= pattern[:, :, None] * along[:, None]
        weighted = steepest * self._weight[None, :, None]
        hessian = np.matmul(weighted.transpose(0, 2, 1), steepest).astype(np.float64)
        hessian += _damping(hessian)
        return Anchors(pattern, weighted, np.linalg.inv(hessian), contrast)

    def align(
        self, anchors: Anchors, picture: Singles, centre: Floats, affine: Floats, iterations: int = 6
    ) -> Alignment:
        """Aligns every anchor with `picture`, starting from centre and affine."""
        centre, affine = centre.copy(), affine.copy()
        moving = np.arange(len(centre))
        for turn in range(iterations):
            if not len(moving):
                break
            seen, _ = self._normalised(self._sample(picture, centre[moving], affine[moving]))
            if turn == _TRIES:
                hopeful = (seen * anchors.pattern[moving]) @ self._weight > _HOPELESS
                moving, seen = moving[hopeful], seen[hopeful]
            left = seen - anchors.pattern[moving]
            slope = np.matmul(left[:, None, :], anchors.steepest[moving])[:, 0].astype(np.float64)
            step = np.einsum("nij,nj->ni", anchors.inverse[moving], slope)
            step = np.clip(step, -1.0, 1.0)
            change = step[:, :4].reshape(-1, 2, 2) / self.radius
            affine[moving] = affine[moving] @ np.linalg.inv(np.eye(2) + change)
            shift = np.einsum("nij,nj->ni", affine[moving], step[:, 4:])
            centre[moving] -= shift
            moving = moving[np.abs(step).max(1) > _SETTLED_PX]
        return self._judged(anchors, picture, centre, affine)

    def _judged(self, anchors: Anchors, picture: Singles, centre: Floats, affine: Floats) -> Alignment:
        seen, _ = self._normalised(self._sample(picture, centre, affine))
        likeness = np.asarray((seen * anchors.pattern) @ self._weight, np.float64)
        spread = np.maximum(2.0 * (1.0 - likeness), 1e-4)
        effective = 1.0 / float((self._weight**2).sum())
        variance = spread / effective * 0.5 * (anchors.inverse[:, 4, 4] + anchors.inverse[:, 5, 5])
        return Alignment(centre, affine, likeness, np.sqrt(variance))

    def _sample(self, picture: Singles, centre: Floats, affine: Floats) -> Singles:
        """[N, S] samples at centre + affine @ offset, bilinear."""
        places = np.matmul(self._offsets, affine.transpose(0, 2, 1).astype(np.float32))
        places += centre.astype(np.float32)[:, None]
        x, y = np.ascontiguousarray(places[..., 0]), np.ascontiguousarray(places[..., 1])
        return remap_rows(picture, x, y)

    def _normalised(self, patches: Singles) -> tuple[Singles, Floats]:
        centred = patches - (patches @ self._weight)[:, None]
        deviation = np.sqrt((centred**2) @ self._weight)
        normalised = np.asarray(centred / np.maximum(deviation, 1e-3)[:, None], np.float32)
        return normalised, deviation.astype(np.float64)


def remap_rows(picture: Singles, x: Singles, y: Singles, rows: int = 16384) -> Singles:
    """cv2.remap takes at most 32767 rows at once."""
    if len(x) <= rows:
        return (
            np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
            if len(x) else np.zeros_like(x)
        )  # fmt: skip
    parts = [remap_rows(picture, x[i : i + rows], y[i : i + rows]) for i in range(0, len(x), rows)]
    return np.concatenate(parts)


def _damping(hessian: Floats) -> Floats:
    """Diagonal [N, 6, 6] that keeps the affine part of weakly textured patches still."""
    diagonal = np.zeros_like(hessian)
    mean = np.trace(hessian[:, 4:, 4:], axis1=1, axis2=2) / 2.0
    for i in range(4):
        diagonal[:, i, i] = 0.02 * mean
    for i in range(4, 6):
        diagonal[:, i, i] = 1e-4 * mean + 1e-9
    return diagonal
