"""A clip's masks of one object as splines with few keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.pipeline.atomic import atomic_path
from shared.errors import InvalidRequest
from shared.roto_splines import SPLINES_VERSION, LabelSplines, MaskSpline, SplineKey
from shared.shot import document_text

from .bezier import Shape, pairs_of
from .contours import outlines, signed_area
from .keys import Keyed, choose_keys
from .knots import choose_knots
from .lives import Life, Linker
from .track import fitted, frames_of, places_at

TOLERANCE = 1.5
"""px that a curve may be off the outline on any frame."""

_OWN = 0.62
"""Share of the tolerance for the curve that a frame has of its own; the rest is left to the frames between keys."""

_AIM = 0.93
"""Share of the tolerance that keys aim at: the last samples are looked at only at the end."""

_FINEST = 0.4
"""px: what the steps of pixels in a binary mask's outline are off the edge that made them."""

Masks = Callable[[int], NDArray[np.generic]]
Checkpoint = Callable[[int, int], None]
"""Called with steps done and in all; raises to cancel."""


@dataclass(frozen=True)
class _Spline:
    life: Life
    keyed: Keyed


def fit_splines(
    masks: Masks, numbers: Sequence[int], label: str, checkpoint: Checkpoint, tolerance: float = TOLERANCE
) -> LabelSplines:
    """Splines of the masks [H, W] (bool, uint8 0..255 or soft float 0..1) of the frames `numbers`, ascending.

    One mask is held at a time; the outlines of all frames are kept, some tens of kilobytes each. Raises
    `InvalidRequest` without frames or for masks of different sizes.
    """
    if not numbers:
        raise InvalidRequest(f"There are no masks of {label!r} to fit splines to.", "Run roto first.")
    linker, size = Linker(), None
    steps = 2 * len(numbers)
    for done, number in enumerate(numbers):
        checkpoint(done, steps)
        mask = masks(number)
        size = size or mask.shape[:2]
        if mask.shape[:2] != size:
            message = f"The mask of {label!r} at frame {number} is {mask.shape[1]}x{mask.shape[0]}, others are not."
            raise InvalidRequest(message, "All masks need the plate's size; run roto again.")
        linker.see(number, outlines(mask))
    assert size is not None
    found = _fitted_all(linker.lives, tolerance, len(numbers), checkpoint)
    return _document(label, found, size[1], size[0])


def write_splines(path: Path, splines: LabelSplines) -> None:
    """The document, in place when it is whole. Raises `DiskFull`, `ShotReadOnly`."""
    with atomic_path(path) as beside:
        beside.write_text(document_text(splines), encoding="utf-8")


def _fitted_all(lives: Sequence[Life], tolerance: float, frames: int, checkpoint: Checkpoint) -> list[_Spline]:
    """The lives' splines. Progress counts outlines, as if there were one a frame."""
    total = max(sum(len(life.contours) for life in lives), 1)
    found: list[_Spline] = []
    waiting = list(reversed(lives))
    done = 0

    def step() -> None:
        checkpoint(frames + int(frames * done / total), 2 * frames)

    while waiting:
        step()
        life = waiting.pop()
        parts = _fitted_life(life, tolerance, step)
        if isinstance(parts, Keyed):
            found.append(_Spline(life, parts))
            done += len(life.contours)
        else:
            waiting.extend(reversed(parts))
    return found


def _fitted_life(life: Life, tolerance: float, step: Callable[[], None]) -> Keyed | tuple[Life, Life]:
    """The spline of a life; or the life parted, where points that came with it from its first frame no longer make an
    outline that has changed too much. A part begins with points of its own."""
    frames = frames_of(life)
    small = 3.0 * min(frame.allowed / frame.length for frame in frames)  # px that are much in area all the way around
    knots = choose_knots(frames, min(_OWN * tolerance, max(small, _FINEST)))
    shape, aim = Shape.of(len(knots)), tolerance * _AIM
    own = []
    for at, frame in enumerate(frames):
        step()
        own.append(fitted(frame, shape, places_at(frame.shares, knots), aim))
        if at and own[-1].error > aim:
            return life.parted(at)
    return choose_keys(frames, shape, own, aim, tolerance, step)


def _document(label: str, found: Sequence[_Spline], width: int, height: int) -> LabelSplines:
    ordered = sorted(found, key=lambda spline: (spline.life.depth, spline.life.first))
    splines = tuple(_mask_spline(spline) for spline in ordered)
    error = max((spline.keyed.error for spline in found), default=0.0)
    keys = sum(len(spline.keys) for spline in splines)
    return LabelSplines(SPLINES_VERSION, label, width, height, round(error, 3), keys, splines)


def _mask_spline(spline: _Spline) -> MaskSpline:
    """Its points go anticlockwise on the screen, holes' too: Blender draws a soft rim, nearly a pixel wide, on the left
    of a curve, which is inside then, where the mask is full anyway."""
    life, keyed = spline.life, spline.keyed
    keys = []
    turned = signed_area(life.contours[0].points) > 0.0
    for frame, polygon in zip(keyed.keys, keyed.polygons, strict=True):
        rows = np.round(pairs_of(polygon), 3)
        rows = rows[::-1, [0, 1, 4, 5, 2, 3]] if turned else rows
        points = tuple((float(a), float(b), float(c), float(d), float(e), float(f)) for a, b, c, d, e, f in rows)
        keys.append(SplineKey(life.first + frame, points))
    document = MaskSpline(life.first, life.last, len(keys[0].points), tuple(keys))
    return replace(document, subtract=True) if life.is_hole else document
