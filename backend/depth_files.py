"""The depth stage's maps as the solve reads them: only those that a network made without knowing the solved camera.

Maps that were made from this solve would agree with whatever it got wrong.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.media.exr import read_exr
from shared.artifacts import frame_name
from shared.errors import ShotCorrupt
from shared.shot import ShotFolder


@dataclass(frozen=True)
class DepthMaps:
    """Implements `backend.sfm.frames.DepthSource`. paths: the map of each frame of the clip, or None. size: (w, h) of
    the plate."""

    paths: tuple[Path | None, ...]
    size: tuple[int, int]
    shared_scale: bool

    def depth(self, index: int) -> NDArray[np.float32] | None:
        """float32 [H, W]; None without a map. Raises `ShotCorrupt` for one that cannot belong to the plate."""
        path = self.paths[index]
        if path is None:
            return None
        picture = np.asarray(read_exr(path)[..., 0], np.float32)
        height, width = picture.shape
        if (width, height) != self.size:
            raise ShotCorrupt(
                f"{path} has {width} x {height} pixels, the plate {self.size[0]} x {self.size[1]}.",
                "Run the depth stage again, or delete the depth folder.",
            )
        return picture


def independent_depth(shot: ShotFolder) -> list[Path]:
    """The depth maps that know nothing of the solved camera (`focal_source` of depth/meta.json is "learned"), and are
    depth but for a scale: those of `scale` "affine" have an unknown shift too."""
    said = _meta(shot)
    if said.get("focal_source") != "learned" or said.get("scale") == "affine":
        return []
    return sorted((shot.root / "depth").glob("frame_*.exr"))


def depth_fingerprint(shot: ShotFolder) -> dict[str, str]:
    """Which maps there are, as an input of the solve. Not what is in them: the depth stage needs the solve, a solve
    with depth makes it run again, and its maps then differ in their scale, which the solve leaves open anyway."""
    names = [path.name for path in independent_depth(shot)]
    return {"depth": f"{len(names)} maps, {names[0]} to {names[-1]}"} if names else {}


def depth_maps(shot: ShotFolder, numbers: Sequence[int], size: tuple[int, int]) -> DepthMaps | None:
    """The maps of the clip's frames `numbers`; None when there are none that may be used. All maps have one scale if
    depth/meta.json says `"scale": "shared"` or `"metric"`; else each has its own."""
    there = {path.name: path for path in independent_depth(shot)}
    if not there:
        return None
    paths = tuple(there.get(frame_name(number, "exr")) for number in numbers)
    return DepthMaps(paths, size, _meta(shot).get("scale") in ("shared", "metric"))


def _meta(shot: ShotFolder) -> dict[str, object]:
    path = shot.root / "depth/meta.json"
    if not path.is_file():
        return {}
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as bad:
        raise ShotCorrupt(f"{path} cannot be read: {bad}.", "Run the depth stage again, or delete it.") from bad
    return said if isinstance(said, dict) else {}
