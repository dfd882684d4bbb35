"""COLMAP's text model, read back by COLMAP's own library."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from shared.camera_files import Similarity, World, read_camera
from shared.errors import ShotCorrupt
from shared.shot import ShotFolder, document_text
from tests.blender.synthetic_shot import ShotPlan, Truth, write_shot
from tests.unit.export_shot import run_export
from tests.unit.test_import_camera import colmap_model

Y_UP = np.array(((1.0, 0, 0), (0, 0, 1), (0, -1, 0)))
PLAN = ShotPlan(plate=False, points=40, focal_px=(310.0, 310.0))


def shot_with_model(root: Path, plan: ShotPlan = PLAN) -> Truth:
    truth = write_shot(root, plan)
    model = colmap_model(truth)
    for image in model.images.values():
        image.name = f"frame_{image.name.split('.')[-2]}.png"
    folder = ShotFolder(root).sparse_dir
    folder.mkdir(parents=True)
    model.write_binary(str(folder))
    return truth


def centres(folder: Path) -> dict[str, np.ndarray]:
    model = pycolmap.Reconstruction(str(folder))
    return {image.name: image.projection_center() for image in model.images.values()}


def test_the_solvers_model_keeps_its_tracks(tmp_path: Path) -> None:
    truth = shot_with_model(tmp_path)
    run_export(tmp_path, formats="colmap", scale=2.0, axes="maya")
    folder = tmp_path / "camera/colmap"
    assert {path.name for path in folder.iterdir()} >= {"cameras.txt", "images.txt", "points3D.txt"}
    model = pycolmap.Reconstruction(str(folder))
    assert model.compute_num_observations() == 40 * truth.plan.count
    model.update_point_3d_errors()
    assert model.compute_mean_reprojection_error() < 20.0  # the fixture's own lens is not the truth's
    for index, number in enumerate(truth.frames.tolist()):
        wanted = 2.0 * Y_UP @ truth.poses[index, :3, 3]
        assert np.abs(centres(folder)[f"frame_{number}.png"] - wanted).max() < 1e-6


def test_a_world_set_by_the_artist_is_in_it(tmp_path: Path) -> None:
    """Poses moved by camera/world.json, the model still in the solver's own world."""
    truth = shot_with_model(tmp_path)
    turn = np.array(((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)))
    shot, camera = ShotFolder(tmp_path), read_camera(tmp_path)
    moved = []
    for pose in camera.extrinsics.frames:
        matrix = np.array(pose.world_from_camera)
        matrix[:3, :3], matrix[:3, 3] = turn @ matrix[:3, :3], 3.0 * turn @ matrix[:3, 3] + (1.0, 2.0, 3.0)
        moved.append(replace(pose, world_from_camera=tuple(map(tuple, matrix.tolist()))))
    world = World(1, 1, Similarity(3.0, tuple(map(tuple, turn.tolist())), (1.0, 2.0, 3.0)))
    shot.world.write_text(document_text(world))
    shot.extrinsics.write_text(document_text(replace(camera.extrinsics, frames=tuple(moved), world_revision=1)))
    run_export(tmp_path, formats="colmap")
    wanted = 3.0 * turn @ truth.poses[0, :3, 3] + (1.0, 2.0, 3.0)
    assert np.abs(centres(tmp_path / "camera/colmap")["frame_1001.png"] - wanted).max() < 1e-6


def test_a_model_of_another_solve_is_refused(tmp_path: Path) -> None:
    shot_with_model(tmp_path)
    write_shot(tmp_path, replace(PLAN, travel=9.0))
    with pytest.raises(ShotCorrupt, match="different solves"):
        run_export(tmp_path, formats="colmap")


def test_a_camera_without_a_model_is_written_without_points(tmp_path: Path) -> None:
    plan = replace(PLAN, distortion=(-0.1, 0.02, 0.001, 0.0005), failed=(1003,), focal_px=(310.0, 330.0))
    truth = write_shot(tmp_path, plan)
    run_export(tmp_path, formats="colmap")
    model = pycolmap.Reconstruction(str(tmp_path / "camera/colmap"))
    assert len(model.images) == len(model.cameras) == plan.count - 1
    for image in model.images.values():
        index = int(image.name[6:10]) - plan.first
        pixels = [image.project_point(place.astype(np.float64)) for place in truth.xyz]
        assert np.abs(np.array(pixels) - truth.project(index, truth.xyz, distorted=True)).max() < 1e-5
