"""What an engine is given for one run of the stage.

An engine is a function `roto_frames(job) -> Iterator[FrameMasks]` that yields every number of `job.numbers` once, in
ascending order: `backend.roto.people` has one for `person`, `backend.roto_learned` one for the engines with weights.
A label found by text yields its objects as `instance_key(label, 0)`, `instance_key(label, 1)`, ...: the stage names
them by first appearance when all are known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.roto_params import RotoParams
from shared.shot import ShotFolder

from .timing import Measure, unmeasured

Picture = NDArray[np.uint8]
INSTANCE = "#"
"""No label has it, so that the key of an instance is never a label."""


@dataclass(frozen=True)
class RotoJob:
    """engine: the engine that runs, by name. numbers: plate numbers that it must yield, ascending. picture: plate
    number -> uint8 [H, W, 3] RGB of full size, shared, not to be written into; the neighbours of the last few are
    there at once. hints: label -> plate number -> what is said of it there (`backend.roto.cut.Hints`), of the labels
    that this engine follows, first labels in front; hints of `person_00` correct the first person that the text
    `person` finds, which is yielded as an instance as ever. texts: label -> what it is in words, of the labels that
    this engine finds by itself. store: finished masks, kept from run to run (`backend.roto.propagation.MaskStore`).
    scratch: a folder of this engine's own that lives as long as the stage is unfinished. device: for torch.
    checkpoint(what, done, total) says how far the engine is and raises `JobCancelled`: to be called several times a
    second. notice tells the user a sentence. measure: for what an engine takes apart from following objects.
    """

    engine: str
    params: RotoParams
    shot: ShotFolder
    numbers: tuple[int, ...]
    width: int
    height: int
    picture: Callable[[int], Picture]
    hints: Mapping[str, Mapping[int, Any]]
    texts: Mapping[str, str]
    store: Any
    scratch: Path
    device: str
    checkpoint: Callable[[str, int, int], None]
    notice: Callable[[str], None]
    measure: Measure = unmeasured


def instance_key(label: str, index: int) -> str:
    """The key under which an engine yields object number `index` (from 0, any order) of a label found by text."""
    return f"{label}{INSTANCE}{index}"
