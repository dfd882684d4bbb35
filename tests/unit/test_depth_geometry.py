"""What is built from the maps: it lies where it should, moves with the world, and needs no maps to be made anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.depth import engines
from backend.depth.engines import EngineRun
from backend.depth.frame import FrameDepth
from backend.depth.job import DepthJob
from backend.fusion.ply import read_ply
from backend.fusion.shapes import Cloud, Mesh
from backend.pipeline import manifest
from backend.pipeline.runner import is_up_to_date, plan
from backend.world.change import WorldStep, change_world
from shared.camera_files import Similarity
from shared.depth_meta import FUSED_CLOUD, FUSED_MESH
from shared.errors import NoParallax
from shared.shot import ShotFolder
from shared.stages import stage_info
from tests.unit.depth_shot import PLAN, floor_depth, record, run_depth, shot_with_floor

BUILT = {"cloud-dense": FUSED_CLOUD, "mesh": FUSED_MESH, "frame-meshes": "depth/meshes"}
TURN = ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
STEP = WorldStep(Similarity(2.0, TURN, (1.0, 2.0, 3.0)), "picked", "two-points", "metres")


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A shot whose engine knows the floor up to 9 m to a thousandth; the frames that it was asked for."""
    truth = shot_with_floor(tmp_path, replace(PLAN, distortion=(-0.08, 0.0, 0.0, 0.0), points=200))
    told: list[int] = []

    def floor(job: DepthJob, left: Sequence[int]) -> Iterator[FrameDepth]:
        for index in left:
            pose = job.poses[index]
            assert pose is not None
            height, width = pose.size
            u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
            rays = np.stack((u, v, np.ones_like(u)), -1) @ np.linalg.inv(pose.K).T @ pose.world_from_camera[:3, :3].T
            depth = np.where(rays[..., 2] < 0.0, -pose.centre[2] / np.minimum(rays[..., 2], -1e-9), 0.0)
            depth *= 1.0 + 0.001 * np.random.default_rng(index).standard_normal(depth.shape)
            depth = np.where(depth < 9.0, depth, 0.0).astype(np.float32)
            told.append(pose.number)
            yield FrameDepth(pose.number, depth, np.where(depth > 0, 0.9, 0.0).astype(np.float32))

    monkeypatch.setattr(engines, "_mvs", lambda job, left: EngineRun(floor(job, left)))
    assert len(truth.frames) == 4 and np.isfinite(floor_depth(truth, 0)).any()
    return told


def vertices(path: Path) -> Cloud:
    shape = read_ply(path)
    return shape.vertices if isinstance(shape, Mesh) else shape


def test_it_is_the_floor_and_moves_with_the_world(tmp_path: Path, asked: list[int]) -> None:
    built = {"dense": True, "mesh": True, "mesh_faces": 1500, "frame_meshes": True}
    result, _ = run_depth(tmp_path, engine="mvs", **built)
    kinds = {artifact.kind: artifact for artifact in result.artifacts}
    assert {kind: kinds[kind].path for kind in BUILT} == BUILT and all(kinds[kind].bytes for kind in BUILT)
    places = {path: vertices(tmp_path / path) for path in (FUSED_CLOUD, FUSED_MESH, "depth/meshes/frame_1003.ply")}
    for path, cloud in places.items():
        assert len(cloud) > 30 and np.percentile(np.abs(cloud.xyz[:, 2]), 80) < 0.05, path
        assert np.median(cloud.normals[:, 2]) > 0.97, path
    mesh = read_ply(tmp_path / FUSED_MESH)
    assert isinstance(mesh, Mesh) and 700 < len(mesh.faces) <= 1700
    record(tmp_path, result, engine="mvs", **built)
    change_world(tmp_path, lambda camera: STEP)
    for path, cloud in places.items():
        moved = vertices(tmp_path / path)
        expected = 2.0 * cloud.xyz @ np.array(TURN).T + (1.0, 2.0, 3.0)
        assert np.allclose(moved.xyz, expected, atol=1e-5) and np.array_equal(moved.rgb, cloud.rgb), path
        assert np.allclose(moved.normals, cloud.normals @ np.array(TURN).T, atol=1e-6), path
    shot = ShotFolder(tmp_path)
    again = plan(stage_info("depth"), {"engine": "mvs", "iterations": 0, **built}, shot, "")
    assert is_up_to_date(again, shot) is not None


def test_a_cloud_of_maps_that_are_there_needs_no_engine(tmp_path: Path, asked: list[int]) -> None:
    result, _ = run_depth(tmp_path, engine="mvs")
    record(tmp_path, result, engine="mvs")
    shot = ShotFolder(tmp_path)
    done = manifest.find(shot, "depth")
    assert done is not None and done.params.pop("holes")  # as a version wrote it that had no such parameter
    manifest.write(shot, "depth", done)
    assert asked == [1001, 1002, 1003, 1004] and not (tmp_path / FUSED_CLOUD).exists()
    frame = tmp_path / "depth/frame_1002.exr"
    made = frame.stat().st_mtime_ns
    result, _ = run_depth(tmp_path, engine="mvs", dense=True)
    assert len(asked) == 4 and frame.stat().st_mtime_ns == made and result.engine == "mvs"
    kinds = {artifact.kind for artifact in result.artifacts}
    assert {"depth", "depth-normals", "cloud-dense"} <= kinds and "mesh" not in kinds
    cloud = vertices(tmp_path / FUSED_CLOUD)
    assert len(cloud) > 100 and np.abs(cloud.xyz[:, 2]).max() < 0.05
    record(tmp_path, result, engine="mvs", dense=True)
    result, _ = run_depth(tmp_path, engine="mvs")  # without: what is not asked for goes
    assert not (tmp_path / FUSED_CLOUD).exists() and len(asked) == 4
    record(tmp_path, result, engine="mvs")
    run_depth(tmp_path, engine="mvs", frame_end=1002, dense=True)  # other maps: they are made
    assert asked[4:] == [1001, 1002]


def test_depth_of_no_known_scale_is_not_fused(
    tmp_path: Path, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "_mvs", lambda job, left: EngineRun(iter(()), scale="shared"))
    with pytest.raises(NoParallax, match="cannot be fused"):
        run_depth(tmp_path, engine="mvs", dense=True)
