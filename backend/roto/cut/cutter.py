"""The first mask of an object, and its correction, from hints on one picture."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidRequest

from .colours import Colours
from .convex import minimise
from .evidence import Known, Likeness, grown, in_box
from .hints import Hints, Marks, marks_of
from .movement import movement_to
from .superpixels import Doubles, Superpixels, superpixels
from .window import Window, window_around

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Checkpoint = Callable[[], None]

_SCENES = 4
_BOX_MARGIN = 0.4
_PIXEL_ROUNDS = 25
_SMOOTH_PIECES = 0.35
_SMOOTHNESS = 2.0
_CERTAIN = 6.0
_KEPT = 3.0
"""Log odds that a mask keeps against other evidence where it is corrected."""
_CLICK, _CLICK_REACH, _CLICK_NEAR = 6.0, 12.0, 0.2
"""Log odds of a corrective click, and over which distances they fall: geodesic, in Lab units, and straight, in sides of
the object."""
_MOST = 4.0


@dataclass(frozen=True)
class Weighing:
    """turns: of looks and extent. base, looks: weights of the log odds that stay, and of those of the turns."""

    turns: int
    base: float
    looks: float


_FIRST = Weighing(5, 0.5, 1.0)
_CORRECTING = Weighing(2, 1.0, 0.5)


class Scene:
    """What is made of a window once, whatever is asked about it."""

    def __init__(self, picture: NDArray[np.uint8], movement: Floats | None, window: Window) -> None:
        self.window = window
        here = None if movement is None else window.sampled(movement, picture.shape)
        self.pieces = superpixels(window.colours(picture), here)
        self.edges = _edges(self.pieces.lab)
        self.colours = Colours(self.pieces.lab)
        self._likeness: tuple[float, Likeness] | None = None

    def likeness(self, reach: float) -> Likeness:
        """Hints that change the object's size a little need not make it anew."""
        if self._likeness is None or not 0.9 < self._likeness[0] / reach < 1.1:
            self._likeness = (reach, Likeness(self.pieces, reach))
        return self._likeness[1]


class Cutter:
    """One picture, kept warm: masks of its objects from hints.

    The method: superpixels, their likeness in colour, texture and place to what is inside and outside (evidence.py),
    and a convex graph cut of the pixels (convex.py), in turns as in GrabCut (Rother et al. 2004).
    """

    def __init__(self, picture: NDArray[np.uint8], neighbour: NDArray[np.uint8] | None = None) -> None:
        """picture: uint8 [H,W,3] RGB. neighbour: the next or the previous picture of the clip: what moves against its
        surroundings is told from them much better than by its looks alone."""
        self._picture = picture
        self._neighbour = neighbour
        self._movement: Floats | None = None
        self._scenes: OrderedDict[Window, Scene] = OrderedDict()

    def soft_mask(
        self,
        hints: Hints,
        others: Sequence[NDArray[np.generic]] = (),
        start: Floats | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Floats:
        """Probability that the object is visible at each pixel's centre, float32 [H,W].

        others: masks (bool, or 0..1) of other objects, which this one does not overlap. start: soft mask that the
        hints correct, each of them where it is. checkpoint: called between steps, may raise to stop. The result holds
        every pixel that the hints include and none that they exclude. Raises `InvalidRequest` for hints that are empty,
        off the picture or against each other.
        """
        height, width = self._picture.shape[:2]
        if start is None and hints.mask is not None:
            start = hints.mask.astype(np.float32)
        marks = marks_of(hints, height, width, correcting=start is not None)
        if hints.absent:
            return np.zeros((height, width), np.float32)
        check = checkpoint or _go_on
        taken = _union(others, height, width) & ~marks.include
        soft = self._first(marks, taken, check) if start is None else self._corrected(marks, taken, start, check)
        soft = np.where(taken, np.minimum(soft, 0.49), soft)
        soft = np.where(marks.include, np.maximum(soft, 1.0), soft)
        return np.where(marks.exclude, 0.0, soft).astype(np.float32)

    def _scene(self, window: Window) -> Scene:
        if self._movement is None and self._neighbour is not None:
            self._movement = movement_to(self._picture, self._neighbour)
            self._neighbour = None
        scene = self._scenes.pop(window, None) or Scene(self._picture, self._movement, window)
        self._scenes[window] = scene
        while len(self._scenes) > _SCENES:
            self._scenes.popitem(last=False)
        return scene

    def _first(self, marks: Marks, taken: Bools, check: Checkpoint) -> Floats:
        boxed = marks.inside is not None
        region = (marks.inside | marks.include) if marks.inside is not None else np.ones_like(taken)
        scene = self._scene(window_around(region, _BOX_MARGIN))
        check()
        pieces = scene.pieces
        inside = pieces.means(scene.window.shares(marks.include)) > 0
        away = marks.exclude | taken | (~region)
        outside = (pieces.means(scene.window.shares(away)) > 0.5) & ~inside
        outside |= (pieces.means(scene.window.shares(marks.exclude)) > 0) & ~inside
        known = Known(inside, outside)
        reach = math.sqrt(max(1.0, float(pieces.count[~outside].sum())))
        likeness = scene.likeness(reach)
        if boxed and outside.any():
            prior = _box_prior(scene, region)
            base = in_box(pieces, likeness, known, prior)
        else:
            extent = grown(pieces, inside, ~outside, 0.6)
            base = np.where(extent, 2.0, -2.0)
        check()
        return self._settled(scene, likeness, known, base, check, _FIRST)

    def _settled(
        self, scene: Scene, likeness: Likeness, known: Known, base: Doubles, check: Checkpoint, weighing: Weighing
    ) -> Floats:
        """Looks and extent in turns: each tells more about the other. base: log odds [N] that stay."""
        pieces = scene.pieces
        certain = np.where(known.inside, _CERTAIN, -_CERTAIN)
        unsure = ~(known.inside | known.outside)
        share = np.where(unsure, _odds(base), known.inside)
        for _ in range(weighing.turns):
            odds = np.clip(weighing.base * base + weighing.looks * likeness.log_odds(share), -_MOST, _MOST)
            odds = np.where(unsure, odds, certain)
            share = np.where(unsure, 0.7 * pieces.smoothed(odds, _SMOOTH_PIECES) + 0.3 * _odds(odds), known.inside)
            check()
        return self._placed(scene.window, _cut(scene, odds, share, unsure, check))

    def _corrected(self, marks: Marks, taken: Bools, start: Floats, check: Checkpoint) -> Floats:
        if start.shape != taken.shape:
            raise InvalidRequest(f"The mask to correct is {start.shape}, the picture {taken.shape}.")
        now = start >= 0.5
        missing, extra = marks.include & ~now, marks.exclude & now
        if not (missing.any() or extra.any()):
            return start
        scene = self._scene(window_around(now | marks.include | marks.exclude, _BOX_MARGIN))
        check()
        pieces = scene.pieces
        inside = pieces.means(scene.window.shares(marks.include)) > 0
        outside = (pieces.means(scene.window.shares(marks.exclude)) > 0) & ~inside
        outside |= (pieces.means(scene.window.shares(taken)) > 0.5) & ~inside
        before = pieces.means(scene.window.shares(start))
        reach = math.sqrt(max(1.0, float((before * pieces.count).sum())))
        belief = np.clip(np.log((before + 0.05) / (1.05 - before)), -_KEPT, _KEPT)
        for wrong, sign in ((missing, 1.0), (extra, -1.0)):
            if wrong.any():
                belief += sign * _pull(pieces, pieces.means(scene.window.shares(wrong)) > 0, reach)
        newer = self._settled(scene, scene.likeness(reach), Known(inside, outside), belief, check, _CORRECTING)
        changed = _touching((newer >= 0.5) & ~now, missing) | _touching((newer < 0.5) & now, extra)
        return np.where(changed, newer, start).astype(np.float32)

    def _placed(self, window: Window, soft: Floats) -> Floats:
        whole = np.zeros(self._picture.shape[:2], np.float32)
        whole[window.y0 : window.y1, window.x0 : window.x1] = window.spread(soft)
        return whole


def _cut(scene: Scene, odds: Doubles, share: Doubles, unsure: NDArray[np.bool_], check: Checkpoint) -> Floats:
    """The pixels' soft mask [H,W] from the pieces' log odds: pieces say where the object is, pixels where it ends."""
    labels = scene.pieces.labels
    rough = odds.astype(np.float32)[labels]
    fixed = ~unsure[labels]
    fine = np.clip(scene.colours.log_odds(share.astype(np.float32)[labels]), -_MOST, _MOST)
    check()
    soft = minimise(-np.where(fixed, rough, 0.5 * rough + 0.5 * fine), scene.edges, _PIXEL_ROUNDS)
    check()
    return soft


def _pull(pieces: Superpixels, seeds: NDArray[np.bool_], reach: float) -> Doubles:
    """Log odds [N] that a click gives to what is near it, as far as a smooth way leads there. reach: side of the
    object, working px."""
    away = np.min(np.linalg.norm(pieces.place[:, None] - pieces.place[seeds][None], axis=2), axis=1)
    far = np.square(pieces.distances(seeds) / _CLICK_REACH) + np.square(away / (_CLICK_NEAR * reach))
    return np.asarray(_CLICK * np.exp(-far / 2))


def _touching(changed: Bools, wrong: Bools) -> Bools:
    """The connected parts of `changed` that hold a wrong pixel."""
    labels = cv2.connectedComponents(changed.astype(np.uint8), connectivity=4)[1]
    wanted = np.unique(labels[wrong & changed])
    return np.isin(labels, wanted[wanted > 0])


def _go_on() -> None:
    return None


def _odds(log_odds: Doubles) -> Doubles:
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -30, 30))))


def _union(masks: Sequence[NDArray[np.generic]], height: int, width: int) -> Bools:
    union = np.zeros((height, width), bool)
    for mask in masks:
        if mask.shape != (height, width):
            raise InvalidRequest(f"The mask of another object is {mask.shape}, the picture {(height, width)}.")
        union |= np.asarray(mask) >= 0.5
    return union


def _edges(lab: Floats) -> tuple[Floats, Floats]:
    """The price of a boundary between each pixel and its right and its lower neighbour: low where colours change."""
    right, down = np.zeros(lab.shape[:2], np.float32), np.zeros(lab.shape[:2], np.float32)
    across = np.square(lab[:, 1:] - lab[:, :-1]).sum(axis=2)
    along = np.square(lab[1:] - lab[:-1]).sum(axis=2)
    usual = 0.5 * float(across.mean() + along.mean()) + 1e-6
    right[:, :-1] = _SMOOTHNESS * (np.exp(-np.sqrt(across / usual)) + 0.05)
    down[:-1] = _SMOOTHNESS * (np.exp(-np.sqrt(along / usual)) + 0.05)
    return right, down


def _box_prior(scene: Scene, region: Bools) -> Doubles:
    """Probability [N] of the object by place in its box alone: objects fill the middle and leave the corners. At a
    side of the picture the object goes on outside, so that nothing is known there."""
    height, width = region.shape
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    x = scene.pieces.place[:, 0] / scene.window.scale + scene.window.x0
    y = scene.pieces.place[:, 1] / scene.window.scale + scene.window.y0
    u = _across(x, int(columns[0]), int(columns[-1]) + 1, width)
    v = _across(y, int(rows[0]), int(rows[-1]) + 1, height)
    return np.asarray(np.clip(0.75 - 0.6 * (0.8 * u**2 + 0.4 * v**4), 0.1, 0.75))


def _across(at: Doubles, low: int, high: int, size: int) -> Doubles:
    """-1 at one side of the box, 1 at the other."""
    place = (at - (low + high) / 2) / ((high - low) / 2)
    if low <= 0:
        place = np.maximum(place, 0)
    if high >= size:
        place = np.minimum(place, 0)
    return place
