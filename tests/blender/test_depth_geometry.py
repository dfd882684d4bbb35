"""Fused mesh and cloud: read whole, written in short steps, updated in place, and where the depth is."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.camera_files import Similarity
from shared.depth_meta import FUSED_CLOUD, FUSED_MESH
from tests.blender.rendering import render_float
from tests.blender.synthetic_depth import (
    SKY,
    DepthPlan,
    DepthTruth,
    colours_of,
    depth_frame,
    set_mesh,
    write_depth,
    write_depth_shot,
    write_ply,
)
from tests.blender.synthetic_shot import ShotPlan, make_truth, write_shot
from tests.blender.test_depth_grid import surface


def positions(mesh: Any) -> np.ndarray:
    found = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.attributes["position"].data.foreach_get("vector", found)
    return found.reshape(-1, 3)


def test_mesh_and_cloud_are_the_files(empty: None, tmp_path: Path) -> None:
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    write_depth_shot(root)
    shot = api.import_depth(root)
    xyz, triangles = set_mesh(DepthPlan())
    mesh, cloud = shot.depth.mesh.data, shot.depth.cloud.data
    assert np.array_equal(positions(mesh), xyz) and np.array_equal(positions(cloud), xyz)
    corners = np.empty(3 * len(triangles), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    assert np.array_equal(corners.reshape(-1, 3), triangles)
    assert not mesh.validate(verbose=True)  # nothing had to be repaired: edges and faces agree
    colour = np.empty(4 * len(xyz), np.float32)
    for data in (mesh, cloud):
        data.attributes["Color"].data.foreach_get("color_srgb", colour)
        assert np.abs(colour.reshape(-1, 4)[:, :3] * 255 - colours_of(xyz)).max() < 0.5
    assert shot.depth.mesh.parent == shot.depth.cloud.parent == shot.root
    assert shot.depth.mesh.is_holdout and shot.depth.cloud.hide_render
    assert f"a mesh of {len(triangles)} faces" in shot.summary


@pytest.mark.parametrize("lens", [(0.0, 0.0, 0.0, 0.0), (-0.12, 0.03, 0.004, -0.006)], ids=["pinhole", "lens"])
def test_rendered_depth_of_the_mesh_is_the_depth(empty: None, tmp_path: Path, lens: tuple[float, ...]) -> None:
    """Cycles' own Z of the imported mesh through the imported camera, against the depth frame. With a lens the render
    is undistorted: each of its pixels is looked up where the plate shows it."""
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    truth = write_depth_shot(root, ShotPlan(count=3, distortion=lens), DepthPlan(unknown=None))
    shot = api.import_depth(root, cloud=False, grid=False)
    shot.depth.mesh.is_holdout = False
    z = _rendered_depth(bpy.context.scene, tmp_path, 1002)
    straight = DepthTruth(make_truth(ShotPlan(count=3)), DepthPlan(unknown=None, filled=None))
    exact = truth.depth[1002] if not any(lens) else depth_frame(straight, 1)[0]
    there = (exact < SKY) & (z > 0)
    assert there.sum() > 0.97 * (exact < SKY).sum()
    assert np.quantile(np.abs(z[there] / exact[there] - 1), 0.98) < 1e-3


def test_importing_again_keeps_what_the_artist_did(empty: None, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    shot_truth = write_shot(root, ShotPlan(count=3))
    write_depth(root, shot_truth)
    first = api.import_depth(root)
    mesh = first.depth.mesh
    material = bpy.data.materials.new("mine")
    mesh.data.materials[0] = material
    mesh.modifiers.new("mine", "DECIMATE")
    bpy.ops.backlot.set_depth_role(part="mesh", role="CATCHER")
    mesh.name = "Set"
    bpy.context.view_layer.objects.active = mesh
    bpy.ops.object.mode_set(mode="EDIT")
    write_depth(root, shot_truth, DepthPlan(cells=30))
    again = api.import_depth(root)
    assert again.depth.mesh == mesh and mesh.mode == "OBJECT" and mesh.name == "Set"
    assert len(mesh.data.vertices) == 6 * 30 * 30 and mesh.data.materials[0] == material
    assert [m.name for m in mesh.modifiers] == ["mine"] and mesh.is_shadow_catcher and not mesh.is_holdout
    assert [m.name for m in again.depth.cloud.modifiers] == ["Backlot Points"]
    (root / FUSED_MESH).unlink()
    third = api.import_depth(root)
    assert third.depth.absent == ("mesh",) and "no mesh in the shot" in third.summary
    assert third.depth.mesh is None and len(mesh.data.vertices) == 6 * 30 * 30  # what stood there stays


def test_a_change_of_the_world_takes_depth_along(empty: None, tmp_path: Path) -> None:
    """Turned, moved and scaled: mesh, cloud, surface and what hangs below them agree with the new world at once; and
    the files, read again in the new lengths, change nothing more."""
    import bpy
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.importers import world_move

    root = tmp_path / "clip_backlot"
    truth = write_depth_shot(root, ShotPlan(count=3))
    shot = api.import_depth(root)
    prop = bpy.data.objects.new("prop", None)
    shot.collection.objects.link(prop)
    prop.parent, prop.location = shot.depth.mesh, (0.0, 0.0, 1.0)
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    by = Similarity(2.5, tuple(map(tuple, turn.tolist())), (1.0, 2.0, 0.5))

    def back(xyz: np.ndarray) -> np.ndarray:
        return ((xyz.astype(np.float64) - by.translation) @ turn) / by.scale

    world_move.move_shot(shot.collection, by)
    bpy.context.view_layer.update()
    assert np.abs(back(positions(shot.depth.mesh.data)) - set_mesh(DepthPlan())[0]).max() < 1e-5
    assert np.abs(back(positions(shot.depth.cloud.data)) - set_mesh(DepthPlan())[0]).max() < 1e-5
    assert np.allclose(prop.matrix_world.translation, 2.5 * turn @ (0.0, 0.0, 1.0) + by.translation, atol=1e-5)
    xyz, _, _ = surface(shot.depth.grid, 1002)
    assert len(xyz) > 10_000 and truth.surface_distance(back(xyz)).max() < 3e-4
    before = len(xyz)
    write_depth(root, truth.shot, scale=2.5)  # as the backend rewrites it
    again = api.import_depth(root, mesh=False, cloud=False)
    xyz, _, _ = surface(again.depth.grid, 1002)
    centre = truth.shot.poses[1, :3, 3]
    scaled = (xyz.astype(np.float64) - centre) / 2.5 + centre  # this world's camera has not been rewritten
    assert len(xyz) == before and truth.surface_distance(scaled).max() < 3e-4


def test_depth_of_another_world_is_refused(empty: None, tmp_path: Path) -> None:
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.shared.errors import ArtifactMissing, ShotCorrupt

    root = tmp_path / "clip_backlot"
    shot_truth = write_shot(root, ShotPlan(count=3))
    with pytest.raises(ArtifactMissing):
        api.import_depth(root)
    write_depth(root, shot_truth, DepthPlan(revision=4))
    with pytest.raises(ShotCorrupt, match="revision 4"):
        api.import_depth(root)


def test_damaged_files_are_said_so(tmp_path: Path, backlot: Any) -> None:
    from bl_ext.user_default.backlot.depth import frames, ply
    from bl_ext.user_default.backlot.shared.errors import ShotCorrupt

    xyz, triangles = set_mesh(DepthPlan(cells=4))
    path = tmp_path / FUSED_CLOUD
    write_ply(path, xyz, colours_of(xyz), triangles)
    good = path.read_bytes()
    assert len(ply.read_ply(path).triangles) == len(triangles)
    bad_index = good[:-4] + struct.pack("<i", len(xyz))
    for data, says in (
        (good[:-1], "cut short"),
        (good.replace(b"binary_little_endian", b"ascii"), "not binary"),
        (good.replace(b"element vertex 96", b"element vertex 999999999999"), "cut short"),
        (bad_index, "not there"),
        (b"solid stl", "no PLY"),
    ):
        path.write_bytes(data)
        with pytest.raises(ShotCorrupt, match=says):
            ply.read_ply(path)
    with pytest.raises(ValueError, match="no OpenEXR"):
        frames.shown_bytes(b"nothing", "x")


def test_a_million_faces_come_in_short_steps(empty: None) -> None:
    """What the pump's budget counts on; edges were found on the thread before."""
    import time

    from bl_ext.user_default.backlot.depth import ply, surfaces, topology
    from bl_ext.user_default.backlot.depth.contents import Fused

    xyz, triangles = set_mesh(DepthPlan(cells=160))
    edges, corners = topology.edges_of(triangles, len(xyz))
    fused = Fused(ply.PlyModel(xyz, None, None, triangles), np.ones((len(xyz), 4), np.float32), edges, corners)
    steps, began = [], time.thread_time()
    for mesh in surfaces.build_mesh(fused, "big"):  # noqa: B007  (the last one is finished)
        steps.append(time.thread_time() - began)
        began = time.thread_time()
    assert len(mesh.polygons) == len(triangles) > 300_000
    assert len(steps) > 30 and max(steps) < 0.25 * sum(steps), "no step does most of it"
    assert not mesh.validate()


def _rendered_depth(scene: Any, folder: Path, frame: int) -> np.ndarray:
    """float32 [H,W]: distance along the camera's axis of what each pixel's centre shows, 0 where nothing is."""
    import bpy

    material = bpy.data.materials.new("depth")
    if material.node_tree is None:
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    view, glow = nodes.new("ShaderNodeCameraData"), nodes.new("ShaderNodeEmission")
    links.new(view.outputs["View Z Depth"], glow.inputs["Color"])
    links.new(glow.outputs[0], nodes.new("ShaderNodeOutputMaterial").inputs[0])
    scene.view_layers[0].material_override = material
    scene.cycles.pixel_filter_type, scene.cycles.filter_width = "BLACKMAN_HARRIS", 0.01
    scene.render.film_transparent = True
    return render_float(scene, folder / "z.exr", frame)[..., 0]
