"""The plate of a shot read back, for the stages after ingest: 8-bit arrays and the masks to respect."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.artifacts import RESERVED_LABELS, frame_name
from shared.errors import ArtifactMissing, ShotCorrupt
from shared.roto_prompts import read_prompts
from shared.shot import ShotFolder

_INSTANCE = re.compile(r"_\d\d+$")


class PlateReader:
    """Frames of a shot's plate by index (0 is `numbers[0]`), from any thread.

    numbers: plate numbers, ascending. width, height: px. Keeps the last `cache` frames decoded and reads
    `ahead` frames in the background while the caller goes through the clip in either direction. Masks of
    roto labels that move are offered by `usable` unless `use_masks` is off. Use as a context manager.
    """

    def __init__(self, shot: ShotFolder, *, use_masks: bool = True, cache: int = 8, ahead: int = 2) -> None:
        facts = shot.read().facts
        self.numbers: Sequence[int] = shot.frame_numbers()
        self.width, self.height = facts.width, facts.height
        if len(self.numbers) != facts.frame_count:
            raise ArtifactMissing(
                f"{shot.frames_dir} holds {len(self.numbers)} of the plate's {facts.frame_count} frames.",
                "Run ingest again.",
            )
        self._shot = shot
        self._ahead, self._limit = ahead, max(cache, 2 * ahead + 2)
        self._frames: OrderedDict[int, Future[NDArray[np.uint8]]] = OrderedDict()
        self._lock = threading.Lock()
        self._last = -1
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="plate")
        self._masks = moving_mask_folders(shot) if use_masks else ()

    def __enter__(self) -> PlateReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stops reading ahead."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __len__(self) -> int:
        return len(self.numbers)

    def bgr(self, index: int) -> NDArray[np.uint8]:
        """[H,W,3] uint8 BGR, shared: do not write into it. 16-bit plates keep their upper 8 bits. Raises
        `ArtifactMissing`, `ShotCorrupt`."""
        with self._lock:
            wanted = self._future(index)
            step = 1 if index >= self._last else -1
            self._last = index
            for offset in range(1, self._ahead + 1):
                if 0 <= index + step * offset < len(self.numbers):
                    self._future(index + step * offset)
            self._frames.move_to_end(index)
            while len(self._frames) > self._limit:
                self._frames.popitem(last=False)
        return wanted.result()

    def _future(self, index: int) -> Future[NDArray[np.uint8]]:
        known = self._frames.get(index)
        if known is None:
            known = self._frames[index] = self._pool.submit(self._read, index)
        return known

    def gray(self, index: int) -> NDArray[np.uint8]:
        """[H,W] uint8, BT.601 luma of the code values."""
        return np.asarray(cv2.cvtColor(self.bgr(index), cv2.COLOR_BGR2GRAY), np.uint8)

    def rgb(self, index: int) -> NDArray[np.uint8]:
        """[H,W,3] uint8 RGB."""
        return np.asarray(cv2.cvtColor(self.bgr(index), cv2.COLOR_BGR2RGB), np.uint8)

    def usable(self, index: int) -> NDArray[np.bool_] | None:
        """[H,W] bool, False where something moves by itself; None when no mask says anything of the frame."""
        moving: NDArray[np.bool_] | None = None
        for folder in self._masks:
            path = folder / frame_name(self.numbers[index])
            if path.is_file():
                mask = self._read_mask(path)
                moving = mask if moving is None else moving | mask
        return None if moving is None else ~moving

    def _read(self, index: int) -> NDArray[np.uint8]:
        path = self._shot.frame_path(self.numbers[index])
        image = _decode(path, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
        self._check_size(path, image)
        if image.dtype == np.uint16:
            image = (image >> 8).astype(np.uint8)
        return np.asarray(image, np.uint8)

    def _read_mask(self, path: Path) -> NDArray[np.bool_]:
        mask = _decode(path, cv2.IMREAD_GRAYSCALE)
        self._check_size(path, mask)
        return np.asarray(mask > 127)

    def _check_size(self, path: Path, image: NDArray[Any]) -> None:
        height, width = image.shape[:2]
        if (width, height) != (self.width, self.height):
            raise ShotCorrupt(f"{path} is {width}x{height}, the plate is {self.width}x{self.height}.")


def _decode(path: Path, flags: int) -> NDArray[Any]:
    try:
        # Through memory: OpenCV cannot open every path on Windows.
        image = cv2.imdecode(np.fromfile(path, np.uint8), flags)
    except FileNotFoundError as gone:
        raise ArtifactMissing(f"{path} is missing.", "Run ingest again.") from gone
    except (OSError, cv2.error) as bad:
        raise ShotCorrupt(f"{path} cannot be read: {bad}.") from bad
    if image is None:
        raise ShotCorrupt(f"{path} is damaged.")
    return image


def moving_mask_folders(shot: ShotFolder) -> tuple[Path, ...]:
    """The mask folders of labels that move by themselves: all labels that `roto/prompts.json` does not
    call static; the union in `roto/mask` when there are no labels."""
    if not shot.roto_dir.is_dir():
        return ()
    folders = sorted(path for path in shot.roto_dir.iterdir() if path.is_dir() and not path.name.startswith("."))
    labels = [path for path in folders if path.name not in RESERVED_LABELS]
    if not labels:
        return tuple(path for path in folders if path.name == "mask")
    static = _static_labels(shot)
    return tuple(path for path in labels if path.name not in static)


def _static_labels(shot: ShotFolder) -> set[str]:
    """Labels that the prompts call static, with the instances `<label>_00`... that were found for them. Raises
    `ShotCorrupt`."""
    static = {name for name, label in read_prompts(shot).labels.items() if not label.moving}
    folders = (path.name for path in shot.roto_dir.iterdir())
    return static | {name for name in folders if _INSTANCE.sub("", name) in static}
