"""What a run of the matte stage works on: the plate, and every object's masks and bands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.frame_ranges import chosen_frames
from backend.media.plate import PlateReader
from shared.artifacts import RESERVED_LABELS, frame_name
from shared.errors import ArtifactMissing, InvalidRequest, ShotCorrupt
from shared.matte_params import MatteParams
from shared.shot import ShotFolder

from .clip import UNKNOWN, MatteClip, Picture, Recent
from .files import read_alpha
from .motion import Field, Motion, carried_on
from .trimap import Band, BandSettings, Mask, band_of

_PICTURES_BYTES = 768 * 1024 * 1024
"""Most memory that decoded frames may take; the reach in time is less for large plates."""


@dataclass(frozen=True)
class MatteJob:
    """size: (width, height) of the plate. numbers: plate numbers of its frames. chosen: indices of the frames that get
    mattes. clips: label -> its frames. scratch: a folder of this run that survives a stop."""

    params: MatteParams
    size: tuple[int, int]
    numbers: Sequence[int]
    chosen: Sequence[int]
    clips: Mapping[str, MatteClip]
    motion: Motion
    reach: int
    scratch: Path
    device: str
    notice: Callable[[str], None]
    check_cancelled: Callable[[], None]


def reach_of(params: MatteParams, size: tuple[int, int]) -> int:
    """Frames before and after that are looked at: as asked for, and not more than fit in memory."""
    fitting = _PICTURES_BYTES // (4 * size[0] * size[1])
    return max(1, min(params.reach, (fitting - 1) // 4)) if params.reach else 0


def labels_of(params: MatteParams, shot: ShotFolder) -> list[str]:
    """The labels that get mattes. Raises `ArtifactMissing` without masks, `InvalidRequest` for a label that is not
    there."""
    there = mask_labels(shot)
    if not there:
        raise ArtifactMissing(f"{shot.roto_dir} has no masks.", "Run the roto stage on prompts, or paint masks.")
    if params.labels is None:
        return there
    wanted = [name.strip() for name in params.labels.split(",") if name.strip()]
    for name in wanted:
        if name not in there:
            raise InvalidRequest(f"There is no label {name!r} under roto/; there is {', '.join(there)}.")
    return wanted or there


def mask_labels(shot: ShotFolder) -> list[str]:
    """Every folder under roto/ with masks of an object; `mask` alone when nobody named any."""
    folders = sorted(path for path in shot.roto_dir.iterdir() if path.is_dir()) if shot.roto_dir.is_dir() else []
    named = [path.name for path in folders if not path.name.startswith(".") and any(path.glob("frame_*.png"))]
    return [name for name in named if name not in RESERVED_LABELS] or [name for name in named if name == "mask"]


def chosen_indices(params: MatteParams, numbers: Sequence[int]) -> list[int]:
    """Raises `FootageEmpty`."""
    chosen = set(chosen_frames(numbers, params.frame_start, params.frame_end, "--matte-start and --matte-end"))
    return [index for index, number in enumerate(numbers) if number in chosen]


Pictures = Callable[[int], Picture]
"""RGB pictures of the plate by index."""


def pictures_of(plate: PlateReader, reach: int) -> Pictures:
    """Keeps what a frame's mattes look at."""
    kept: Recent[Picture] = Recent(4 * reach + 4)
    return lambda index: kept.get(index, lambda: plate.rgb(index))


def clip_of(
    label: str, shot: ShotFolder, numbers: Sequence[int], size: tuple[int, int], pictures: Pictures, motion: Motion,
    params: MatteParams, reach: int,
) -> MatteClip:  # fmt: skip
    """An object's frames; bands are made when they are asked for, and kept while they are near."""
    settings = BandSettings(params.band, params.widen_inside, params.widen_outside, params.shutter)

    def make(index: int) -> Band:
        mask = read_mask(shot, label, numbers[index], size)
        if mask is None:
            open_ = np.full((size[1], size[0]), UNKNOWN, np.uint8)
            return Band(open_, np.zeros(open_.shape, np.float32))
        return band_of(pictures(index), mask, speed(motion, mask, index, len(numbers)), settings)

    kept: Recent[Band] = Recent(4 * reach + 4)

    def band(index: int) -> Band:
        return kept.get(index, lambda: make(index))

    return MatteClip(len(numbers), pictures, lambda index: band(index).trimap, lambda index: band(index).depth)


def read_mask(shot: ShotFolder, label: str, number: int, size: tuple[int, int]) -> Mask | None:
    """bool [H, W]; None for a frame that has no mask: nothing is known of it. Raises `ShotCorrupt`."""
    path = shot.roto_dir / label / frame_name(number)
    if not path.is_file():
        return None
    mask = read_alpha(path) >= 0.5
    if mask.shape != (size[1], size[0]):
        raise ShotCorrupt(
            f"{path} has {mask.shape[1]} x {mask.shape[0]} pixels, the plate {size[0]} x {size[1]}.",
            "Run the roto stage again, or paint that mask in the plate's size.",
        )
    return mask


def speed(motion: Motion, mask: Mask, index: int, count: int) -> NDArray[np.float32]:
    """float32 [H, W] px per frame of the object against what is behind it."""
    height, width = mask.shape
    if count < 2 or not mask.any() or mask.all():
        return np.zeros((height, width), np.float32)
    flow: Field = motion.flow(index, 1 if index + 1 < count else -1)
    inside = cv2.resize(mask.astype(np.float32), (flow.shape[1], flow.shape[0]), interpolation=cv2.INTER_AREA)
    object_ = carried_on(flow, (inside > 0.99).astype(np.float32))
    behind = carried_on(flow, (inside < 0.01).astype(np.float32))
    apart = np.linalg.norm(object_ - behind, axis=2)
    return np.asarray(cv2.resize(apart, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
