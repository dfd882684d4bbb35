"""What the stage asks of this package, for one person, and what it gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.body_arrays import BodyMesh
from shared.camera_files import Extrinsics, Intrinsics
from shared.motion_arrays import Motion

Picture = NDArray[np.uint8]


def _nothing(_what: str, _done: int, _total: int) -> None:
    return


@dataclass(frozen=True)
class BodyJob:
    """One person's body.

    label: the person. motion: solved, in the world of the cameras. intrinsics, extrinsics: of the plate, as on disk
    (a frame without a pose is left out where pixels are wanted). folder: where files go, the label's own (of the
    stage's checkpoint folder; nothing in it is read). picture(number): uint8 [H,W,3] RGB of the plate, shared, not to
    be written into. mask(label, number): uint8 [H,W], 255 where the label is seen, None when there is none. others:
    labels of other people and things that may stand before this one. kind: "proxy", or "smpl" with `model`, the
    user's own licensed file, a folder with it, or None for the weights folder. non_commercial: whether models for
    non-commercial use are allowed. detail: of the proxy, 1 for about 7,000 triangles. texture: project the plate, onto
    texture_side x texture_side px. refine: fit the proxy's girths to the masks, where there are any. sequence: "usd",
    "abc" or both. blender: the Blender for Alembic, None for the usual one. checkpoint(what, done, total): reports
    progress, raises when the job is cancelled.
    """

    label: str
    motion: Motion
    intrinsics: Intrinsics
    extrinsics: Extrinsics
    folder: Path
    picture: Callable[[int], Picture]
    mask: Callable[[str, int], Picture | None] = lambda _label, _number: None
    others: tuple[str, ...] = ()
    kind: str = "proxy"
    model: Path | None = None
    non_commercial: bool = False
    detail: float = 1.0
    texture: bool = True
    texture_side: int = 1024
    refine: bool = True
    sequence: tuple[str, ...] = ("usd",)
    blender: str | None = None
    checkpoint: Callable[[str, int, int], None] = _nothing


@dataclass(frozen=True)
class BodyResult:
    """mesh: as written. files: what was written, below the job's folder (body.npz first). facts: plain numbers for the
    report. notices: sentences for the user."""

    mesh: BodyMesh
    files: tuple[Path, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
