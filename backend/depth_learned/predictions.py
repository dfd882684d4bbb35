"""Maps of a network on disk, between the pass that runs it and the pass that uses them.

Parameters of all frames are smoothed together, so every map is needed twice; kept in memory they would grow with the
clip, and running the network twice costs more than reading a file.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from backend.pipeline.atomic import atomic_path, disk_errors, remove_partials
from shared.artifacts import frame_name
from shared.errors import ShotCorrupt

from .links import Small
from .maps import RawMap


class PredictionStore:
    """The maps in `folder`, which is made if need be, a file for each frame: 4 bytes for each of the network's pixels.
    They belong to one model and one plate: the caller names the folder so, and deletes it in the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            remove_partials(folder)

    def path(self, number: int) -> Path:
        return self.folder / frame_name(number, "npz")

    def __contains__(self, number: int) -> bool:
        return self.path(number).is_file()

    def write(self, number: int, raw: RawMap, small: Small) -> None:
        """small: of the frame's picture (`links.small_picture`). Raises `DiskFull`, `ShotReadOnly`."""
        angle = np.float64(np.nan if raw.fov_deg is None else raw.fov_deg)
        with disk_errors(self.folder), atomic_path(self.path(number)) as beside, beside.open("wb") as file:
            np.savez(file, values=np.asarray(raw.values, np.float32), fov_deg=angle, small=small)

    def read(self, number: int) -> tuple[RawMap, Small]:
        """The map and the small picture. Raises `ShotCorrupt`, also for a frame that is not there."""
        path = self.path(number)
        try:
            with np.load(path, allow_pickle=False) as stored:
                angle = float(stored["fov_deg"])
                return RawMap(stored["values"], None if np.isnan(angle) else angle), stored["small"]
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as bad:
            raise ShotCorrupt(f"{path} cannot be read: {bad}.", "Delete it and run the depth stage again.") from bad
