"""Real things hide what stands behind them and catch shadows; confidence is shown as colour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.blender.rendering import render_float, render_png
from tests.blender.synthetic_depth import DepthPlan, write_depth_shot
from tests.blender.synthetic_shot import ShotPlan, write_png

PLATE = 128
IN_FRONT, BEHIND = (-0.2, -1.2, 0.5), (0.0, 1.2, 0.5)
"""Of the box, as the camera sees it."""


def ball(scene: Any, place: tuple[float, float, float], radius: float = 0.2) -> None:
    import bpy

    bpy.ops.mesh.primitive_uv_sphere_add(radius=radius, location=place)
    material = bpy.data.materials.new("glow")
    if material.node_tree is None:
        material.use_nodes = True
    nodes = material.node_tree.nodes
    nodes.clear()
    glow = nodes.new("ShaderNodeEmission")
    glow.inputs["Color"].default_value = (1.0, 0.0, 0.0, 1.0)
    material.node_tree.links.new(glow.outputs[0], nodes.new("ShaderNodeOutputMaterial").inputs[0])
    bpy.context.object.data.materials.append(material)


def composite(tmp_path: Path, part: str, role: str) -> tuple[Any, Any, np.ndarray]:
    """Truth, scene and the rendered frame 1002: a grey plate, a ball before and one behind the box."""
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    truth = write_depth_shot(root, ShotPlan(count=3), DepthPlan(unknown=None))
    for number in truth.shot.frames:
        write_png(root / f"source/frames/frame_{number}.png", np.full((180, 320, 3), PLATE, np.uint8))
    api.import_depth(root)
    scene = bpy.context.scene
    for other in ("mesh", "grid"):
        bpy.ops.backlot.set_depth_role(part=other, role=role if other == part else "REFERENCE")
    scene.view_settings.view_transform = "Standard"
    for place in (IN_FRONT, BEHIND):
        ball(scene, place)
    sun = bpy.data.objects.new("sun", bpy.data.lights.new("sun", "SUN"))
    sun.data.energy = 3.0
    scene.collection.objects.link(sun)
    bpy.ops.backlot.setup_composite()
    samples = 12 if role == "CATCHER" else 4
    return truth, scene, render_png(scene, tmp_path / "out.png", 1002, samples).astype(int)


def at(truth: Any, picture: np.ndarray, place: tuple[float, float, float]) -> np.ndarray:
    column, row = truth.shot.project(1, np.array([place]))[0].astype(int)
    return picture[row - 2 : row + 3, column - 2 : column + 3].reshape(-1, 3)


@pytest.mark.parametrize(("part", "role"), [("mesh", "HOLDOUT"), ("mesh", "CATCHER"), ("grid", "HOLDOUT")])
def test_what_is_behind_is_hidden(empty: None, tmp_path: Path, part: str, role: str) -> None:
    truth, _, picture = composite(tmp_path, part, role)
    front, behind = at(truth, picture, IN_FRONT), at(truth, picture, BEHIND)
    assert front[:, 0].min() > 250 and front[:, 1].max() < 5
    # Nothing of the ball's red; the box's front is hardly lit, so that a catcher's few samples are not quite even.
    assert np.ptp(behind, axis=1).max() <= 1 and abs(behind.mean() - PLATE) < (12 if role == "CATCHER" else 1)
    under = at(truth, picture, (IN_FRONT[0], IN_FRONT[1], 0.0))  # the sun stands straight above
    if role == "CATCHER":
        assert under.max() < 0.5 * PLATE
    else:
        assert np.abs(under - PLATE).max() <= 1


def test_as_a_reference_nothing_is_hidden(empty: None, tmp_path: Path) -> None:
    truth, _, picture = composite(tmp_path, "mesh", "REFERENCE")
    for place in (IN_FRONT, BEHIND):
        assert at(truth, picture, place)[:, 0].min() > 250


def test_the_surface_shows_the_plate_of_its_frame_or_its_confidence(empty: None, tmp_path: Path) -> None:
    """Rendered through the shot's own camera, the surface is the plate again, pixel by pixel, under the lens too."""
    import bpy
    from bl_ext.user_default.backlot import api

    root = tmp_path / "clip_backlot"
    plan = ShotPlan(count=3, distortion=(-0.12, 0.03, 0.004, -0.006), points=4)
    truth = write_depth_shot(root, plan, DepthPlan(unknown=None, floor_to=40.0, parts=()))
    y, x = np.mgrid[0:180, 0:320]
    for number in truth.shot.frames:
        ramp = np.stack([x * 255 // 320, y * 255 // 180, np.full_like(x, 60 * (number - 1000))], axis=-1)
        write_png(root / f"source/frames/frame_{number}.png", ramp.astype(np.uint8))
    shot = api.import_depth(root)
    grid, scene = shot.depth.grid, bpy.context.scene
    bpy.ops.backlot.set_depth_role(part="grid", role="SHOWN")
    scene.render.film_transparent = True
    scene.cycles.pixel_filter_type, scene.cycles.filter_width = "BLACKMAN_HARRIS", 0.01
    for number in (1001, 1003):
        found = render_float(scene, tmp_path / "plate.exr", number)
        points, codes = _lit(found)
        expected = truth.shot.project(number - 1001, _unprojected(truth, number - 1001, points), distorted=True)
        assert len(points) > 20_000
        assert np.abs(codes[:, 2] - 60 * (number - 1000)).max() < 1.0  # this very frame
        seen = np.stack([codes[:, 0] * 320 / 255 + 0.5, codes[:, 1] * 180 / 255 + 0.5], axis=-1)
        assert np.quantile(np.abs(seen - expected), 0.99) < 1.3  # the ramp has whole codes only
    grid["show_confidence"] = 1.0
    grid.update_tag()
    found = render_float(scene, tmp_path / "sure.exr", 1001)
    points, codes = _lit(found)
    pixels = truth.shot.project(0, _unprojected(truth, 0, points), distorted=True).astype(int)
    filled = (pixels[:, 1] > 102) & (pixels[:, 1] < 117) & (pixels[:, 0] > 253) & (pixels[:, 0] < 297)
    assert filled.sum() > 300 and (codes[filled, 0] > codes[filled, 1]).all()
    assert (codes[~filled, 1] > codes[~filled, 0]).mean() > 0.97


def _lit(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixel centres [N,2] where something was rendered, and its sRGB codes [N,3]."""
    row, column = np.nonzero(picture[..., 3] > 0.99)
    light = np.clip(picture[row, column, :3], 0.0, 1.0)
    codes = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    return np.stack([column + 0.5, row + 0.5], axis=-1), codes


def _unprojected(truth: Any, index: int, pixels: np.ndarray) -> np.ndarray:
    """World points [N,3] that an undistorted camera shows at pixels, at depth 5."""
    fx, fy, cx, cy = truth.shot.k[index]
    local = np.stack([(pixels[:, 0] - cx) / fx, (pixels[:, 1] - cy) / fy, np.ones(len(pixels))], axis=-1) * 5.0
    return local @ truth.shot.poses[index, :3, :3].T + truth.shot.poses[index, :3, 3]
