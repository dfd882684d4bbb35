"""A camera that zooms in the files of a solve."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from backend.sfm.colmap_model import write_colmap_model
from backend.sfm.frames import Floats
from backend.sfm.result import CameraSolve, FrameSolve, PointCloud
from backend.sfm.zoom import zoom_notices
from backend.solve_files import intrinsics_of
from shared.artifacts import frame_name
from shared.shot import SourceFacts
from tests.unit.sfm_scene import LENS, seen, travelling

COUNT = 8
FIRST = 1001


def solved(focals: Floats) -> CameraSolve:
    scene = travelling(COUNT, points=40, lens=replace(LENS, k1=-0.1, aspect=1.25)).with_focals(focals)
    if len(set(focals.tolist())) == 1:
        scene = replace(scene, zoom=None)
    poses = np.tile(np.eye(4), (COUNT, 1, 1))
    poses[:, :3, :3], poses[:, :3, 3] = scene.rotation.transpose(0, 2, 1), scene.centres
    frames = tuple(FrameSolve(FIRST + i, "solved", poses[i], 0.1, 40) for i in range(COUNT))
    tracks = seen(scene)
    cloud = PointCloud(scene.points, np.zeros((40, 3), np.uint8), np.zeros(40), tracks.lengths(), np.zeros(40, bool))
    return CameraSolve(640, 360, scene.lens, "solved", frames, cloud, tracks, 0.1, scene.focals)


def facts() -> SourceFacts:
    return SourceFacts("video", 640, 360, "24", FIRST, FIRST + COUNT - 1, COUNT)


def test_every_frame_has_its_focal_length_in_the_intrinsics() -> None:
    focals = np.linspace(500.0, 750.0, COUNT)
    written = intrinsics_of(solved(focals), facts())
    assert [frame.fx for frame in written.frames] == focals.tolist()
    assert np.allclose([frame.fy for frame in written.frames], 1.25 * focals)
    assert {(frame.cx, frame.cy) for frame in written.frames} == {(320.0, 180.0)}
    still = intrinsics_of(solved(np.full(COUNT, 600.0)), facts())
    assert len({(frame.fx, frame.fy) for frame in still.frames}) == 1


@pytest.mark.parametrize("zooms", [True, False])
def test_the_colmap_model_reads_back_with_a_camera_for_each_focal_length(tmp_path: Path, zooms: bool) -> None:
    focals = np.linspace(500.0, 750.0, COUNT) if zooms else np.full(COUNT, 600.0)
    write_colmap_model(solved(focals), tmp_path, frame_name)
    model = pycolmap.Reconstruction(str(tmp_path))
    assert len(model.cameras) == (COUNT if zooms else 1)
    for image in model.images.values():
        index = int(Path(image.name).stem.split("_")[-1]) - FIRST
        assert np.allclose(image.camera.params[:2], [focals[index], 1.25 * focals[index]])
    model.update_point_3d_errors()
    assert model.compute_mean_reprojection_error() < 1e-6


def test_a_notice_says_what_the_lens_does() -> None:
    ramp = np.interp(np.arange(COUNT), [2, 5], [580.0, 1100.0])
    assert zoom_notices(solved(ramp)) == ("The lens zooms from 580 to 1100 px over frames 1003-1006.",)
    there_and_back = 600.0 + 50.0 * np.sin(np.linspace(0.0, np.pi, COUNT))
    assert zoom_notices(solved(there_and_back))[0].startswith("The lens zooms between 600 and 649 px over frames 1001-")
    assert zoom_notices(solved(np.full(COUNT, 600.0))) == ()
