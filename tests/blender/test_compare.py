"""Plate against render: the wipe's line, which files, which pixels of the plate, and how a render is taken."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tests.blender.synthetic_shot import ShotPlan, plate_frame, write_png, write_shot


@pytest.mark.parametrize("angle", [0.0, 0.4, math.pi / 2, -2.0])
def test_the_line_follows_the_mouse(empty: None, angle: float) -> None:
    from bl_ext.user_default.backlot.compare.wipe import position_at, wipe_line

    aspect = 16 / 9
    for x, y in ((0.5, 0.5), (0.2, 0.7), (0.9, 0.4)):
        line = wipe_line(position_at(x, y, angle, aspect), angle, aspect)
        assert abs(line.side(x, y)) < 1e-9
        first, second = line.ends()
        assert abs(line.side(*first)) < 1e-9 and abs(line.side(*second)) < 1e-9
        assert all(-1e-6 <= value <= 1 + 1e-6 for end in (first, second) for value in end)
    corners = [(x, y) for x in (0.0, 1.0) for y in (0.0, 1.0)]
    assert all(wipe_line(0.0, angle, aspect).side(*at) >= -1e-9 for at in corners)
    assert all(wipe_line(1.0, angle, aspect).side(*at) <= 1e-9 for at in corners)
    assert position_at(99.0, 99.0, 0.3, aspect) == 1.0


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/r/shot.0007.png", "/r/shot.0123.png"),
        ("/r/v2_shot_####.exr", "/r/v2_shot_0123.exr"),
        ("/r/12.jpg", "/r/123.jpg"),
        ("/r/still.png", None),
    ],
)
def test_the_file_of_a_frame(empty: None, path: str, found: str | None) -> None:
    from bl_ext.user_default.backlot.compare.files import frame_file

    assert frame_file(path, 123) == (None if found is None else Path(found))


def test_the_plate_is_looked_up_through_its_lens(empty: None, tmp_path: Path) -> None:
    """The inverse of where the solve overlay puts a pixel, overscan included."""
    from bl_ext.user_default.backlot.compare.shader import grid, triangles
    from bl_ext.user_default.backlot.shared.camera_files import read_camera
    from bl_ext.user_default.backlot.solve_overlay.places import frame_places, plate_uv

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(points=20, plate=False, distortion=(-0.2, 0.03, 0.002, -0.001)))
    lens = read_camera(root).intrinsics
    pixels = np.random.default_rng(3).uniform((0, 0), (320, 180), (20_000, 2))
    for overscan in (1.0, 1.2):
        places = frame_places(pixels, lens, undistorted=True, overscan=overscan)
        uv = plate_uv(places, lens, undistorted=True, overscan=overscan)
        assert np.abs(uv * (320, -180) + (0, 180) - pixels).max() < 1e-4
    assert frame_places(pixels[:0], lens, undistorted=True).shape == (0, 2)
    used = grid()[triangles()]
    edges = used[:, 1:] - used[:, :1]
    area = 0.5 * np.abs(edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]).sum()
    assert area == pytest.approx(1.0)
    # Straight between the corners of the cells: how far off the plate is there.
    middles = used.mean(axis=1)
    exact = plate_uv(middles, lens, undistorted=True)
    drawn = plate_uv(used.reshape(-1, 2), lens, undistorted=True).reshape(-1, 3, 2).mean(axis=1)
    assert np.abs((exact - drawn) * (320, 180)).max() < 0.05


def test_what_is_compared(empty: None, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.compare.choice import ghosts, missing, render_path

    write_shot(tmp_path / "clip_backlot", ShotPlan(count=4, points=20))
    scene = bpy.context.scene
    assert not bpy.ops.backlot.compare.poll() and not bpy.ops.backlot.take_render.poll()
    api.import_shot(tmp_path / "clip_backlot")
    settings = scene.backlot_compare
    assert bpy.ops.backlot.compare(mode="DIFFERENCE") == {"FINISHED"} and settings.mode == "DIFFERENCE"
    assert "needs a render" in missing(scene) and render_path(scene) is None
    settings.source = "RENDER"
    assert "Take the render" in missing(scene)
    settings.source, settings.path = "SEQUENCE", str(tmp_path / "r.0001.png")
    scene.frame_set(1002)
    assert render_path(scene) == tmp_path / "r.1002.png" and missing(scene) == "r.1002.png is missing"
    (tmp_path / "r.1002.png").write_bytes(b"")
    assert missing(scene) == ""
    assert ghosts(settings, 10) == []
    settings.mode, settings.ghosts, settings.opacity = "ONION", 2, 0.8
    shown = ghosts(settings, 10)
    assert [number for number, _, _ in shown] == [8, 12, 9, 11] and shown[0][1] < shown[2][1] < 0.8


def test_pictures_are_loaded_by_a_timer_and_dropped(empty: None, tmp_path: Path) -> None:
    """What a draw handler asks for is loaded afterwards; an undo that takes the image away is noticed."""
    import bpy
    from bl_ext.user_default.backlot.compare.pictures import Pictures, load_picture, save_as_shown

    truth = write_shot(tmp_path / "clip_backlot", ShotPlan(count=2, points=20))
    path = tmp_path / "clip_backlot/source/frames/frame_1001.png"
    pictures = Pictures()
    assert pictures.find(path, "Scene") is None and not bpy.data.images
    assert pictures.find(tmp_path / "none.png", "Scene") is None
    while pictures._load() is not None:
        pass
    (image,) = bpy.data.images
    assert tuple(image.size) == (320, 180) and image.name.startswith(".")
    key = (path, path.stat().st_mtime_ns)
    assert pictures._image(key) == image
    bpy.data.images.remove(image)
    assert pictures._image(key) is None
    assert pictures.find(path, "Scene") is None  # wanted again
    while pictures._load() is not None:
        pass
    assert len(bpy.data.images) == 1
    pictures.drop()
    assert not bpy.data.images and not bpy.app.timers.is_registered(pictures._load)
    # A finished picture stays as it is; one of light is shown through the scene's view.
    scene = bpy.context.scene
    scene.view_settings.view_transform = "Standard"
    before = scene.render.image_settings.file_format
    plate = load_picture(path, scene)
    light = bpy.data.images.new("light", 4, 4, float_buffer=True)
    light.pixels[:] = [0.5, 0.1, 0.0, 1.0] * 16
    light.filepath_raw, light.file_format = str(tmp_path / "l.exr"), "OPEN_EXR"
    light.save()
    linear = np.array(bpy.data.images.load(str(tmp_path / "l.exr")).pixels[:2])
    codes = 1.055 * linear ** (1 / 2.4) - 0.055
    assert np.allclose(load_picture(tmp_path / "l.exr", scene).pixels[:2], codes, atol=1.5 / 255)
    assert scene.render.image_settings.file_format == before
    ours = np.array(plate.pixels[:]).reshape(180, 320, 4)[::-1, :, :3] * 255
    assert np.abs(ours - plate_frame(truth, 0)).max() < 1.0
    write_png(tmp_path / "w.png", np.full((4, 4, 3), 100, np.uint8))
    save_as_shown(bpy.data.images.load(str(tmp_path / "w.png")), scene, tmp_path / "again.png")
    assert abs(bpy.data.images.load(str(tmp_path / "again.png")).pixels[0] * 255 - 100) < 1.5
