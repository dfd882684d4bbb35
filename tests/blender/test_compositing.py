"""The plate comes through unchanged, whatever the view transform, and the render meets it through the lens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.blender.rendering import render_png
from tests.blender.synthetic_shot import ShotPlan, write_png, write_shot
from tests.blender.test_import_camera import seen_by_blender

LENS = (-0.12, 0.03, 0.004, -0.006)


@pytest.mark.parametrize("distortion", [(0.0, 0.0, 0.0, 0.0), LENS], ids=["pinhole", "lens"])
@pytest.mark.parametrize("transform", ["AgX", "Standard", "Filmic"])
def test_the_plate_is_unchanged_away_from_the_shadow(
    empty: None, tmp_path: Path, transform: str, distortion: tuple[float, ...]
) -> None:
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(distortion=distortion, count=3))
    colours = np.random.default_rng(0).integers(0, 256, (180, 320, 3), dtype=np.uint8)
    colours[:40] = np.array([255, 0, 0], np.uint8)  # what no tone mapping could give back
    for number in (1001, 1002, 1003):
        write_png(root / f"source/frames/frame_{number}.png", colours if number == 1002 else 255 - colours)
    shot = api.import_shot(root)
    scene = bpy.context.scene
    scene.view_settings.view_transform = transform
    _lit_cube(scene)
    assert bpy.ops.backlot.setup_shadow_catcher() == {"FINISHED"}
    picture = render_png(scene, tmp_path / "out.png", 1002, samples=4)
    difference = np.abs(picture.astype(int) - colours).max(axis=2)
    far = _far_from_the_cube(picture.shape[:2])
    assert difference[far].max() <= 1
    assert (difference > 30).mean() > 0.02  # the cube and its shadow are there
    assert shot.collection in list(scene.collection.children)


@pytest.mark.parametrize(("exposure", "gamma"), [(0.0, 1.0), (0.7, 1.2)])
def test_the_render_keeps_its_view(empty: None, tmp_path: Path, exposure: float, gamma: float) -> None:
    """What AgX made of the cube without the set-up, it makes of it inside the compositor."""
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(count=3))
    api.import_shot(root)
    scene = bpy.context.scene
    _lit_cube(scene)
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.exposure, scene.view_settings.gamma = exposure, gamma
    before = render_png(scene, tmp_path / "before.png", 1002, samples=4)
    assert bpy.ops.backlot.setup_composite() == {"FINISHED"}
    after = render_png(scene, tmp_path / "after.png", 1002, samples=4)
    middle = (slice(84, 100), slice(152, 168))
    assert before[middle].max() > 40
    assert np.abs(before[middle].astype(int) - after[middle]).max() <= 2


def test_setting_up_twice_changes_nothing(empty: None, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(count=3, distortion=LENS))
    api.import_shot(root)
    scene = bpy.context.scene
    scene.view_settings.view_transform = "AgX"
    bpy.ops.backlot.setup_shadow_catcher()
    tree = scene.compositing_node_group if hasattr(scene, "compositing_node_group") else scene.node_tree
    group = next(node.node_tree for node in tree.nodes if node.bl_idname == "CompositorNodeGroup")
    count = (len(bpy.data.objects), len(tree.nodes), len(group.nodes), len(bpy.data.images))
    bpy.ops.backlot.setup_shadow_catcher()
    assert (len(bpy.data.objects), len(tree.nodes), len(group.nodes), len(bpy.data.images)) == count
    assert scene.view_settings.view_transform == "Standard"


def test_the_render_meets_the_distorted_plate(empty: None, tmp_path: Path) -> None:
    """A small bright ball at a known place of the set comes out at its distorted pixel."""
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    truth = write_shot(root, ShotPlan(count=3, distortion=LENS, points=4))
    black = np.zeros((180, 320, 3), np.uint8)
    for number in truth.frames:
        write_png(root / f"source/frames/frame_{number}.png", black)
    api.import_shot(root)
    scene = bpy.context.scene
    scene.view_settings.view_transform = "Standard"
    places = np.array([(-1.9, 0.4, 1.3), (1.7, 0.2, -0.2), (0.1, 0.0, 0.5), (1.5, 1.0, 1.7)])
    for place in places:
        _glowing_ball(scene, place, 0.03)
    assert bpy.ops.backlot.setup_composite() == {"FINISHED"}
    picture = render_png(scene, tmp_path / "out.png", 1002, samples=256).astype(float).sum(axis=2)
    for expected in truth.project(1, places, distorted=True):
        assert np.abs(_centre_of_light(picture, expected) - expected).max() < 0.05


def test_the_undistorted_plate_agrees_with_the_lens_model(empty: None, tmp_path: Path) -> None:
    """The undistorted plate, sampled at a pinhole projection, shows what the plate shows at the distorted one."""
    import bpy
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.compositing import composite

    root = tmp_path / "clip_backlot"
    truth = write_shot(root, ShotPlan(count=3, distortion=LENS, points=4))
    y, x = np.mgrid[0:180, 0:320]
    waves = np.stack([128 + 100 * np.sin(x / 9) * np.cos(y / 11)] * 3, axis=-1).astype(np.uint8)
    for number in truth.frames:
        write_png(root / f"source/frames/frame_{number}.png", waves)
    shot = api.import_shot(root)
    scene = bpy.context.scene
    scene.view_settings.view_transform = "Standard"
    composite.set_up_composite(scene, shot.collection, composite.contents_of(shot.collection))
    tree = scene.compositing_node_group if hasattr(scene, "compositing_node_group") else scene.node_tree
    node = next(n for n in tree.nodes if n.bl_idname == "CompositorNodeGroup")
    target = next(link.to_socket for link in tree.links if link.from_node == node)
    tree.links.new(node.outputs["Undistorted Plate"], target)
    picture = render_png(scene, tmp_path / "out.png", 1002, samples=1)[..., 0].astype(float)
    k = truth.k[1]
    u, v = np.meshgrid(np.arange(40, 280, 7) + 0.5, np.arange(25, 155, 7) + 0.5)
    from tests.blender.synthetic_shot import distort

    wide = shot.collection["backlot_overscan"]
    across, down = (u - 160) * wide + 160 - k[2], (v - 90) * wide + 90 - k[3]
    xd, yd = distort(across / k[0], down / k[1], LENS)
    expected = _bilinear(waves[..., 0], xd * k[0] + k[2], yd * k[1] + k[3])
    assert np.abs(picture[v.astype(int), u.astype(int)] - expected).max() < 2.5


def test_a_barrel_lens_has_render_in_its_corners(empty: None, tmp_path: Path) -> None:
    """A wall that fills the view fills the distorted frame too, to the last corner; without overscan it does not."""
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    truth = write_shot(root, ShotPlan(count=3, distortion=(-0.45, 0.1, 0.0, 0.0), points=4))
    for number in truth.frames:
        write_png(root / f"source/frames/frame_{number}.png", np.zeros((180, 320, 3), np.uint8))
    shot = api.import_shot(root)
    scene = bpy.context.scene
    scene.view_settings.view_transform = "Standard"
    _glowing_wall(scene, shot.camera)
    corners = [(0, 0), (0, -1), (-1, 0), (-1, -1)]
    bpy.ops.backlot.setup_composite(overscan=False)
    bare = render_png(scene, tmp_path / "bare.png", 1002, samples=1)
    assert max(int(bare[corner].max()) for corner in corners) == 0 and bare[90, 160].min() > 250
    lens = shot.camera.data.lens
    assert bpy.ops.backlot.setup_composite() == {"FINISHED"}
    covered = render_png(scene, tmp_path / "covered.png", 1002, samples=1)
    assert covered.min() > 250
    factor = shot.collection["backlot_overscan"]
    assert 1.05 < factor < 1.6 and shot.camera.data.lens == lens
    assert (scene.render.resolution_x, scene.render.resolution_y) == (320, 180)
    assert shot.camera.data.background_images[0].scale == pytest.approx(1 / factor)
    # Importing again keeps the room, and the camera still sees every point where the plate does.
    again = api.import_shot(root)
    assert again.camera.data.sensor_width == pytest.approx(36.0 * factor)
    seen = seen_by_blender(scene, again.camera, truth, 1)
    assert np.abs((seen - (160, 90)) * factor + (160, 90) - truth.project(1, truth.xyz)).max() < 0.02


def test_a_pincushion_lens_needs_no_room_and_a_wild_one_gets_its_limit(empty: None) -> None:
    from bl_ext.user_default.backlot.compositing import lens_maps

    from shared.camera_files import FrameIntrinsics, Intrinsics

    frame = FrameIntrinsics(1, 300.0, 300.0, 160.0, 90.0)

    def lens(k1: float) -> Intrinsics:
        return Intrinsics(1, 320, 180, "24", 1.0, "BROWN", k1, 0.0, 0.0, 0.0, "solved", (frame,))

    assert lens_maps.overscan_of(lens(0.1)) <= 1.0 + 2.0 / 90
    assert 1.0 < lens_maps.overscan_of(lens(-0.2)) < lens_maps.overscan_of(lens(-0.4)) <= lens_maps.MOST_OVERSCAN
    for k1 in (0.1, -0.3):
        there = lens_maps.pixel_map(lens(k1), lens_maps.REDISTORT, 1.3)
        back = lens_maps.pixel_map(lens(k1), lens_maps.UNDISTORT, 1.3)
        row, column = 60, 200
        x, y = there[row, column]
        near = back[int(y), int(x)]
        assert np.abs(near - (column + 0.5, row + 0.5)).max() < 1.3
    fold = lens_maps.pixel_map(lens(-1.5), lens_maps.UNDISTORT, 2.0)
    assert fold[0, 0].max() < -1000 and np.isfinite(fold).all()


def test_the_clip_says_how_well_it_has_the_lens(empty: None, tmp_path: Path) -> None:
    from bl_ext.user_default.backlot import api

    write_shot(tmp_path / "a_backlot", ShotPlan(count=3, distortion=LENS, pixel_aspect=1.4), shot_id="a")
    write_shot(tmp_path / "b_backlot", ShotPlan(count=3, distortion=LENS, focal_px=(250.0, 400.0)), shot_id="b")
    fixed = api.import_shot(tmp_path / "a_backlot").plate["backlot_lens_error_px"]
    zoom = api.import_shot(tmp_path / "b_backlot").plate["backlot_lens_error_px"]
    assert 0.0 < fixed < 1e-3 and 1.0 < zoom < 20.0


def _glowing_wall(scene: Any, camera: Any) -> None:
    """White, far larger than the view, before the camera."""
    import bpy

    scene.frame_set(1002)
    mesh = bpy.data.meshes.new("wall")
    mesh.from_pydata([(-9, -9, -3), (9, -9, -3), (9, 9, -3), (-9, 9, -3)], [], [(0, 1, 2, 3)])
    material = bpy.data.materials.new("white")
    if material.node_tree is None:
        material.use_nodes = True
    nodes = material.node_tree.nodes
    nodes.clear()
    glow, out = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeOutputMaterial")
    material.node_tree.links.new(glow.outputs[0], out.inputs[0])
    mesh.materials.append(material)
    wall = bpy.data.objects.new("wall", mesh)
    scene.collection.objects.link(wall)
    wall.matrix_world = camera.matrix_world.copy()


def _lit_cube(scene: Any) -> None:
    import bpy

    mesh = bpy.data.meshes.new("cube")
    corners = [(x, y, z) for x in (-0.3, 0.3) for y in (-0.3, 0.3) for z in (0, 0.6)]
    mesh.from_pydata(corners, [], [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)])
    scene.collection.objects.link(bpy.data.objects.new("cube", mesh))
    light = bpy.data.objects.new("sun", bpy.data.lights.new("sun", "SUN"))
    light.data.energy, light.rotation_euler = 4.0, (0.5, 0.3, 0.0)
    scene.collection.objects.link(light)


def _far_from_the_cube(shape: tuple[int, int]) -> np.ndarray:
    far = np.ones(shape, bool)
    far[60:140, 110:230] = False
    return far


def _glowing_ball(scene: Any, place: np.ndarray, radius: float) -> None:
    import bpy

    bpy.ops.mesh.primitive_ico_sphere_add(subdivisions=4, radius=radius, location=place.tolist())
    ball = bpy.context.object
    material = bpy.data.materials.new("glow")
    if material.node_tree is None:
        material.use_nodes = True
    nodes = material.node_tree.nodes
    nodes.clear()
    glow, out = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeOutputMaterial")
    material.node_tree.links.new(glow.outputs[0], out.inputs[0])
    ball.data.materials.append(material)


def _centre_of_light(picture: np.ndarray, near: np.ndarray) -> np.ndarray:
    column, row = int(near[0]), int(near[1])
    window = (slice(row - 7, row + 8), slice(column - 7, column + 8))
    y, x = np.mgrid[window]
    weight = (picture[window] / 765.0) ** 2.2
    return np.array([(weight * (x + 0.5)).sum(), (weight * (y + 0.5)).sum()]) / weight.sum()


def _bilinear(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bilinear sample in linear light, back in sRGB codes (a power of 2.2 is close enough here)."""
    light = (picture / 255.0) ** 2.2
    column, row = np.floor(x - 0.5).astype(int), np.floor(y - 0.5).astype(int)
    fx, fy = x - 0.5 - column, y - 0.5 - row
    top = light[row, column] * (1 - fx) + light[row, column + 1] * fx
    bottom = light[row + 1, column] * (1 - fx) + light[row + 1, column + 1] * fx
    return 255 * (top * (1 - fy) + bottom * fy) ** (1 / 2.2)
