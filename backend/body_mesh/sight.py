"""What one frame of the plate shows of the skin: colours for texels, and how much they are to be believed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.matte.files import linear_light
from backend.matte.sampling import at_points

from .field import Floats
from .raster import Buffer, rasterised, vertex_normals
from .texels import Texels, at_texels
from .views import View

_BORDER = 0.014
"""Width of the strip along outlines and masks where colours fade out, of a person's stature: how far off bones and skin
usually are."""

_DEPTH = 0.012
"""Of the stature: what is this much deeper than the nearest skin is hidden."""

_STEEPEST = 0.15
"""Cosine of the angle of sight beyond which skin is seen too slantingly to be used."""

_SMALL_PX = 200.0
"""Stature in the plate at which a frame counts half as much as one in which the person is large."""

_BLUR = 0.012
"""Standard deviation, of the stature, that parts the two bands."""


@dataclass(frozen=True)
class Sight:
    """number [M]: of the texels that are seen. weight float32 [M]: 0..1. low, high float32 [M,3]: linear light, the
    even part of the colours and what is fine in them."""

    number: NDArray[np.int64]
    weight: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]


@dataclass(frozen=True)
class Frame:
    """picture uint8 [H,W,3] RGB. seen bool [H,W]: where the person's own pixels are, None when nobody said.
    vertices [V,3]: world. stature: world units."""

    view: View
    picture: NDArray[np.uint8]
    seen: NDArray[np.bool_] | None
    vertices: Floats
    faces: NDArray[np.int32]
    stature: float


def sight_of(frame: Frame, texels: Texels) -> Sight | None:
    """None when nothing of the person is in the picture."""
    pixels, depth = frame.view.project(frame.vertices)
    buffer = rasterised(pixels, depth, frame.faces, frame.view.size)
    if not buffer.covered.any():
        return None
    stature_px = frame.stature * float(frame.view.focal.mean()) / float(np.median(buffer.depth[buffer.covered]))
    trust = _trust(buffer, frame, stature_px)
    shown = np.zeros(len(frame.faces), bool)
    shown[np.unique(buffer.face[buffer.covered])] = True
    number = np.nonzero(shown[texels.face])[0]
    # Single precision is relative to the origin: a person far from it would lose their detail.
    middle = frame.vertices.mean(0)
    values = np.concatenate([frame.vertices - middle, vertex_normals(frame.vertices, frame.faces)], 1)
    texel = at_texels(texels, frame.faces, values.astype(np.float32), number)
    place, normal = texel[:, :3] + middle, texel[:, 3:]
    at, deep = frame.view.project(place)
    towards = (frame.view.eye() - place).astype(np.float32)
    facing = np.einsum("ij,ij->i", towards, normal) / np.maximum(
        np.linalg.norm(towards, axis=1) * np.linalg.norm(normal, axis=1), 1e-12
    )
    front = _sampled(buffer.depth, at, cv2.INTER_NEAREST)
    visible = np.isfinite(at).all(1) & (facing > _STEEPEST) & (deep < front + _DEPTH * frame.stature)
    # Slanting skin, and a person far away, have fewer pixels to tell of them.
    sharpness = stature_px / (stature_px + _SMALL_PX)
    weight = _sampled(trust, at, cv2.INTER_LINEAR) * np.clip(facing, 0.0, 1.0) ** 2 * sharpness
    kept = visible & (weight > 1e-3)
    if not kept.any():
        return None
    sharp, even = _bands(frame, buffer, _BLUR * stature_px)
    low = _sampled(even, at[kept], cv2.INTER_LINEAR)
    high = _sampled(sharp, at[kept], cv2.INTER_LINEAR) - low
    return Sight(number[kept], weight[kept].astype(np.float32), low, high)


def _trust(buffer: Buffer, frame: Frame, stature_px: float) -> NDArray[np.float32]:
    """float32 [H,W] 0..1: falls towards outlines, also those of an arm before the trunk, and towards the mask's."""
    strip = max(_BORDER * stature_px, 1.0)
    inside = buffer.covered & ~_steps(buffer.depth, 0.04 * frame.stature)
    trust = _ramp(inside, strip)
    if frame.seen is not None:
        trust = np.minimum(trust, _ramp(frame.seen, strip))
    return np.asarray(trust, np.float32)


def _ramp(inside: NDArray[np.bool_], strip: float) -> NDArray[np.float32]:
    """0 outside and in the pixels at the border, which show a mixture; 1 from `strip` px inside. The picture's own
    border does not count."""
    away = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(np.clip((away - 1.0) / strip, 0.0, 1.0), np.float32)


def _steps(depth: NDArray[np.float32], jump: float) -> NDArray[np.bool_]:
    """Pixels beside a jump of depth."""
    filled = np.where(np.isfinite(depth), depth, 0.0).astype(np.float32)
    kernel = np.ones((3, 3), np.uint8)
    return np.asarray(cv2.dilate(filled, kernel) - cv2.erode(filled, kernel) > jump)


def _bands(frame: Frame, buffer: Buffer, sigma: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(linear light [H,W,3], the same blurred within the person, so that no background flows in)."""
    light = linear_light(frame.picture)
    inside = (buffer.covered if frame.seen is None else buffer.covered & frame.seen).astype(np.float32)
    size = max(sigma, 0.7)
    share = cv2.GaussianBlur(inside, (0, 0), size)
    even = cv2.GaussianBlur(light * inside[..., None], (0, 0), size) / np.maximum(share, 1e-3)[..., None]
    return light, np.asarray(even, np.float32)


def _sampled(raster: NDArray[np.float32], at: Floats, how: int) -> NDArray[np.float32]:
    """[M] or [M,C] of a raster at px [M,2], edges at integers; 0 outside."""
    places = np.where(np.isfinite(at), at - 0.5, -9.0)
    found = at_points(raster, places, how, cv2.BORDER_CONSTANT)
    return found if raster.ndim == 3 else found[:, 0]
