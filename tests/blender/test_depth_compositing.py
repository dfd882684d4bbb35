"""Depth in the compositor: the nearer of plate and render, fog by its formula, blur where it is out of focus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.blender.rendering import render_float, render_png
from tests.blender.synthetic_depth import SKY, DepthPlan, DepthTruth, write_depth, write_depth_shot
from tests.blender.synthetic_shot import ShotPlan, write_png

LENS = (-0.12, 0.03, 0.004, -0.006)


def scene_tree(scene: Any) -> Any:
    return scene.compositing_node_group if hasattr(scene, "compositing_node_group") else scene.node_tree


def group_node(scene: Any, name: str) -> Any:
    nodes = [node for node in scene_tree(scene).nodes if node.bl_idname == "CompositorNodeGroup"]
    return next(node for node in nodes if node.node_tree.name.startswith(name))


def show(scene: Any, node: Any, socket: str) -> None:
    """Makes the socket what the scene renders."""
    tree = scene_tree(scene)
    kind = "NodeGroupOutput" if hasattr(scene, "compositing_node_group") else "CompositorNodeComposite"
    tree.links.new(node.outputs[socket], next(n for n in tree.nodes if n.bl_idname == kind).inputs[0])


def white_plate(root: Path, truth: DepthTruth) -> None:
    for number in truth.shot.frames:
        write_png(root / f"source/frames/frame_{number}.png", np.full((180, 320, 3), 255, np.uint8))


def glowing_wall(scene: Any, camera: Any, away: float) -> None:
    """A black wall across the left half of the camera's view, `away` from it."""
    import bpy

    scene.frame_set(1002)
    mesh = bpy.data.meshes.new("wall")
    mesh.from_pydata([(-9, -9, -away), (0, -9, -away), (0, 9, -away), (-9, 9, -away)], [], [(0, 1, 2, 3)])
    wall = bpy.data.objects.new("wall", mesh)
    scene.collection.objects.link(wall)
    wall.matrix_world = camera.matrix_world.copy()


@pytest.mark.parametrize("lens", [(0.0, 0.0, 0.0, 0.0), LENS], ids=["pinhole", "lens"])
def test_scene_depth_is_the_nearer_of_plate_and_render(
    empty: None, tmp_path: Path, lens: tuple[float, float, float, float]
) -> None:
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    truth = write_depth_shot(root, ShotPlan(count=3, distortion=lens), DepthPlan(parts=()))
    shot = api.import_shot(root)
    scene = bpy.context.scene
    glowing_wall(scene, shot.camera, 4.5)
    assert bpy.ops.backlot.setup_fog() == {"FINISHED"}
    tree, fog = scene_tree(scene), group_node(scene, "Backlot Fog")
    inner = next(n.node_tree for n in fog.node_tree.nodes if n.bl_idname == "CompositorNodeGroup")
    probe = tree.nodes.new("CompositorNodeGroup")
    probe.node_tree = inner
    layers = next(n for n in tree.nodes if n.bl_idname == "CompositorNodeRLayers")
    tree.links.new(layers.outputs["Depth"], probe.inputs["Render Depth"])
    show(scene, probe, "Depth")
    found = render_float(scene, tmp_path / "depth.exr", 1002)[..., 0]
    far = 10 * max(float(d[(d > 0) & (d < SKY)].max()) for d in truth.depth.values())
    plate = np.where((truth.depth[1002] > 0) & (truth.depth[1002] < SKY), truth.depth[1002], far)
    expected = plate.copy()
    expected[:, :156] = np.minimum(plate, 4.5)[:, :156]
    away = np.abs(found / expected - 1)
    right, left = away[:, 168:], away[:, :150]
    assert right.max() < 1e-5  # the plate's own pixels, of this very frame
    assert np.quantile(left, 0.995) < 1e-4


def test_fog_follows_its_formula(empty: None, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    truth = write_depth_shot(root, ShotPlan(count=3), DepthPlan(parts=()))
    white_plate(root, truth)
    api.import_shot(root)
    scene = bpy.context.scene
    assert bpy.ops.backlot.setup_fog() == {"FINISHED"}
    fog = group_node(scene, "Backlot Fog")
    fog.inputs["Density"].default_value, fog.inputs["Start"].default_value = 0.3, 2.0
    fog.inputs["Fog Colour"].default_value = (0.2, 0.1, 0.4, 1.0)
    found = render_float(scene, tmp_path / "fog.exr", 1003)
    depth = truth.depth[1003].astype(np.float64)
    known = (depth > 0) & (depth < SKY)
    left = np.exp(-0.3 * np.maximum(depth[known] - 2.0, 0.0))[:, None]
    assert np.abs(found[known][:, :3] - (left + (1 - left) * (0.2, 0.1, 0.4))).max() < 1e-3
    assert np.abs(found[~known][:, :3] - (0.2, 0.1, 0.4)).max() < 1e-3  # sky and holes: as far as can be


def test_depth_of_field_blurs_what_is_out_of_focus(empty: None, tmp_path: Path) -> None:
    """Stripes on the whole plate: sharp on the box, which the camera is focused on, soft on the floor far behind."""
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    truth = write_depth_shot(root, ShotPlan(count=3), DepthPlan(parts=(), unknown=None, floor_to=60.0))
    stripes = np.zeros((180, 320, 3), np.uint8)
    stripes[:, (np.arange(320) // 3) % 2 == 0] = 255
    for number in truth.shot.frames:
        write_png(root / f"source/frames/frame_{number}.png", stripes)
    shot = api.import_shot(root)
    scene = bpy.context.scene
    depth = truth.depth[1002]
    shot.camera.data.dof.focus_distance = float(depth[90, 160])
    assert bpy.ops.backlot.setup_depth_of_field() == {"FINISHED"}
    assert shot.camera.data.dof.focus_distance == pytest.approx(float(depth[90, 160]))
    focus = group_node(scene, "Backlot Depth of Field")
    (blur,) = (node for node in focus.node_tree.nodes if node.bl_idname == "CompositorNodeDefocus")
    blur.blur_max = 12.0
    blur.f_stop = 0.02  # the set is metres wide, the lens 36 mm: a lens that blurs it is very open
    picture = render_png(scene, tmp_path / "focus.png", 1002, samples=1)[..., 0].astype(float)
    box = (np.abs(depth - depth[90, 160]) < 0.1) & (np.arange(180)[:, None] > 60)
    far = (depth > 20.0) & (depth < SKY)
    far[:, :20] = far[:, -20:] = False
    assert box.sum() > 500 and far.sum() > 500
    assert picture[box].std() > 90 and picture[far].std() < 0.5 * picture[box].std()


def test_setting_up_again_and_scaling_the_world(empty: None, tmp_path: Path) -> None:
    """Nothing is made twice, fog stays before blur, the artist's settings stay, and lengths follow the world."""
    import bpy
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.importers import world_move

    from shared.camera_files import Similarity

    root = tmp_path / "clip_backlot"
    truth = write_depth_shot(root, ShotPlan(count=3, distortion=LENS), DepthPlan(parts=()))
    white_plate(root, truth)
    shot = api.import_depth(root)
    scene = bpy.context.scene
    scene.render.resolution_percentage = 50
    for _ in range(2):
        assert bpy.ops.backlot.setup_depth_of_field() == {"FINISHED"}
        assert bpy.ops.backlot.setup_fog() == {"FINISHED"}
        fog, focus = group_node(scene, "Backlot Fog"), group_node(scene, "Backlot Depth of Field")
        fog.inputs["Density"].default_value = 0.25
        kinds = ("node_groups", "movieclips", "objects")
        counts = {kind: len(getattr(bpy.data, kind)) for kind in kinds} | {"nodes": len(scene_tree(scene).nodes)}
    links = {(link.from_node.name, link.to_node.name) for link in scene_tree(scene).links}
    assert (fog.name, focus.name) in links and ("Backlot Composite", fog.name) in links
    before = render_float(scene, tmp_path / "before.exr", 1002)
    unchanged = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    world_move.move_shot(shot.collection, Similarity(4.0, unchanged, (0.0, 0.0, 0.0)))
    assert fog.inputs["Density"].default_value == pytest.approx(0.0625)
    after = render_float(scene, tmp_path / "after.exr", 1002)
    assert np.abs(after - before).max() < 2e-3
    write_depth(root, truth.shot, truth.plan, scale=4.0)
    bpy.ops.backlot.setup_fog()
    again = render_float(scene, tmp_path / "again.exr", 1002)
    assert np.abs(again - before).max() < 2e-3
    assert {kind: len(getattr(bpy.data, kind)) for kind in kinds} | {"nodes": len(scene_tree(scene).nodes)} == counts
