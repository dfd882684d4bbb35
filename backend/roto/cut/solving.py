"""From log odds that stay to a soft mask: looks and extent in turns, then the pixels of the outline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .convex import minimise
from .evidence import Known, Likeness
from .scene import Scene
from .superpixels import Doubles

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]
Checkpoint = Callable[[], None]

_CERTAIN = 6.0
_MOST = 4.0
"""Log odds of what is marked, and the most that evidence gives."""
_SMOOTHNESS = 0.35
_PIXEL_ROUNDS = 18
_TOLD = 0.4
"""Weight of what other frames say of each pixel."""


@dataclass(frozen=True)
class Weighing:
    """turns: of looks and extent. base, looks: weights of the log odds that stay, and of those of the turns."""

    turns: int
    base: float
    looks: float


FIRST = Weighing(4, 0.5, 1.0)
TRIAL = Weighing(2, 0.5, 1.0)
CORRECTING = Weighing(2, 1.0, 0.5)


@dataclass(frozen=True, eq=False)
class Pieced:
    """share: of the object in each piece, 0..1 [N]. odds: the log odds that it comes from [N]."""

    share: Doubles
    odds: Doubles


def settled(
    scene: Scene,
    likeness: Likeness,
    known: Known,
    base: Doubles,
    check: Checkpoint,
    weighing: Weighing,
    told: Floats | None = None,
) -> Floats:
    """The soft mask, float32 of the working picture. base: log odds [N] that stay. told: log odds that other frames
    give each pixel, float32 of the working picture."""
    pieced = in_turns(scene, likeness, known, base, check, weighing)
    return outlined(scene, known, pieced, check, told)


def in_turns(
    scene: Scene, likeness: Likeness, known: Known, base: Doubles, check: Checkpoint, weighing: Weighing
) -> Pieced:
    """What looks like the object belongs to it, and what belongs to it shows how it looks (GrabCut's iteration)."""
    unsure = ~(known.inside | known.outside)
    certain = np.where(known.inside, _CERTAIN, -_CERTAIN)
    share = np.where(unsure, probability(base), known.inside)
    odds = certain
    for _ in range(weighing.turns):
        odds = np.clip(weighing.base * base + weighing.looks * likeness.log_odds(share), -_MOST, _MOST)
        odds = np.where(unsure, odds, certain)
        smooth = scene.pieces.smoothed(odds, _SMOOTHNESS)
        share = np.where(unsure, 0.7 * smooth + 0.3 * probability(odds), known.inside)
        check()
    return Pieced(share, odds)


def outlined(scene: Scene, known: Known, pieced: Pieced, check: Checkpoint, told: Floats | None = None) -> Floats:
    """The pixels' soft mask: pieces say where the object is, the pixels' own colours where it ends."""
    labels = scene.pieces.labels
    rough = pieced.odds.astype(np.float32)[labels]
    fixed = (known.inside | known.outside)[labels]
    fine = np.clip(scene.colours.log_odds(pieced.share.astype(np.float32)[labels]), -_MOST, _MOST)
    check()
    odds = 0.5 * rough + 0.5 * fine
    if told is not None:
        odds += np.float32(_TOLD) * told
    soft = minimise(-np.where(fixed, rough, odds), scene.edges, _PIXEL_ROUNDS)
    check()
    return soft


def probability(log_odds: Doubles) -> Doubles:
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -30, 30))))
