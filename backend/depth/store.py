"""Depth maps on disk between the passes of the stage, a file for each frame.

A map is there whole or not at all, so that a stage that was stopped goes on with the frames that are missing. Depth
is kept exactly (float32), confidence as float16: about 6 bytes a pixel.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np

from backend.pipeline.atomic import atomic_path, disk_errors, remove_partials
from shared.artifacts import frame_name
from shared.errors import ArtifactMissing, ShotCorrupt

from .frame import FrameDepth

_NAME = re.compile(r"frame_(\d{4,})\.npz")


class DepthStore:
    """The maps of one pass in `folder`, which is made if need be; what an interrupted write left there is removed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            remove_partials(folder)

    def path(self, number: int) -> Path:
        return self.folder / frame_name(number, "npz")

    def numbers(self) -> list[int]:
        """Plate numbers that have a map, ascending."""
        found = (_NAME.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted(int(match[1]) for match in found if match)

    def __contains__(self, number: int) -> bool:
        return self.path(number).is_file()

    def write(self, frame: FrameDepth) -> None:
        """Raises `DiskFull`, `ShotReadOnly`, and ValueError for a map that is not what it should be."""
        _check(frame)
        with atomic_path(self.path(frame.number)) as beside, beside.open("wb") as file:
            np.savez(
                file,
                depth=frame.depth.astype(np.float32),
                confidence=frame.confidence.astype(np.float16),
                sources=np.array(frame.sources, np.int32),
            )

    def read(self, number: int) -> FrameDepth:
        """Raises `ArtifactMissing`, `ShotCorrupt`."""
        path = self.path(number)
        try:
            with np.load(path, allow_pickle=False) as stored:
                sources = tuple(int(source) for source in stored["sources"])
                return FrameDepth(number, stored["depth"], stored["confidence"].astype(np.float32), sources)
        except FileNotFoundError as gone:
            raise ArtifactMissing(f"There is no depth of frame {number} in {self.folder}.") from gone
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as bad:
            raise ShotCorrupt(f"{path} cannot be read: {bad}.", "Delete it and run the depth stage again.") from bad

    def remove(self, number: int) -> None:
        self.path(number).unlink(missing_ok=True)


def _check(frame: FrameDepth) -> None:
    if frame.depth.ndim != 2 or frame.depth.shape != frame.confidence.shape:
        raise ValueError(f"depth {frame.depth.shape} and confidence {frame.confidence.shape} of frame {frame.number}")
    if not (np.isfinite(frame.depth).all() and (frame.depth >= 0.0).all()):
        raise ValueError(f"depth of frame {frame.number} has values that are no lengths")
    if not ((frame.confidence >= 0.0) & (frame.confidence <= 1.0)).all():
        raise ValueError(f"confidence of frame {frame.number} is not within 0 to 1")
