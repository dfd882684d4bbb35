"""What the 2D evidence of a clip is made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Mask = NDArray[np.uint8]

LIGHTWEIGHT, BALANCED, PERFORMANCE = "lightweight", "balanced", "performance"
MODES = (LIGHTWEIGHT, BALANCED, PERFORMANCE)
"""How often each person is looked at, in turned, shifted, scaled and mirrored crops; see docs/pose.md."""


class PoseParams(Protocol):
    """The fields of the stage's params that are read here. engine: one of `engines.ENGINES` or "auto". pose_mode: one
    of MODES. weights: folder of the weights, None for the usual one. model: a model's name, or "auto"."""

    @property
    def engine(self) -> str: ...
    @property
    def pose_mode(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def weights(self) -> str | None: ...
    @property
    def allow_non_commercial(self) -> bool: ...


def no_checkpoint(what: str, done: int, total: int) -> None:
    pass


def no_notice(sentence: str) -> None:
    pass


def no_masks(label: str, number: int) -> Mask | None:
    return None


@dataclass(frozen=True)
class PoseJob:
    """numbers: plate numbers, ascending. picture: number -> uint8 [H, W, 3] RGB of the distorted plate at full size,
    shared, not to be written into. fps: of the clip. store: folder for what was seen, frame by frame, kept from run to
    run while the stage is unfinished; it belongs to one plate and one set of masks. labels: people that have roto
    masks, in order; without, people are found and named `person_00`, ... by first appearance. masks: label, number ->
    uint8 [H, W], 255 where the person is, None where that frame has none. cuts: plate numbers that begin another
    take, over which nobody is followed; empty: they are looked for. hands_and_face: whether to look at those too.
    device: for torch and onnxruntime ("cpu", "cuda:0"). checkpoint(what, done, total): says how far it is, raises
    `JobCancelled`. notice: tells the user a sentence."""

    numbers: tuple[int, ...]
    picture: Callable[[int], Picture]
    fps: float
    params: PoseParams
    store: Path
    labels: tuple[str, ...] = ()
    masks: Callable[[str, int], Mask | None] = no_masks
    cuts: Sequence[int] = field(default=())
    hands_and_face: bool = True
    device: str = "cpu"
    checkpoint: Callable[[str, int, int], None] = no_checkpoint
    notice: Callable[[str], None] = no_notice
