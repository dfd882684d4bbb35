"""The surface of a frame's depth lies on the set that the depth was made from, whatever the lens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.blender.synthetic_depth import SKY, DepthPlan, DepthTruth, write_depth, write_depth_shot
from tests.blender.synthetic_shot import ShotPlan, write_shot

LENS = (-0.12, 0.03, 0.004, -0.006)
PLANS = {
    "pinhole": ShotPlan(count=4),
    "lens": ShotPlan(count=4, distortion=LENS),
    "barrel": ShotPlan(count=4, distortion=(-0.4, 0.12, 0.0, 0.0)),
    "zoom-lens": ShotPlan(count=4, distortion=LENS, focal_px=(250.0, 420.0)),
    "anamorphic": ShotPlan(count=4, pixel_aspect=2.0, first=1),
}


def surface(grid: Any, frame: int) -> tuple[np.ndarray, dict[str, np.ndarray], int]:
    """World vertices [N,3] of the evaluated surface in a frame, its attributes, and how many faces it has."""
    import bpy

    scene = bpy.context.scene
    scene.frame_set(frame)
    found = grid.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = found.data
    count = len(mesh.vertices)
    local = np.empty(3 * count, np.float32)
    if not count:
        return local.reshape(-1, 3), {}, 0
    mesh.attributes["position"].data.foreach_get("vector", local)
    values = {}
    for name in ("depth", "confidence"):
        values[name] = np.empty(count, np.float32)
        mesh.attributes[name].data.foreach_get("value", values[name])
    matrix = np.array(found.matrix_world)
    return local.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3], values, len(mesh.polygons)


def known(truth: DepthTruth, number: int) -> np.ndarray:
    depth = truth.depth[number]
    return (depth > 0) & (depth < SKY)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
def test_every_vertex_lies_on_the_set(empty: None, tmp_path: Path, plan: ShotPlan) -> None:
    from bl_ext.user_default.backlot import api

    truth = write_depth_shot(tmp_path / "clip_backlot", plan)
    shot = api.import_depth(tmp_path / "clip_backlot")
    grid = shot.depth.grid
    assert grid.parent == shot.camera and grid.modifiers[0]["Socket_6"] == 1
    for index in (0, plan.count - 1):
        number = int(truth.shot.frames[index])
        xyz, values, faces = surface(grid, number)
        centre = truth.shot.poses[index, :3, 3]
        away = np.linalg.norm(xyz - centre, axis=1)
        assert (truth.surface_distance(xyz.astype(np.float64)) / away).max() < 2e-5
        # Each vertex projects to a pixel's centre and has that pixel's depth.
        pixels = truth.shot.project(index, xyz.astype(np.float64), distorted=True)
        assert np.abs(pixels - (np.floor(pixels) + 0.5)).max() < 0.02
        column, row = np.floor(pixels).astype(int).T
        assert np.abs(values["depth"] / truth.depth[number][row, column] - 1).max() < 1e-6
        assert 0.9 * known(truth, number).sum() < len(xyz) <= known(truth, number).sum()
        assert faces > 0.9 * len(xyz)


def test_it_follows_the_frames_and_a_frame_without_depth_is_empty(empty: None, tmp_path: Path) -> None:
    from bl_ext.user_default.backlot import api

    truth = write_depth_shot(tmp_path / "clip_backlot", ShotPlan(count=5), DepthPlan(left_out=(1003,)))
    grid = api.import_depth(tmp_path / "clip_backlot").depth.grid
    for number in (1001, 1002, 1003, 1004, 1005, 1001):
        xyz, _, faces = surface(grid, number)
        if number == 1003:
            assert len(xyz) == faces == 0
            continue
        assert 0.9 * known(truth, number).sum() < len(xyz)
        assert truth.surface_distance(xyz.astype(np.float64)).max() < 3e-4


def test_holes_and_edges_are_cut(empty: None, tmp_path: Path) -> None:
    """No face hangs between the box and the floor behind it, none over a hole; the floor is whole up to the far end,
    where one pixel is as deep as ten near ones."""
    import bpy
    from bl_ext.user_default.backlot import api

    truth = write_depth_shot(tmp_path / "clip_backlot", ShotPlan(count=3), DepthPlan(floor_to=40.0))
    grid = api.import_depth(tmp_path / "clip_backlot").depth.grid
    surface(grid, 1002)
    mesh = grid.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    corners = np.empty(4 * len(mesh.polygons), np.int32)
    mesh.attributes[".corner_vert"].data.foreach_get("value", corners)
    xyz, values, _ = surface(grid, 1002)
    faces = corners.reshape(-1, 4)
    deep = values["depth"][faces]
    middles = xyz[faces].mean(axis=1).astype(np.float64)
    assert truth.surface_distance(middles).max() < 0.03
    covered = np.zeros(truth.depth[1002].shape, bool)
    pixels = np.floor(truth.shot.project(1, xyz.astype(np.float64))).astype(int)
    covered[pixels[:, 1], pixels[:, 0]] = True
    assert not covered[truth.plan.unknown].any()
    floor = known(truth, 1002) & (truth.depth[1002] > 15.0)
    assert floor.sum() > 500 and (covered & floor).sum() > 0.95 * floor.sum()
    assert (deep.max(axis=1) / deep.min(axis=1)).max() > 1.05  # cut by the jump, not by the slant


def test_confidence_and_step(empty: None, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.depth import field_nodes

    truth = write_depth_shot(tmp_path / "clip_backlot", ShotPlan(count=3))
    grid = api.import_depth(tmp_path / "clip_backlot").depth.grid
    xyz, values, _ = surface(grid, 1001)
    assert sorted(np.unique(np.rint(values["confidence"] * 255))) == [60, 230]
    (modifier,) = grid.modifiers
    field_nodes.set_input(modifier, "Least Confidence", 0.5)
    grid.update_tag()
    fewer, values, _ = surface(grid, 1001)
    assert values["confidence"].min() > 0.5 and 500 < len(xyz) - len(fewer) <= 1000
    for step, first in ((2, 0.5), (3, 1.5)):
        field_nodes.set_input(modifier, "Step", step)
        grid.update_tag()
        xyz, _, _ = surface(grid, 1001)
        pixels = truth.shot.project(0, xyz.astype(np.float64))
        assert np.abs((pixels - first) / step - np.rint((pixels - first) / step)).max() < 0.01
        assert truth.surface_distance(xyz.astype(np.float64)).max() < 3e-4
    assert len(bpy.data.node_groups) < 12


def test_it_is_updated_in_place(empty: None, tmp_path: Path) -> None:
    """New depth comes in, what the artist did stays, and nothing is made twice."""
    import bpy
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.depth import field_nodes

    root = tmp_path / "clip_backlot"
    write_depth_shot(root, ShotPlan(count=4, focal_px=(250.0, 300.0)))
    first = api.import_depth(root)
    grid = first.depth.grid
    material = bpy.data.materials.new("mine")
    field_nodes.set_input(grid.modifiers[0], "Material", material)
    field_nodes.set_input(grid.modifiers[0], "Edge", 0.2)
    grid.name, grid.hide_render = "Hero depth", False
    kinds = ("objects", "meshes", "images", "materials", "node_groups", "actions")
    before = {kind: len(getattr(bpy.data, kind)) for kind in kinds}
    truth = write_depth(root, write_shot(root, ShotPlan(count=4, focal_px=(280.0, 280.0), travel=0.8)))
    again = api.import_depth(root)
    assert again.depth.grid == grid and grid.name == "Hero depth" and not grid.hide_render
    assert field_nodes.get_input(grid.modifiers[0], "Material") == material
    assert field_nodes.get_input(grid.modifiers[0], "Edge") == pytest.approx(0.2)
    assert {kind: len(getattr(bpy.data, kind)) for kind in kinds} == before
    for number in (1001, 1004):
        xyz, _, _ = surface(grid, number)
        assert len(xyz) > 10_000 and truth.surface_distance(xyz.astype(np.float64)).max() < 3e-4
