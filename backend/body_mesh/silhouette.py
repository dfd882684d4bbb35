"""The proxy's girths from the person's masks: where the body's outline lies beside the mask's, it is pulled there.

Every pixel of the rendered outline knows which place of the skin it shows, and so how it answers to each girth; the
mask's signed distance says how far it is off. Gauss-Newton with Cauchy's weights, as clothes, hair and wrong poses make
outlines disagree that no girth can explain, and with the spread of girths in people as a prior.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.matte.sampling import at_points
from shared.body_arrays import BodyMesh, joint_matrices, posed, scale_of
from shared.motion_arrays import Motion

from .field import Floats
from .girths import Girths, girths_of
from .raster import Buffer, barycentric, pixel_centres, rasterised
from .views import View

_FRAMES = 8
_ROUNDS = 6
_SPREAD = 0.13
"""Standard deviation of the logarithm of a girth: people of one stature, and what they wear."""

_OFF = 0.015
"""Standard deviation, of the stature, of an outline beside the true one."""

_ALIKE = 0.1
"""Length of outline, of the stature, over which it is off by the same."""

_LEAST = 0.35
"""Overlap under which a frame's mask is of something else, or of a person half hidden."""

_INSIDE = 0.6
"""Of the joints, that a frame must show to be used."""

_MOST = float(np.log(1.5))

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Refined:
    """before, after: mean overlap (intersection over union) with the masks of the frames used."""

    mesh: BodyMesh
    before: float
    after: float
    frames: tuple[int, ...]


@dataclass(frozen=True)
class _Seen:
    """t: index in the motion. distance float32 [H,W]: px from the mask's outline, negative inside. free: where nothing
    stands before the person."""

    view: View
    t: int
    mask: Mask
    distance: NDArray[np.float32]
    free: Mask


def refined(
    mesh: BodyMesh,
    motion: Motion,
    views: Mapping[int, View],
    mask: Callable[[int], Mask | None],
    checkpoint: Callable[[int, int], None] = lambda _done, _total: None,
    hidden: Callable[[int], Mask | None] = lambda _number: None,
) -> Refined | None:
    """The mesh with girths that fit the masks; None when too few frames show the person whole, or the masks have
    nothing to say against the proxy. mask(number): bool [H,W] of a plate frame. hidden(number): bool [H,W],
    where something else may stand before the person: a mask that ends there has no outline."""
    seen = [
        one
        for number in spread_frames(motion, views)
        if (one := _seen(motion, views[number], mask(number), hidden(number)))
    ]
    seen = [one for one in seen if overlap(mesh, motion, one.view, one.mask, one.free) > _LEAST]
    if len(seen) < 2:
        return None
    girths = girths_of(mesh)
    logs = np.zeros(len(girths.names))
    for done in range(_ROUNDS):
        checkpoint(done, _ROUNDS)
        logs = np.clip(logs + _step(girths, mesh, motion, seen, logs), -_MOST, _MOST)
    fitted = girths.moved(mesh, logs)
    before, after = (
        float(np.mean([overlap(one, motion, s.view, s.mask, s.free) for s in seen])) for one in (mesh, fitted)
    )
    if after <= before:
        return None
    return Refined(fitted, before, after, tuple(s.view.number for s in seen))


def spread_frames(motion: Motion, views: Mapping[int, View], most: int = _FRAMES) -> list[int]:
    """Plate numbers that show the person whole, as different from each other as can be: the farthest from those taken
    is taken next."""
    numbers, looks = [], []
    for t, number in enumerate(motion.frames.tolist()):
        if number not in views or motion.state[t] != "tracked":
            continue
        pixels, _ = views[number].project(motion.joints[t])
        inside = ((pixels > 0.0) & (pixels < views[number].size)).all(1)
        if inside.mean() >= _INSIDE:
            centred = pixels - np.nanmean(pixels, axis=0)
            numbers.append(number)
            looks.append((np.nan_to_num(centred) / max(float(np.nanstd(centred)), 1e-9)).ravel())
    if not numbers:
        return []
    whole = np.array(looks)
    chosen = [0]
    far = np.linalg.norm(whole - whole[0], axis=1)
    while len(chosen) < min(most, len(numbers)) and far.max() > 1e-9:
        chosen.append(int(far.argmax()))
        far = np.minimum(far, np.linalg.norm(whole - whole[chosen[-1]], axis=1))
    return [numbers[i] for i in sorted(chosen)]


def overlap(mesh: BodyMesh, motion: Motion, view: View, mask: Mask, free: Mask | None = None) -> float:
    """Intersection over union of the body and a mask, where free; 0 when both are empty."""
    covered = _render(mesh, motion, view)[0].covered
    if free is not None:
        covered, mask = covered & free, mask & free
    return float((covered & mask).sum() / max(int((covered | mask).sum()), 1))


def _render(mesh: BodyMesh, motion: Motion, view: View) -> tuple[Buffer, Floats, Floats]:
    vertices = posed(mesh, motion, int(view.number - motion.frames[0]))
    pixels, depth = view.project(vertices)
    return rasterised(pixels, depth, mesh.faces, view.size), pixels, vertices


def _seen(motion: Motion, view: View, mask: Mask | None, hidden: Mask | None) -> _Seen | None:
    if mask is None or not mask.any() or mask.all():
        return None
    # An outline that ends at something before the person ends a little earlier already.
    free = np.ones(mask.shape, bool) if hidden is None else cv2.dilate(hidden.astype(np.uint8), np.ones((5, 5))) == 0
    inner, outer = (cv2.distanceTransform(m.astype(np.uint8), cv2.DIST_L2, 5) for m in (mask, ~mask))
    return _Seen(view, int(view.number - motion.frames[0]), mask, np.where(mask, 0.5 - inner, outer - 0.5), free)


def _step(girths: Girths, mesh: BodyMesh, motion: Motion, seen: list[_Seen], logs: Floats) -> Floats:
    normal = np.eye(len(logs)) / _SPREAD**2
    right = -logs / _SPREAD**2
    now = girths.moved(mesh, logs)
    for one in seen:
        off, slope = _outline(girths, now, motion, one, logs)
        # Outline pixels next to each other are off by the same: they count as one.
        stature_px = _stature_px(now, motion, one.view)
        weight = 1.0 / (1.0 + (off / (2.0 * _OFF * stature_px)) ** 2)
        weight /= (_OFF * stature_px) ** 2 * max(_ALIKE * stature_px, 1.0)
        normal += slope.T @ (weight[:, None] * slope)
        right -= slope.T @ (weight * off)
    return np.asarray(np.linalg.solve(normal, right))


def _stature_px(mesh: BodyMesh, motion: Motion, view: View) -> float:
    t = int(view.number - motion.frames[0])
    away = float(np.linalg.norm(motion.joints[t, 0] - view.eye()))
    return scale_of(mesh, motion) * float(np.ptp(mesh.vertices[:, 2])) * float(view.focal.mean()) / max(away, 1e-9)


def _outline(girths: Girths, mesh: BodyMesh, motion: Motion, one: _Seen, logs: Floats) -> tuple[Floats, Floats]:
    """(px [N] that the rendered outline is off, outwards positive; [N,G] how that answers to the logs)."""
    buffer, pixels, vertices = _render(mesh, motion, one.view)
    inside = buffer.covered.astype(np.uint8)
    inner = cv2.erode(inside, np.ones((3, 3), np.uint8), borderValue=1)
    y, x = np.nonzero((inside > 0) & (inner == 0) & one.free)
    face = buffer.face[y, x]
    corners = mesh.faces[face]
    at = pixel_centres(np.stack([x, y], 1))
    shares = np.clip(barycentric(pixels[corners], at), 0.0, 1.0)
    place = np.einsum("nk,nkc->nc", shares, vertices[corners])
    way = _ways(girths, mesh, motion, one.t, corners, shares)
    uphill = _uphill(one.distance, at)
    slope = np.einsum("na,nab,gnb->ng", uphill, one.view.slope(place), way) * np.exp(logs)
    off = at_points(one.distance, (at - 0.5).astype(np.float32))[:, 0].astype(np.float64) + 0.5
    return off, slope


def _ways(girths: Girths, mesh: BodyMesh, motion: Motion, t: int, corners: NDArray[np.int32], shares: Floats) -> Floats:
    """[G,N,3] world: where places on faces go when girths grow."""
    turns = joint_matrices(mesh, motion, t)[:, :, :3] * scale_of(mesh, motion)
    used, own = np.unique(corners, return_inverse=True)
    skin = np.einsum("vk,vkab->vab", mesh.weights[used], turns[mesh.joints[used]])
    moved = np.einsum("vab,gvb->gva", skin, girths.ways[:, used])
    return np.asarray(np.einsum("nk,gnkc->gnc", shares, moved[:, own.reshape(corners.shape)]))


def _uphill(distance: NDArray[np.float32], at: Floats) -> Floats:
    """[N,2]: unit slope of a distance at px, over two pixels each way."""
    found = np.zeros((len(at), 2))
    for axis in (0, 1):
        step = 2.0 * np.eye(2)[axis]
        found[:, axis] = (at_points(distance, at - 0.5 + step) - at_points(distance, at - 0.5 - step))[:, 0]
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9))
