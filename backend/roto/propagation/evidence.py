"""What speaks for a pixel being the object's, as log odds: where it was, what it looks like, how it moves."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .background import Background, allowance, main_flow, residual, slope_of, smooth_flow, squared_gap
from .leap import Leapt
from .movement import Floats, pixel_grid, squared_length
from .windows import Window, Working

_SURPRISE_OBJECT, _SURPRISE_BACKGROUND = 0.2, 0.02
"""How likely a pixel of the object, and one of a background that was seen, looks like nothing that was seen of it."""
_UNSEEN = 0.2
_FLOW_CORE = 0.7
_THIN = 0.4
_RESTING = 0.15


@dataclass(frozen=True)
class Carried:
    """The object's mask and picture of the previous frame, carried to the window of the current one.

    prior: float32 [h, w], where the mask went. trust: float32 [h, w], 0..1, how far the flow is to be believed.
    was: the mask carried by the object's own smooth movement. fate: float32 [h, w], 0..1, how much more a pixel
    moves like the object than like the background. looked: Lab float32 [h, w, 3], carried like `was`. stem, still:
    mask and Lab carried by the background's movement. proof: log odds float32 [h, w] from how the pixel moved so
    far. main: Lab carried by the object's main movement. flow, still_flow, main_flow: float32 [h, w, 2], back in
    time: as measured, the background's, and the object's main one. entered: float32 [h, w], 1 where the object's
    movement leads out of the picture: what was not to be seen before.
    """

    prior: Floats
    trust: Floats
    was: Floats
    fate: Floats
    looked: Floats
    stem: Floats
    still: Floats
    proof: Floats
    main: Floats
    flow: Floats
    still_flow: Floats
    main_flow: Floats
    entered: Floats


def carry(
    soft: Floats,
    proof: Floats,
    before: Working,
    picture: Working,
    leapt: Leapt,
    background: Floats,
    speed: Floats,
    window: Window,
) -> Carried:
    """soft: float32 [h, w] of the previous frame. leapt: how everything moved, and the object if it went far.
    background: its movement back, float32 [h, w, 2], whole picture.
    speed: the object's against the background of late, px a frame, float32 [2].

    Where the flow does not close (rims, bare surfaces, blur) the object's smooth movement takes its place.
    """
    cut, movement = window.cut, leapt.movement
    back = movement.back[cut]
    x, y = pixel_grid(*window.shape, window.x0, window.y0)
    raw = _at(soft, x, y, back)
    trust = movement.trust[cut] * _likeness(picture, before, back, 1 - raw, window)
    core = cv2.erode((raw > _FLOW_CORE).astype(np.float32), np.ones((3, 3), np.uint8))
    behind = background[cut]
    expected = behind.mean((0, 1)) - speed if leapt.shift is None else leapt.shift
    own = expected + smooth_flow(back - expected, core * trust)
    was = _at(soft, x, y, own)
    prior = trust * raw + (1 - trust) * was
    stem = _at(soft, x, y, behind)
    lost = np.where(was > 0.5, _at(proof, x, y, own), -2.0 * stem)
    told = trust * _at(proof, x, y, back) + (1 - trust) * lost
    if leapt.shift is None:
        main = _main_movement(back, behind, core * trust * np.where(told > 0, np.float32(1.0), np.float32(0.1)), speed)
    else:
        main = np.broadcast_to(leapt.shift, back.shape)
    fate = trust * _closeness(back, own) * (1 - _closeness(back, behind))
    looked, still, mainly = (_at(before.lab, x, y, flow) for flow in (own, behind, main))
    entered = _outside(x + own[..., 0], y + own[..., 1], soft.shape)
    return Carried(prior, trust, was, fate, looked, stem, still, told, mainly, back, behind, main, entered)


def _main_movement(back: Floats, behind: Floats, weight: Floats, speed: Floats) -> Floats:
    """The one shift of the object back in time, float32 [h, w, 2]; remembered where too little of it is left to say."""
    main = main_flow(back, weight)
    if np.median(np.sqrt(squared_length(main - behind))) < 0.5 * np.hypot(*speed):
        main = behind - speed
    return main


def _outside(x: Floats, y: Floats, shape: tuple[int, ...]) -> Floats:
    """1 at places that are beyond the picture, else 0."""
    outside = (x < 0) | (y < 0) | (x > shape[1] - 1) | (y > shape[0] - 1)
    out: Floats = outside.astype(np.float32)
    return out


def odds_of_place(prior: Floats, trust: Floats, sure: float, entered: Floats | None = None) -> Floats:
    """From where the mask went: float32 [h, w]. The better colours tell (`sure`), the softer its boundary is, which
    they decide then. entered: float32 [h, w], where nobody knows what was there."""
    hard = (prior > 0.5).astype(np.uint8)
    inside = cv2.distanceTransform(hard, cv2.DIST_L2, 3)
    outside = cv2.distanceTransform(1 - hard, cv2.DIST_L2, 3)
    signed = inside - outside - np.where(hard > 0, np.float32(0.5), np.float32(-0.5))
    limit = 1.5 + 2.5 * trust
    half_width = cv2.dilate(inside, np.ones((9, 9), np.uint8))
    thin = np.where(half_width > 0, _THIN + 0.35 * half_width, np.float32(9.0))
    softness = np.minimum(1.0 + 2.5 * sure, thin)
    odds: Floats = np.clip(signed / softness, -limit, limit).astype(np.float32)
    return odds if entered is None else np.where(entered > 0, np.maximum(odds, 0), odds)


def odds_of_colour(p: Floats, sure: float) -> Floats:
    """p: probability of the object by colour, float32 [h, w]."""
    bounded = np.clip(p, 0.02, 0.98)
    odds: Floats = (0.2 + 0.8 * sure) * np.log(bounded / (1 - bounded))
    return odds


def odds_of_movement(picture: Working, carried: Carried, background: Background, window: Window) -> Floats:
    """From which of the two layers' pictures explains the pixel, object or background: float32 [h, w]."""
    cut = window.cut
    lab = picture.lab[cut]
    off = 1 - cv2.dilate(carried.prior, np.ones((5, 5), np.uint8))
    own_gap = residual(lab, carried.looked, carried.was * (carried.prior > 0.9))
    still_gap = residual(lab, carried.still, off)
    continued = np.exp(-own_gap / 2) * np.maximum(carried.was, carried.fate)
    as_object = _SURPRISE_OBJECT + (1 - _SURPRISE_OBJECT) * continued
    moved_along = carried.stem * np.exp(-still_gap / 2)
    uncovered = carried.stem * (1 - carried.trust)
    unseen = _UNSEEN + (1 - _UNSEEN) * np.maximum(moved_along, uncovered)
    seen = _SURPRISE_BACKGROUND + (1 - _SURPRISE_BACKGROUND) * np.exp(-background.gap[cut] / 2)
    known = background.known[cut]
    odds: Floats = np.log(as_object / ((1 - known) * unseen + known * seen)).astype(np.float32)
    return odds


def evidence_of_fate(picture: Working, carried: Carried, colour: Floats, window: Window) -> Floats:
    """What this frame adds to `proof`, -1..1: whether a pixel goes with the background or moves against it, as the
    object does for the most part. Nothing where the object rests, where flow is not to be believed, and where the
    surface is so bare that both movements explain it. What did belong to it, and has
    its colours (`colour`, probability), may rest for long, as a foot does."""
    against = np.sqrt(squared_length(carried.main_flow - carried.still_flow))
    moves = np.sqrt(squared_length(carried.flow - carried.still_flow))
    half = 0.35 * against + 0.25
    side = np.clip((moves - half) / half, -1.0, 1.0) * np.clip(against / 2.0 - 0.25, 0.0, 1.0)
    gap = squared_gap(carried.main, carried.still)
    off = 1 - cv2.dilate(carried.prior, np.ones((5, 5), np.uint8))
    lab = picture.lab[window.cut]
    told = 1 - np.exp(-gap / (2 * allowance(squared_gap(lab, carried.still), slope_of(lab), off)))
    heard = np.where((side < 0) & (carried.proof > 0), _RESTING + (1 - _RESTING) * (1 - colour), np.float32(1.0))
    evidence: Floats = (side * told * carried.trust * heard).astype(np.float32)
    return evidence


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
    squared[:, :-1] += squared_length(lab[:, 1:] - lab[:, :-1])
    squared[:-1] += squared_length(lab[1:] - lab[:-1])
    prices: Floats = (0.05 + 0.95 * np.exp(-squared / (2 * squared.mean() + 1e-6))).astype(np.float32)
    return prices


def _likeness(picture: Working, before: Working, back: Floats, off: Floats, window: Window) -> Floats:
    """1 where a pixel looks like where the flow says it was, towards 0 where it does not: what was just uncovered has
    no place there, whatever flow is given to it. Noise is measured on the background."""
    lab = picture.lab[window.cut]
    x, y = pixel_grid(*window.shape, window.x0, window.y0)
    like: Floats = np.exp(-residual(lab, _at(before.lab, x, y, back), off) / 4)
    return like


def _closeness(flow: Floats, other: Floats) -> Floats:
    """1 where two movements are the same, towards 0 where they differ by more than flow is wrong by."""
    allowed = 0.5 + 0.02 * (squared_length(flow) + squared_length(other))
    close: Floats = np.exp(-squared_length(flow - other) / (2 * allowed)).astype(np.float32)
    return close


def _at(values: Floats, x: Floats, y: Floats, flow: Floats) -> Floats:
    fetched: Floats = cv2.remap(values, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)
    return fetched
