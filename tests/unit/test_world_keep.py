"""A new solve of a shot comes back into the world that was set for the one before."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np

from backend.pipeline.context import StageContext
from backend.world.answer import answer
from backend.world.keep import earlier_camera, keep_world, laid_onto
from shared.camera_files import UNCHANGED, Similarity, SolvedCamera, World, read_camera
from shared.shot import ShotFolder, document_text
from shared.similarity import inverse, move_pose, orthonormal
from shared.world_messages import WorldRequest
from tests.blender.synthetic_shot import Truth
from tests.unit.export_shot import Recorder
from tests.unit.world_shot import check_model, check_pixels, whole_shot

TURN = orthonormal(((0.2, 0.9, 0.1), (-0.9, 0.1, 0.3), (0.0, 0.0, 1.0)))
SET = Similarity(2.0, TURN, (1.0, 2.0, 3.0))


def set_world(root: Path) -> tuple[Truth, SolvedCamera]:
    truth = whole_shot(root)
    answer(WorldRequest(str(root), world_from_solve=SET, up_source="picked", scale_source="two-points"))
    return truth, read_camera(root)


def solve_again(root: Path, truth: Truth, noise: float = 0.0) -> None:
    """What the solve stage leaves: the solver's own world again, at the next revision."""
    shot, camera = ShotFolder(root), read_camera(root)
    answer(WorldRequest(str(root), reset=True))
    reset, rng = read_camera(root), np.random.default_rng(0)
    frames = []
    for frame in reset.extrinsics.frames:
        pose = np.array(frame.world_from_camera)
        pose[:3, 3] += rng.normal(0, noise, 3)
        frames.append(replace(frame, world_from_camera=tuple(tuple(map(float, row)) for row in pose)))
    shot.extrinsics.write_text(document_text(replace(reset.extrinsics, frames=tuple(frames))))
    assert reset.world == World(1, camera.world.revision + 1, UNCHANGED)
    assert reset.extrinsics.up_source == "none"


def context_of(root: Path) -> StageContext:
    shot = ShotFolder(root)
    return StageContext("solve", shot, "", "cpu", shot.checkpoints_dir, Recorder(), logging.getLogger("backlot"))


def test_the_world_is_kept(tmp_path: Path) -> None:
    truth, before = set_world(tmp_path)
    solve_again(tmp_path, truth)
    context, shot = context_of(tmp_path), ShotFolder(tmp_path)
    depth = (tmp_path / "depth/frame_1001.exr").read_bytes()
    listed = (context.artifact("camera", shot.extrinsics), context.artifact("colmap", shot.sparse_dir))
    kept = keep_world(before, context, listed)
    after = read_camera(tmp_path)
    for old, new in zip(before.extrinsics.frames, after.extrinsics.frames, strict=True):
        assert np.allclose(old.world_from_camera, new.world_from_camera, atol=1e-9)
    assert (after.extrinsics.up_source, after.extrinsics.scale_source) == ("picked", "two-points")
    assert after.extrinsics.units == "metres" and after.world.revision == 3
    assert np.isclose(after.world.world_from_solve.scale, 2.0) and after.world.solve_gauge is not None
    assert [one.bytes for one in kept] == [context.artifact(one.kind, tmp_path / one.path).bytes for one in kept]
    with np.load(shot.cloud) as stored:
        check_pixels(after, truth, stored["xyz"].astype(float))
    check_model(shot, after)
    # Files of later stages belong to the solve before, which was in this very world.
    assert (tmp_path / "depth/frame_1001.exr").read_bytes() == depth and not context.notices


def test_a_slightly_other_camera_keeps_it_too(tmp_path: Path) -> None:
    truth, before = set_world(tmp_path)
    solve_again(tmp_path, truth, noise=0.005)
    keep_world(before, context_of(tmp_path), ())
    assert abs(read_camera(tmp_path).world.world_from_solve.scale - 2.0) < 0.05


def test_another_camera_does_not(tmp_path: Path) -> None:
    truth, before = set_world(tmp_path)
    solve_again(tmp_path, truth, noise=0.5)
    context = context_of(tmp_path)
    keep_world(before, context, ())
    assert "set it again" in context.notices[0]
    assert read_camera(tmp_path).world.world_from_solve == UNCHANGED


def test_a_world_nobody_set_is_not_kept(tmp_path: Path) -> None:
    whole_shot(tmp_path)
    assert earlier_camera(ShotFolder(tmp_path)) is None
    assert earlier_camera(ShotFolder(tmp_path / "nowhere")) is None
    camera = read_camera(tmp_path)
    assert keep_world(None, context_of(tmp_path), ()) == () and read_camera(tmp_path) == camera


def test_a_tripod_keeps_its_turn_and_place(tmp_path: Path) -> None:
    _, before = set_world(tmp_path)
    still = replace(before.extrinsics, frames=tuple(_still(before)))
    before = replace(before, extrinsics=still)
    back = inverse(SET)
    frames = tuple(
        replace(frame, world_from_camera=move_pose(replace(back, scale=1.0), frame.world_from_camera))
        for frame in still.frames
        if frame.world_from_camera is not None
    )
    step = laid_onto(before, replace(before, extrinsics=replace(still, frames=frames)))
    assert step is not None and step.by.scale == 1.0
    assert frames[0].world_from_camera is not None
    moved = move_pose(step.by, frames[0].world_from_camera)
    assert np.allclose(moved, still.frames[0].world_from_camera)


def _still(camera: SolvedCamera) -> list:
    """Every frame at the first one's place, turning."""
    place = np.array(camera.extrinsics.frames[0].world_from_camera)[:3, 3]
    found = []
    for frame in camera.extrinsics.frames:
        pose = np.array(frame.world_from_camera)
        pose[:3, 3] = place
        matrix = tuple(tuple(map(float, row)) for row in pose)
        found.append(replace(frame, world_from_camera=matrix, motion="nodal"))
    return found
