"""The first mask of an object, and its correction, from hints on one picture."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidRequest

from .evidence import Known, in_box
from .extent import plausible_extent
from .hints import Hints, Marks, marks_of
from .movement import movement_to
from .outline import at_full_size
from .scene import Scene
from .solving import CORRECTING, FIRST, Checkpoint, settled
from .superpixels import Doubles, Superpixels
from .window import Window, window_around

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

_SCENES = 4
_OUTSIDE = 0.49
"""The most that a pixel has which cannot be the object's."""
_BOX_MARGIN = 0.4
"""Of what is seen around a box, in sides of it."""
_AROUND_MARKS = 0.45
"""The same around clicks, in sides of the picture."""
_TRIAL_PIXELS = 65_000
"""Of the working picture then: several sizes are tried on it."""
_EVIDENCE = 3.0
"""Weight of what other frames say beside what the picture does."""
_KEPT = 3.0
"""Log odds that a mask keeps against other evidence where it is corrected."""
_CLICK, _CLICK_REACH, _CLICK_NEAR = 6.0, 12.0, 0.2
"""Log odds of a corrective click, and over which distances they fall: geodesic, in Lab units, and straight, in sides of
the object."""


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
        evidence: Floats | None = None,
    ) -> Floats:
        """Probability that the object is visible at each pixel's centre, float32 [H,W].

        others: masks (bool, or 0..1) of other objects, which this one does not overlap. start: soft mask that the
        hints correct, each of them where it is. checkpoint: called between steps, may raise to stop. evidence: log
        odds of the object from other frames, float32 [h,w] of the whole picture at any size; they tell what belongs to
        it in a box. The result holds every pixel that the hints include and none that they exclude. Raises
        `InvalidRequest` for hints that are empty, off the picture or against each other.
        """
        height, width = self._picture.shape[:2]
        if start is None and hints.mask is not None:
            start = hints.mask.astype(np.float32)
        marks = marks_of(hints, height, width, correcting=start is not None)
        if hints.absent:
            return np.zeros((height, width), np.float32)
        check = checkpoint or _go_on
        taken = _union(others, height, width) & ~marks.include
        if start is None:
            soft = self._first(marks, taken, evidence, check)
        else:
            soft = self._corrected(marks, taken, start, check)
        soft = np.where(taken, np.minimum(soft, _OUTSIDE), soft)
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

    def _first(self, marks: Marks, taken: Bools, evidence: Floats | None, check: Checkpoint) -> Floats:
        if marks.inside is None:
            return self._from_marks(marks, taken, check)
        region = marks.inside | marks.include
        scene = self._scene(window_around(region, _BOX_MARGIN))
        check()
        known = _known(scene, marks, taken | ~region)
        if not known.outside.any():  # a box around everything tells nothing
            return self._from_marks(marks, taken, check)
        reach = math.sqrt(max(1.0, float(scene.pieces.count[~known.outside].sum())))
        likeness = scene.likeness(reach)
        base = in_box(scene.pieces, likeness, known, _box_prior(scene, region))
        told = None if evidence is None else scene.window.sampled(evidence, self._picture.shape)
        if told is not None:
            base += _EVIDENCE * scene.pieces.means(told)
        check()
        soft = self._placed(scene.window, settled(scene, likeness, known, base, check, FIRST, told))
        return np.where(region, soft, np.minimum(soft, _OUTSIDE))

    def _from_marks(self, marks: Marks, taken: Bools, check: Checkpoint) -> Floats:
        """From clicks or strokes alone, or a box around the whole picture: nothing draws a border around the object."""
        around = marks.include if marks.include.any() else np.ones_like(taken)
        margin = _AROUND_MARKS * min(taken.shape)
        scene = self._scene(window_around(around, 0.0, margin, _TRIAL_PIXELS))
        check()
        known = _known(scene, marks, taken)
        if not known.inside.any():
            middle = np.abs(scene.pieces.place / scene.window.shape[::-1] - 0.5).max(axis=1)
            known = Known(middle == middle.min(), known.outside | (middle > 0.48))
        scale = scene.window.scale
        soft = plausible_extent(scene, known, min(taken.shape) * scale, marks.painted * scale, check)
        return self._placed(scene.window, soft)

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
        known = _known(scene, marks, taken)
        before = pieces.means(scene.window.shares(start))
        reach = math.sqrt(max(1.0, float((before * pieces.count).sum())))
        belief = np.clip(np.log((before + 0.05) / (1.05 - before)), -_KEPT, _KEPT)
        for wrong, sign in ((missing, 1.0), (extra, -1.0)):
            if wrong.any():
                belief += sign * _pull(pieces, pieces.means(scene.window.shares(wrong)) > 0, reach)
        soft = settled(scene, scene.likeness(reach), known, belief, check, CORRECTING)
        newer = self._placed(scene.window, soft)
        changed = _touching((newer >= 0.5) & ~now, missing) | _touching((newer < 0.5) & now, extra)
        return np.where(changed, newer, start).astype(np.float32)

    def _placed(self, window: Window, soft: Floats) -> Floats:
        whole = np.zeros(self._picture.shape[:2], np.float32)
        whole[window.part] = at_full_size(window, soft, self._picture)
        return whole


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


def _known(scene: Scene, marks: Marks, away: Bools) -> Known:
    """away: certainly not the object, but less than what is marked. What is smaller than a piece still has one."""
    pieces, window = scene.pieces, scene.window
    inside = pieces.means(window.shares(marks.include)) > 0
    share = pieces.means(window.shares(away))
    outside = (pieces.means(window.shares(marks.exclude)) > 0) | (share > max(0.5, float(share.min())))
    return Known(inside, outside & ~inside)


def _union(masks: Sequence[NDArray[np.generic]], height: int, width: int) -> Bools:
    union = np.zeros((height, width), bool)
    for mask in masks:
        if mask.shape != (height, width):
            raise InvalidRequest(f"The mask of another object is {mask.shape}, the picture {(height, width)}.")
        union |= np.asarray(mask) >= 0.5
    return union


def _box_prior(scene: Scene, region: Bools) -> Doubles:
    """Probability [N] of the object by place in its box alone: objects fill the middle and leave the corners. At a
    side of the picture the object goes on outside, so that nothing is known there."""
    height, width = region.shape
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    x = scene.pieces.place[:, 0] / scene.window.scale + scene.window.x0
    y = scene.pieces.place[:, 1] / scene.window.scale + scene.window.y0
    u = _across(x, int(columns[0]), int(columns[-1]) + 1, width)
    v = _across(y, int(rows[0]), int(rows[-1]) + 1, height)
    return np.asarray(np.clip(0.85 - 0.6 * (0.8 * u**2 + 0.4 * v**4), 0.1, 0.85))


def _across(at: Doubles, low: int, high: int, size: int) -> Doubles:
    """-1 at one side of the box, 1 at the other."""
    place = (at - (low + high) / 2) / ((high - low) / 2)
    if low <= 0:
        place = np.maximum(place, 0)
    if high >= size:
        place = np.minimum(place, 0)
    return place
