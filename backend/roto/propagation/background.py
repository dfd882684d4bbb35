"""What lies behind the objects: its movement, and its picture, remembered where objects cover it.

The movement of the background is one of the second degree plus what parallax adds to it, taken from the pixels around
the objects and continued under them. The plate is carried along with it, refreshed wherever the background shows. A
pixel that looks like the carried plate is background, whatever its colour; one that does not, beside an object, belongs
to the object, even if it shows for the first time.
"""

from __future__ import annotations

import cv2
import numpy as np

from .movement import Floats, Movement, fetch, pixel_grid

_STEP = 8
_REFRESH = 0.7
_FORGET = 0.985
_SEEN_ONCE = 0.6


def smooth_flow(flow: Floats, weight: Floats) -> Floats:
    """flow [h, w, 2] as `weight` [h, w] believes it, continued smoothly to everywhere."""
    h, w = weight.shape
    gh, gw = max(2, h // _STEP), max(2, w // _STEP)
    small_w = cv2.resize(weight, (gw, gh), interpolation=cv2.INTER_AREA)
    small = cv2.resize(flow * weight[..., None], (gw, gh), interpolation=cv2.INTER_AREA)
    known = small_w > 0.05
    mean = small / np.maximum(small_w, 1e-3)[..., None]
    base = _plane(mean, small_w * known)
    rest = _push_pull((mean - base) * (small_w * known)[..., None], small_w * known)
    out: Floats = cv2.resize((base + rest).astype(np.float32), (w, h), interpolation=cv2.INTER_LINEAR)
    return out


def _plane(flow: Floats, weight: Floats) -> Floats:
    """The second-degree movement that most of the weight follows (iteratively reweighted)."""
    gh, gw = weight.shape
    x, y = pixel_grid(gh, gw)
    x, y = (x / gw - 0.5).ravel(), (y / gh - 0.5).ravel()
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 1)
    target = flow.reshape(-1, 2)
    w = weight.ravel().astype(np.float64)
    if w.sum() < 1:
        return np.zeros_like(flow)
    robust = w.copy()
    fit = np.zeros((6, 2))
    for _ in range(5):
        left = terms * robust[:, None]
        fit = np.linalg.solve(left.T @ terms + 1e-3 * np.eye(6), left.T @ target)
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
    flow: float32 [h, w, 2], from the current frame to the previous. gap: float32 [h, w], `residual` of the plate.
    """

    def __init__(self, lab: Floats, behind: Floats) -> None:
        """lab: of the first picture. behind: float32 [h, w], 1 where the background shows in it."""
        self.plate = lab.copy()
        self.known = np.where(behind > 0.8, np.float32(_SEEN_ONCE), np.float32(0.0))
        self.flow = np.zeros((*behind.shape, 2), np.float32)
        self.gap = np.zeros(behind.shape, np.float32)

    def carry(self, lab: Floats, movement: Movement, taken: Floats) -> None:
        """To the next frame. lab: its picture. taken: float32 [h, w], where objects are expected in it."""
        free = cv2.erode((taken < 0.2).astype(np.uint8), np.ones((7, 7), np.uint8)).astype(np.float32)
        self.flow = smooth_flow(movement.back, free * movement.trust)
        self.plate = fetch(self.plate, self.flow)
        self.known = fetch(self.known, self.flow) * np.float32(_FORGET)
        self.gap = residual(lab, self.plate, free * self.known)

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
    (`sure`, float32 [h, w], says where that is); misplacement by a fraction of a pixel, measured there, explains more on
    edges.
    """
    gap = np.square(lab - carried).sum(2)
    gx = np.square(cv2.Sobel(lab, cv2.CV_32F, 1, 0, scale=0.125)).sum(2)
    gy = np.square(cv2.Sobel(lab, cv2.CV_32F, 0, 1, scale=0.125)).sum(2)
    slope = cv2.blur(gx + gy, (3, 3))
    gap = cv2.blur(gap, (3, 3))
    k = sure > 0.4
    if k.sum() < 200:
        k = np.ones_like(k)
    s, g = slope[k][::7], gap[k][::7]
    flat = s <= np.quantile(s, 0.5)
    noise = max(2.0, 1.5 * float(np.median(g[flat])))
    shift = max(0.05, float(np.median(np.maximum(g[~flat] - noise, 0) / (s[~flat] + 1e-3))))
    out: Floats = gap / (noise + 1.5 * shift * slope)
    return out
