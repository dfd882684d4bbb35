"""Depth maps as the solve takes them from a shot."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from backend.depth_files import depth_fingerprint, depth_maps
from shared.errors import ShotCorrupt
from shared.shot import ShotFolder

SIZE = (12, 8)


def shot_with_depth(root: Path, meta: dict[str, object], *numbers: int) -> ShotFolder:
    folder = root / "depth"
    folder.mkdir()
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    for number in numbers:
        z = np.full((SIZE[1], SIZE[0]), float(number), np.float32)
        OpenEXR.File({}, {"Z": z}).write(str(folder / f"frame_{number:04d}.exr"))
    return ShotFolder(root)


def test_maps_of_a_network_that_did_not_see_the_camera_are_taken(tmp_path: Path) -> None:
    shot = shot_with_depth(tmp_path, {"focal_source": "learned"}, 1001, 1003)
    maps = depth_maps(shot, [1001, 1002, 1003], SIZE)
    assert maps is not None and not maps.shared_scale
    first, missing, last = (maps.depth(index) for index in range(3))
    assert first is not None and first.dtype == np.float32 and first.shape == (8, 12) and (first == 1001.0).all()
    assert missing is None
    assert last is not None and (last == 1003.0).all()
    assert depth_fingerprint(shot) == {"depth": "2 maps, frame_1001.exr to frame_1003.exr"}


def test_maps_made_from_the_solve_are_not(tmp_path: Path) -> None:
    shot = shot_with_depth(tmp_path, {"focal_source": "solved"}, 1)
    assert depth_maps(shot, [1], SIZE) is None
    assert depth_fingerprint(shot) == {}


def test_a_shot_without_depth_has_none(tmp_path: Path) -> None:
    assert depth_maps(ShotFolder(tmp_path), [1], SIZE) is None


def test_one_scale_for_all_maps_when_the_depth_stage_says_so(tmp_path: Path) -> None:
    shot = shot_with_depth(tmp_path, {"focal_source": "learned", "scale": "metric"}, 1)
    maps = depth_maps(shot, [1], SIZE)
    assert maps is not None and maps.shared_scale


def test_maps_of_another_size_or_a_broken_meta_are_errors(tmp_path: Path) -> None:
    shot = shot_with_depth(tmp_path, {"focal_source": "learned"}, 1)
    maps = depth_maps(shot, [1], (24, 16))
    assert maps is not None
    with pytest.raises(ShotCorrupt, match="12 x 8"):
        maps.depth(0)
    (tmp_path / "depth/meta.json").write_text("{", encoding="utf-8")
    with pytest.raises(ShotCorrupt, match=r"meta\.json"):
        depth_maps(shot, [1], SIZE)
