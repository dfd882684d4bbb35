"""What lies behind the objects: its movement, and its picture, remembered where objects cover it.

The movement of the background is one of the second degree plus what parallax adds to it, taken from the pixels around
the objects and continued under them. The plate is carried along with it, refreshed wherever the background shows. A
pixel that looks like the carried plate is background, whatever its colour; one that does not, beside an object, belongs
to the object, even if it shows for the first time.
"""

from __future__ import annotations

import cv2
import numpy as np

from .movement import Floats, Movement, fetch, pixel_grid, squared_length

_STEP = 8
_REFRESH = 0.7
_FORGET = 0.985
_STRAY, _PARALLAX = 0.75, 8.0
"""px by which the background's movement may differ from what most of it does: where something fast is about that flow
mixes into it, and else."""
_SEEN_ONCE = 0.6
_SHADED = 0.2
"""How likely a background that is known gets into a shadow; no less than an object looks like nothing seen of it."""
_BUMPS = 0.1
"""Of what a shadow darkens, how unevenly it does: bumps cast shadows in the sun only."""
_SKY = 14.0
"""Lab units that a shadow may be bluer by, since the sky still lights it."""
_ENOUGH, _EVERY = 200, 7
_LEAST_NOISE, _LEAST_MISPLACED = 2.0, 0.05
_BLACK = np.array([16.0, 0.0, 0.0], np.float32)
_TINT = 4.0
"""Squared Lab units that the shadow's own colour may make."""


def smooth_flow(flow: Floats, weight: Floats) -> Floats:
    """flow [h, w, 2] as `weight` [h, w] believes it, continued smoothly to everywhere."""
    h, w = weight.shape
    mean, believed = _coarse(flow, weight)
    base = _plane(mean, believed)
    rest = _push_pull((mean - base) * believed[..., None], believed)
    out: Floats = cv2.resize((base + rest).astype(np.float32), (w, h), interpolation=cv2.INTER_LINEAR)
    return out


def main_flow(flow: Floats, weight: Floats) -> Floats:
    """The one shift that most of `weight` [h, w] follows, float32 [h, w, 2], the same everywhere."""
    h, w = weight.shape
    out: Floats = cv2.resize(_plane(*_coarse(flow, weight), 1), (w, h), interpolation=cv2.INTER_LINEAR)
    return out


def main_shape(flow: Floats, weight: Floats) -> Floats:
    """The movement of the second degree that most of `weight` [h, w] follows, float32 [h, w, 2]."""
    h, w = weight.shape
    out: Floats = cv2.resize(_plane(*_coarse(flow, weight)), (w, h), interpolation=cv2.INTER_LINEAR)
    return out


def background_flow(flow: Floats, around: Floats, least: float = _STRAY) -> Floats:
    """The background's movement everywhere, from `around` (float32 [h, w]); what else moves there counts little. least:
    px by which parallax may differ from what most of it does, at least."""
    main = main_shape(flow, around)
    gap = squared_length(flow - main)
    usual = float(np.median(np.sqrt(gap[around > 0.2]))) if (around > 0.2).any() else 0.0
    scale = max(least, 4.5 * usual)
    return smooth_flow(flow, around / (1 + gap / scale**2))


def _coarse(flow: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Averages of squares of _STEP px, and how much they are believed."""
    h, w = weight.shape
    size = (max(2, w // _STEP), max(2, h // _STEP))
    small_w: Floats = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    small: Floats = cv2.resize(flow * weight[..., None], size, interpolation=cv2.INTER_AREA)
    return small / np.maximum(small_w, 1e-3)[..., None], small_w * (small_w > 0.05)


def _plane(flow: Floats, weight: Floats, terms_used: int = 6) -> Floats:
    """The movement that most of the weight follows (iteratively reweighted): 1 term a shift, 6 of the second degree."""
    gh, gw = weight.shape
    x, y = pixel_grid(gh, gw)
    x, y = (x / gw - 0.5).ravel(), (y / gh - 0.5).ravel()
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 1)[:, :terms_used]
    target = flow.reshape(-1, 2)
    w = weight.ravel().astype(np.float64)
    if w.sum() < 1:
        return np.zeros_like(flow)
    robust = w.copy()
    fit = np.zeros((terms_used, 2))
    for _ in range(5):
        left = terms * robust[:, None]
        fit = np.linalg.solve(left.T @ terms + 1e-3 * np.eye(terms_used), left.T @ target)
        gap = np.linalg.norm(terms @ fit - target, axis=1)
        scale = max(0.25, 1.5 * np.median(gap[w > 0]))
        robust = w / (1 + np.square(gap / scale))
    return (terms @ fit).reshape(flow.shape).astype(np.float32)


def _push_pull(weighted: Floats, weight: Floats) -> Floats:
    """Fills holes from coarser and coarser averages; [h, w, 2] from weighted sums and weights."""
    h, w = weight.shape
    if min(h, w) <= 2:
        return np.broadcast_to(weighted.sum((0, 1)) / (weight.sum() + 0.05), weighted.shape).astype(np.float32)
    size = ((w + 1) // 2, (h + 1) // 2)
    coarse = _push_pull(
        cv2.resize(weighted, size, interpolation=cv2.INTER_AREA), cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    )
    up = cv2.resize(coarse, (w, h), interpolation=cv2.INTER_LINEAR)
    doubt = 0.1
    filled: Floats = (weighted + doubt * up) / (weight + doubt)[..., None]
    return filled


class Background:
    """What is known of the picture behind one object.

    plate: float32 [h, w, 3] Lab, carried to the current frame. known: float32 [h, w], 0 never seen .. 1 seen to stay.
    flow: float32 [h, w, 2], from the current frame to the previous. gap: float32 [h, w], `residual` of the plate; in
    what may be a shadow, outside of the objects as they are expected, it says neither that the background shows nor
    that it does not.
    """

    def __init__(self, lab: Floats, behind: Floats) -> None:
        """lab: of the first picture. behind: float32 [h, w], 1 where the background shows in it."""
        self.plate = lab.copy()
        self.known = np.where(behind > 0.8, np.float32(_SEEN_ONCE), np.float32(0.0))
        self.flow = np.zeros((*behind.shape, 2), np.float32)
        self.gap = np.zeros(behind.shape, np.float32)

    def carry(self, lab: Floats, movement: Movement, taken: Floats, *, fast: bool = False) -> None:
        """To the next frame. lab: its picture. taken: float32 [h, w], where objects are expected in it. fast: whether
        the object moves too fast for flow, so that it may be anywhere."""
        free = cv2.erode((taken < 0.2).astype(np.uint8), np.ones((7, 7), np.uint8)).astype(np.float32)
        self.flow = background_flow(movement.back, free * movement.trust, _STRAY if fast else _PARALLAX)
        self.plate = fetch(self.plate, self.flow)
        self.known = fetch(self.known, self.flow) * np.float32(_FORGET)
        gap = squared_gap(lab, self.plate)
        allowed = allowance(gap, slope_of(lab), free * self.known)
        shaded = shade(lab, self.plate, allowed, _SKY) * (taken < 0.2)
        likely = (1 - shaded) * np.exp(-gap / (2 * allowed)) + shaded * np.float32(_SHADED)
        self.gap = np.minimum(gap / allowed, -2 * np.log(np.maximum(likely, 1e-12)))

    def corrected(self, lab: Floats, added: Floats, removed: Floats) -> None:
        """Masks bool [h, w] of what turned out to be an object's in this picture, and of what turned out not to be."""
        self.plate = np.where(removed[..., None], lab, self.plate)
        known = np.where(removed, np.float32(_SEEN_ONCE), self.known)
        self.known = np.where(added, np.float32(0.0), known)

    def refresh(self, lab: Floats, soft: Floats) -> None:
        """soft: float32 [h, w], where objects turned out to be. What moves there by itself does not become known."""
        shows = cv2.dilate(soft, np.ones((5, 5), np.uint8)) < 0.25
        stays = np.exp(-self.gap / 4) > 0.3
        share = shows * np.where(self.known > 0.3, np.float32(_REFRESH), np.float32(1.0))
        self.plate += share[..., None] * (lab - self.plate)
        sure = np.where(stays, self.known + 0.5 * (1 - self.known), 0.5 * self.known)
        self.known = np.where(shows, sure, self.known).astype(np.float32)


def residual(lab: Floats, carried: Floats, sure: Floats) -> Floats:
    """Squared distance of `lab` to `carried`, in squared deviations of what it is where both show the same thing
    (`sure`, float32 [h, w], says where that is)."""
    gap, slope = squared_gap(lab, carried), slope_of(lab)
    out: Floats = gap / allowance(gap, slope, sure)
    return out


def squared_gap(lab: Floats, carried: Floats) -> Floats:
    """Mean squared distance of colours in 3 x 3 px, float32 [h, w]."""
    gap: Floats = cv2.blur(squared_length(lab - carried), (3, 3))
    return gap


def slope_of(lab: Floats) -> Floats:
    """Squared gradient of the colours in 3 x 3 px, float32 [h, w]: what a misplacement by 1 px costs."""
    across, down = cv2.Sobel(lab, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(lab, cv2.CV_32F, 0, 1, scale=0.125)
    slope: Floats = cv2.blur(squared_length(across) + squared_length(down), (3, 3))
    return slope


def allowance(gap: Floats, slope: Floats, sure: Floats) -> Floats:
    """The squared gap to expect at each pixel, float32 [h, w]: noise, and on slopes misplacement by a fraction of a
    pixel, both measured where `sure` [h, w] says that nothing but these made the gap."""
    known = sure > 0.4
    if known.sum() < _ENOUGH:
        known = np.ones_like(known)
    some_slope, some_gap = slope[known][::_EVERY], gap[known][::_EVERY]
    flat = some_slope <= np.median(some_slope)
    noise = max(_LEAST_NOISE, 1.5 * float(np.median(some_gap[flat])))
    excess = np.maximum(some_gap[~flat] - noise, 0) / (some_slope[~flat] + 1e-3)
    misplaced = max(_LEAST_MISPLACED, float(np.median(excess))) if len(excess) else _LEAST_MISPLACED
    allowed: Floats = np.float32(noise) + np.float32(1.5 * misplaced) * slope
    return allowed


def shade(lab: Floats, still: Floats, allowed: Floats, bluer: float = 0.0) -> Floats:
    """How likely `lab` is `still` in a shadow, float32 [h, w] in 0..1. lab, still: float32 [h, w, 3]. allowed: float32
    [h, w], the squared gap to expect.

    Less light by a factor multiplies L + 16, a and b by its cubic root, whatever the colour.
    """
    dark, bright = lab + _BLACK, still + _BLACK
    product: Floats = np.einsum("ijk,ijk->ij", dark, bright)
    gain = cv2.blur(product, (9, 9)) / np.maximum(cv2.blur(squared_length(bright), (9, 9)), 1.0)
    rest = dark - gain[..., None] * bright
    if bluer > 0:
        rest[..., 2] -= np.clip(cv2.blur(rest[..., 2], (9, 9)), -bluer, 0)
        allowed = allowed + np.square(_BUMPS * (dark - bright)[..., 0])
    gap = cv2.blur(squared_length(rest), (5, 5))
    darker = np.clip((0.97 - gain) / 0.04, 0, 1) * np.clip((gain - 0.5) / 0.1, 0, 1)
    shaded: Floats = (darker * np.exp(-gap / (2 * (allowed + _TINT)))).astype(np.float32)
    return shaded
