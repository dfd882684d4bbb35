"""Masks as files while they come from the engine, frame by frame; and the numbers about them that the report needs."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.pipeline.atomic import atomic_path, disk_errors, remove_partials
from shared.artifacts import frame_name
from shared.errors import InternalError, ShotCorrupt
from shared.roto_params import RotoParams

from .cut import files
from .labels import base_of
from .propagation import HIDDEN, FrameMasks

Bools = NDArray[np.bool_]
Levels = NDArray[np.uint8]


@dataclass
class Track:
    """One object over the clip, by frame: area in px of its mask, state, confidence 0..1. About 32 bytes a frame."""

    numbers: array[int] = field(default_factory=lambda: array("q"))
    area: array[int] = field(default_factory=lambda: array("q"))
    state: list[str] = field(default_factory=list)
    confidence: array[float] = field(default_factory=lambda: array("d"))

    @property
    def first(self) -> int | None:
        """First frame with something in the mask."""
        return next((number for number, area in zip(self.numbers, self.area, strict=True) if area), None)

    @property
    def last(self) -> int | None:
        seen = zip(reversed(self.numbers), reversed(self.area), strict=True)
        return next((number for number, area in seen if area), None)


def compete(soft: Mapping[str, NDArray[np.float32]]) -> dict[str, Bools]:
    """bool [H, W] of each object: where it is more likely than not, and likelier than all others; the first of equals.
    No pixel belongs to two."""
    if len(soft) < 2:
        return {key: np.asarray(mask >= 0.5) for key, mask in soft.items()}
    best = np.full(next(iter(soft.values())).shape, np.nextafter(np.float32(0.5), np.float32(0)), np.float32)
    owner = np.full(best.shape, -1, np.int32)
    for index, mask in enumerate(soft.values()):
        better = mask > best
        best[better], owner[better] = mask[better], index
    return {key: np.asarray(owner == index) for index, key in enumerate(soft)}


def joined(frame: FrameMasks) -> FrameMasks:
    """All instances of a text as one object."""
    soft: dict[str, NDArray[np.float32]] = {}
    state: dict[str, str] = {}
    confidence: dict[str, float] = {}
    for key, mask in frame.soft.items():
        label = base_of(key)
        soft[label] = np.maximum(soft[label], mask) if label in soft else mask
        if state.get(label, HIDDEN) == HIDDEN:
            state[label] = frame.state[key]
        confidence[label] = max(confidence.get(label, 0.0), frame.confidence[key])
    return FrameMasks(frame.number, soft, state, confidence)


class MaskFiles:
    """The masks of a run in `folder`, a subfolder for each key. tracks: key -> what is known of its masks. Memory: a
    few numbers for each frame and object."""

    def __init__(self, folder: Path, size: tuple[int, int], order: Sequence[str], params: RotoParams) -> None:
        """size: the plate's width and height. order: the prompts' labels, first ones in front."""
        self._folder, self._order, self._separate = folder, list(order), params.separate_instances
        self._black = png_of(np.zeros((size[1], size[0]), bool))
        self._numbers: list[int] = []
        self.tracks: dict[str, Track] = {}
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for left in folder.iterdir():
                remove_partials(left)

    def folder(self, key: str) -> Path:
        return self._folder / key

    def write(self, frame: FrameMasks) -> tuple[FrameMasks, dict[str, Bools]]:
        """The frame as it is meant (all instances of a text in one, when they are not to be separate), and the final
        masks of its objects, which are files now. Raises `DiskFull`, `ShotReadOnly`."""
        frame = frame if self._separate else joined(frame)
        keys = sorted(frame.soft, key=lambda key: self._order.index(base_of(key)))
        masks = compete({key: frame.soft[key] for key in keys})
        for key, mask in masks.items():
            track = self.tracks.get(key) or self._begin(key)
            area = int(np.count_nonzero(mask))
            self._put(key, frame.number, png_of(mask) if area else self._black)
            _add(track, frame.number, area, frame.state[key], frame.confidence[key])
        for key in self.tracks.keys() - frame.soft.keys():
            self._put(key, frame.number, self._black)
            _add(self.tracks[key], frame.number, 0, HIDDEN, 0.0)
        self._numbers.append(frame.number)
        return frame, masks

    def _begin(self, key: str) -> Track:
        """An object that was not there in the frames so far."""
        track = self.tracks[key] = Track()
        for number in self._numbers:
            self._put(key, number, self._black)
            _add(track, number, 0, HIDDEN, 0.0)
        return track

    def _put(self, key: str, number: int, png: bytes) -> None:
        with atomic_path(self.folder(key) / frame_name(number)) as beside:
            beside.write_bytes(png)

    def first_seen(self) -> dict[str, int | None]:
        """Key -> first frame with something in the mask, None for one that is empty in all."""
        return {key: track.first for key, track in self.tracks.items()}


def _add(track: Track, number: int, area: int, state: str, confidence: float) -> None:
    track.numbers.append(number)
    track.area.append(area)
    track.state.append(state)
    track.confidence.append(confidence)


def write_union(masks: Sequence[Path], final: Path) -> None:
    """The union of mask files, as a mask file. Raises `ShotCorrupt`, `DiskFull`, `ShotReadOnly`."""
    union: Bools | None = None
    for path in masks:
        mask = read_mask(path)
        if union is not None and union.shape != mask.shape:
            raise ShotCorrupt(f"{path} has another size than the other masks.", "Run the roto stage again.")
        union = mask if union is None else union | mask
    if union is None:
        raise InternalError(f"{final} is the union of no mask at all.")
    with atomic_path(final) as beside:
        beside.write_bytes(png_of(union))


def png_of(mask: Bools) -> bytes:
    """An 8-bit PNG of 0 and 255."""
    done, content = cv2.imencode(".png", np.where(mask, np.uint8(255), np.uint8(0)), [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not done:
        raise InternalError(f"A mask of shape {mask.shape} could not be encoded as PNG.")
    return content.tobytes()


def read_mask(path: Path) -> Bools:
    """bool [H, W] of a mask that this stage wrote. Raises `ArtifactMissing`, `ShotCorrupt`."""
    return files.read_mask(path, "Run the roto stage again.")
