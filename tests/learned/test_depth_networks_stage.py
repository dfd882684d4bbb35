"""Engine depth-learned through the depth stage: in the solve's scale, without a solve's depth, and again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from backend.cli.main import main
from backend.depth.outputs import read_depth, read_grey
from backend.depth_files import independent_depth
from backend.depth_learned import engine as learned
from backend.depth_learned.maps import METRIC, RELATIVE, Map, Picture, RawMap
from backend.engines import statuses
from shared.camera_files import Similarity, read_camera
from shared.depth_meta import read_depth_meta
from shared.errors import EngineUnavailable
from shared.shot import ShotFolder, document_text
from tests.blender.synthetic_shot import Truth
from tests.learned.tiny_depth_models import save_depth_anything, save_zoedepth
from tests.unit.depth_shot import PLAN, floor_depth, run_depth, shot_with_floor

MANY = replace(PLAN, points=400)
torch.set_num_threads(1)


class Floor:
    """A network that knows the floor: half its depth as metres, or its inverse depth with a scale and a shift."""

    name, batch = "floor", 2

    def __init__(self, truth: Truth, kind: str) -> None:
        self.truth, self.kind, self.asked = truth, kind, 0

    def predict(self, pictures: Sequence[Picture]) -> list[RawMap]:
        maps = []
        for _ in pictures:
            depth = floor_depth(self.truth, self.asked % self.truth.plan.count)
            self.asked += 1
            inverse = np.nan_to_num(1.0 / depth, nan=0.0)
            metres = np.where(inverse > 1e-5, 0.5 / np.maximum(inverse, 1e-5), 5000.0)
            maps.append(RawMap((metres if self.kind == METRIC else 3.0 * inverse + 1.0).astype(np.float32)))
        return maps

    def resized(self, raw: RawMap, size: tuple[int, int], focal_px: float | None = None) -> Map:
        return np.asarray(cv2.resize(raw.values, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def floor_points_only(root: Path) -> None:
    cloud = ShotFolder(root).cloud
    stored = dict(np.load(cloud))
    keep = np.abs(stored["xyz"][:, 2]) < 1e-6
    np.savez(cloud, **{name: value[keep] for name, value in stored.items()})


def weights(root: Path) -> dict[str, Any]:
    save_depth_anything(root / "depth-anything-v2-small")
    return {"engine": "depth-learned", "weights": str(root)}


@pytest.mark.parametrize("kind", [METRIC, RELATIVE])
def test_maps_of_a_network_take_the_scale_of_the_solve(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot = tmp_path / "shot"
    truth = shot_with_floor(shot, MANY)
    floor_points_only(shot)
    model = Floor(truth, kind)
    monkeypatch.setattr(learned, "load", lambda chosen, device, notice: model)
    result, notices = run_depth(shot, dense=True, **weights(tmp_path / "weights"))
    assert (shot / "colmap/dense/fused.ply").stat().st_size > 10_000
    meta = json.loads((shot / "depth/meta.json").read_text(encoding="utf-8"))
    assert (result.engine, meta["engine"], meta["model"]) == (
        "depth-learned",
        "depth-learned",
        "depth-anything-v2-small",
    )
    assert (meta["scale"], meta["focal_source"], meta["units"]) == ("solve", "solved", "arbitrary")
    assert not independent_depth(ShotFolder(shot))
    for index, number in enumerate((1001, 1002, 1003, 1004)):
        depth, expected = read_depth(shot / f"depth/frame_{number}.exr"), floor_depth(truth, index)
        off = np.abs(depth / expected - 1.0)[expected < 20.0]
        assert np.percentile(off, 99) < 0.03 and np.median(off) < 0.005
        assert (depth[np.isnan(expected)] > 1e9).mean() > 0.9
        assert 0 < read_grey(shot / f"depth/confidence/frame_{number}.png").max() < 128
    assert (abs(result.facts["metric_scale"] - 0.5) < 0.005) if kind == METRIC else "metric_scale" not in result.facts
    assert any("world was not changed" in text for text in notices) == (kind == METRIC)
    assert model.asked == 4
    if kind == METRIC:
        assert main(["world", str(shot), "--metric-depth"]) == 0
        moved = read_depth_meta(shot)
        assert read_camera(shot).extrinsics.scale_source == "metric-depth" and moved.units == "metres"
        assert moved.metric_scale is not None and abs(moved.metric_scale - 1.0) < 1e-6
    else:
        assert main(["world", str(shot), "--metric-depth"]) == 2


def test_a_locked_camera_takes_a_networks_depth_as_it_is(tmp_path: Path) -> None:
    """No point has a depth: units are the network's, and a solve may only use what is depth but for a scale."""
    shot = tmp_path / "shot"
    shot_with_floor(shot, MANY)
    cloud = ShotFolder(shot).cloud
    stored = dict(np.load(cloud))
    np.savez(cloud, **{**stored, "at_infinity": np.ones(len(stored["xyz"]), bool)})
    said = read_camera(shot).extrinsics
    frames = tuple(replace(frame, motion="locked") for frame in said.frames)
    ShotFolder(shot).extrinsics.write_text(document_text(replace(said, frames=frames)), encoding="utf-8")
    places = weights(tmp_path / "weights")
    save_zoedepth(tmp_path / "weights/zoedepth")
    result, notices = run_depth(shot, **{**places, "engine": "auto"})
    meta = json.loads((shot / "depth/meta.json").read_text(encoding="utf-8"))
    assert result.engine == "depth-learned" and any("network is used" in text for text in notices)
    assert (meta["focal_source"], meta["scale"], meta["units"]) == ("learned", "affine", "arbitrary")
    assert not independent_depth(ShotFolder(shot))
    run_depth(shot, **places, model="zoedepth")
    meta = json.loads((shot / "depth/meta.json").read_text(encoding="utf-8"))
    assert (meta["model"], meta["scale"], meta["units"]) == ("zoedepth", "metric", "metres")
    assert len(independent_depth(ShotFolder(shot))) == 4


def test_a_world_that_moves_leaves_a_networks_metres_alone(tmp_path: Path) -> None:
    from backend.world.carriers import Move, _moved_description

    move = Move(Similarity(3.0, ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0)), (0.0, 0, 0)), 7, "arbitrary")
    said = {"units": "metres", "scale": "metric", "near": 1.0, "far": 2.0}
    assert json.loads(_moved_description(tmp_path, said, move, False)) == {**said, "world_revision": 7}
    moved = json.loads(_moved_description(tmp_path, {**said, "scale": "solve"}, move, True))
    assert (moved["near"], moved["far"], moved["units"], moved["world_revision"]) == (3.0, 6.0, "arbitrary", 7)


def test_missing_weights_are_an_error_with_the_command_that_fetches_them(tmp_path: Path) -> None:
    shot_with_floor(tmp_path / "shot")
    with pytest.raises(EngineUnavailable, match="Depth Anything V2 Small") as missing:
        run_depth(tmp_path / "shot", engine="depth-learned", weights=str(tmp_path / "none"))
    assert "models --get depth-anything-v2-small" in missing.value.remedy
    (status,) = [one for one in statuses() if one.engine == "depth-learned"]
    assert status.kind == "learned" and "CC-BY-NC" in status.weights_licence
