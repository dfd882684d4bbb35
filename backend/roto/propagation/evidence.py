"""What speaks for a pixel being the object's, as log odds: where it was, what it looks like, how it moves."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .background import Background, residual, smooth_flow
from .movement import Floats, Movement, pixel_grid
from .windows import Window, Working

_SURPRISE_OBJECT, _SURPRISE_BACKGROUND = 0.2, 0.02
"""How likely a pixel of the object, and one of a background that was seen, looks like nothing that was seen of it."""
_UNSEEN = 0.2
_FLOW_CORE = 0.7


@dataclass(frozen=True)
class Carried:
    """The object's mask and picture of the previous frame, carried to the window of the current one.

    prior: float32 [h, w], where the mask went. was: the mask carried by the object's own smooth movement. looked: Lab
    float32 [h, w, 3], carried likewise. stem: the mask carried by the background's movement. still: Lab, likewise.
    """

    prior: Floats
    was: Floats
    looked: Floats
    stem: Floats
    still: Floats


def carry(soft: Floats, before: Working, movement: Movement, background: Floats, window: Window) -> Carried:
    """soft: float32 [h, w] of the previous frame. background: its movement back, float32 [h, w, 2], whole picture.

    Where the flow does not close (rims, bare surfaces, blur) the object's smooth movement takes its place.
    """
    cut = window.cut
    back, trust = movement.back[cut], movement.trust[cut]
    x, y = pixel_grid(*window.shape, window.x0, window.y0)
    raw = _at(soft, x, y, back)
    core = cv2.erode((raw > _FLOW_CORE).astype(np.float32), np.ones((3, 3), np.uint8))
    own = smooth_flow(back, core * trust)
    was = _at(soft, x, y, own)
    prior = trust * raw + (1 - trust) * was
    behind = background[cut]
    return Carried(prior, was, _at(before.lab, x, y, own), _at(soft, x, y, behind), _at(before.lab, x, y, behind))


def odds_of_place(prior: Floats, trust: Floats, sure: float) -> Floats:
    """From where the mask went: float32 [h, w]. The better colours tell (`sure`), the softer its boundary is, which
    they decide then."""
    hard = (prior > 0.5).astype(np.uint8)
    inside = cv2.distanceTransform(hard, cv2.DIST_L2, 3)
    outside = cv2.distanceTransform(1 - hard, cv2.DIST_L2, 3)
    signed = inside - outside - np.where(hard > 0, np.float32(0.5), np.float32(-0.5))
    limit = 2.5 + 1.5 * trust
    odds: Floats = np.clip(signed / (1.0 + 2.5 * sure), -limit, limit).astype(np.float32)
    return odds


def odds_of_colour(p: Floats, sure: float) -> Floats:
    """p: probability of the object by colour, float32 [h, w]."""
    bounded = np.clip(p, 0.02, 0.98)
    odds: Floats = (0.2 + 0.8 * sure) * np.log(bounded / (1 - bounded))
    return odds


def odds_of_movement(
    picture: Working, carried: Carried, trust: Floats, background: Background, window: Window
) -> Floats:
    """From which of the two layers' pictures explains the pixel, object or background: float32 [h, w]."""
    cut = window.cut
    lab = picture.lab[cut]
    off = 1 - cv2.dilate(carried.prior, np.ones((5, 5), np.uint8))
    own_gap = residual(lab, carried.looked, carried.was * (carried.prior > 0.9))
    still_gap = residual(lab, carried.still, off)
    as_object = _SURPRISE_OBJECT + (1 - _SURPRISE_OBJECT) * np.exp(-own_gap / 2) * carried.was
    moved_along = carried.stem * np.exp(-still_gap / 2)
    uncovered = (1 - carried.was) * carried.stem * (1 - trust)
    unseen = _UNSEEN + (1 - _UNSEEN) * (moved_along + uncovered)
    seen = _SURPRISE_BACKGROUND + (1 - _SURPRISE_BACKGROUND) * np.exp(-background.gap[cut] / 2)
    known = background.known[cut]
    odds: Floats = np.log(as_object / ((1 - known) * unseen + known * seen)).astype(np.float32)
    return odds


def odds_of_appearing(background: Background, window: Window) -> Floats:
    """For an object that was not there before: whether the background explains the pixel."""
    seen = _SURPRISE_BACKGROUND + (1 - _SURPRISE_BACKGROUND) * np.exp(-background.gap[window.cut] / 2)
    known = background.known[window.cut]
    odds: Floats = np.log(_SURPRISE_OBJECT / ((1 - known) * _UNSEEN + known * seen)).astype(np.float32)
    return odds


def edge_prices(picture: Working, window: Window) -> Floats:
    """What a boundary costs at a pixel, float32 [h, w] in 0..1: little on an edge."""
    lab = picture.lab[window.cut]
    squared = np.zeros(lab.shape[:2], np.float32)
    squared[:, :-1] += np.square(lab[:, 1:] - lab[:, :-1]).sum(2)
    squared[:-1] += np.square(lab[1:] - lab[:-1]).sum(2)
    prices: Floats = (0.05 + 0.95 * np.exp(-squared / (2 * squared.mean() + 1e-6))).astype(np.float32)
    return prices


def _at(values: Floats, x: Floats, y: Floats, flow: Floats) -> Floats:
    fetched: Floats = cv2.remap(values, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)
    return fetched
