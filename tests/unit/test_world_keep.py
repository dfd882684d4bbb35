"""A new solve of a shot comes back into the world that was set for the one before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from backend.world.answer import answer
from backend.world.keep import KeptWorld, earlier_camera, kept_world, laid_onto
from shared.camera_files import UNCHANGED, Similarity, SolvedCamera, World, read_camera
from shared.shot import ShotFolder, document_text
from shared.similarity import inverse, move_pose, orthonormal
from shared.world_messages import WorldRequest
from tests.blender.synthetic_shot import Truth
from tests.unit.world_shot import whole_shot

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


def test_the_world_is_kept(tmp_path: Path) -> None:
    truth, before = set_world(tmp_path)
    solve_again(tmp_path, truth)
    kept = kept_world(before, read_camera(tmp_path))
    assert kept.step is not None and not kept.notice
    assert (kept.step.up_source, kept.step.scale_source, kept.step.units) == ("picked", "two-points", "metres")
    assert np.isclose(kept.step.by.scale, 2.0)
    for old, new in zip(before.extrinsics.frames, read_camera(tmp_path).extrinsics.frames, strict=True):
        assert np.allclose(old.world_from_camera, move_pose(kept.step.by, new.world_from_camera), atol=1e-9)


def test_a_slightly_other_camera_keeps_it_too(tmp_path: Path) -> None:
    truth, before = set_world(tmp_path)
    solve_again(tmp_path, truth, noise=0.005)
    step = kept_world(before, read_camera(tmp_path)).step
    assert step is not None and abs(step.by.scale - 2.0) < 0.05


def test_another_camera_does_not(tmp_path: Path) -> None:
    truth, before = set_world(tmp_path)
    solve_again(tmp_path, truth, noise=0.5)
    kept = kept_world(before, read_camera(tmp_path))
    assert kept.step is None and "set it again" in kept.notice


def test_a_world_nobody_set_is_not_kept(tmp_path: Path) -> None:
    whole_shot(tmp_path)
    assert earlier_camera(ShotFolder(tmp_path)) is None
    assert earlier_camera(ShotFolder(tmp_path / "nowhere")) is None
    assert kept_world(None, read_camera(tmp_path)) == KeptWorld(None)


def test_a_solve_that_knows_its_scale_keeps_it(tmp_path: Path) -> None:
    """The floor, the heading and the origin that were set stay; lengths are the solve's."""
    truth, before = set_world(tmp_path)
    solve_again(tmp_path, truth)
    after = with_gauge(read_camera(tmp_path), up_source="none")
    kept = kept_world(before, after)
    assert kept.step is not None and kept.step.by.scale == 1.0
    assert (kept.step.up_source, kept.step.scale_source) == ("picked", "object")
    for old, new in zip(before.extrinsics.frames, after.extrinsics.frames, strict=True):
        moved = np.array(move_pose(kept.step.by, new.world_from_camera))
        assert np.allclose(2.0 * moved[:3, 3], np.array(old.world_from_camera)[:3, 3], atol=1e-9)


def test_a_solve_that_knows_its_place_stays_there(tmp_path: Path) -> None:
    truth, before = set_world(tmp_path)
    solve_again(tmp_path, truth)
    kept = kept_world(before, with_gauge(read_camera(tmp_path), up_source="picked"))
    assert kept.step is None and "survey points" in kept.notice


def with_gauge(camera: SolvedCamera, up_source: str) -> SolvedCamera:
    said = replace(camera.extrinsics, up_source=up_source, scale_source="object", units="metres")
    return replace(camera, extrinsics=said)


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
