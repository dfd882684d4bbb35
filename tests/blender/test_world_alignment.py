"""Origin, floor, axis and scale set in Blender: the shot's files and everything imported move together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.camera_files import read_camera
from shared.shot import ShotFolder
from shared.similarity import move_point
from tests.blender.synthetic_shot import ShotPlan, Truth, write_shot
from tests.blender.test_session import TICK_S, home, pump, run_until  # noqa: F401  (fixtures)

GL = np.diag((1.0, -1.0, -1.0))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "clip_backlot"


@pytest.fixture
def shot(empty: None, root: Path) -> Iterator[tuple[Any, Truth]]:
    from bl_ext.user_default.backlot import api

    truth = write_shot(root, ShotPlan(plate=False, points=300))
    yield api.import_shot(root), truth


@pytest.fixture
def backend(home: Path) -> Iterator[Any]:  # noqa: F811
    from tests.contract.fake_backend import FakeBackend

    with FakeBackend(home) as running:
        yield running


def assert_agrees(imported: Any, root: Path) -> None:
    """What stands in the scene is what the files say: every pose and every point."""
    import bpy

    camera = read_camera(root)
    scene = bpy.context.scene
    for pose in camera.extrinsics.frames:
        scene.frame_set(pose.frame)
        seen = np.array(imported.camera.matrix_world)
        expected = np.array(pose.world_from_camera)
        assert np.abs(seen[:3, 3] - expected[:3, 3]).max() < 1e-4
        assert np.abs(seen[:3, :3] - expected[:3, :3] @ GL).max() < 1e-5
    with np.load(ShotFolder(root).cloud) as stored:
        assert np.abs(vertices(imported.cloud) - stored["xyz"]).max() < 1e-4


def vertices(cloud: Any) -> np.ndarray:
    found = np.empty(3 * len(cloud.data.vertices), np.float32)
    cloud.data.vertices.foreach_get("co", found)
    return found.reshape(-1, 3)


def prop_under(imported: Any) -> Any:
    """Something of the artist's below the shot's root, with keys of its own."""
    import bpy

    prop = bpy.data.objects.new("prop", None)
    imported.collection.objects.link(prop)
    prop.parent, prop.location = imported.root, (0.4, 0.2, 1.0)
    prop.keyframe_insert("location", frame=1001)
    bpy.context.view_layer.update()
    return prop


def test_everything_moves_with_the_shot(shot: tuple[Any, Truth], backend: Any, root: Path) -> None:
    import bpy

    imported, truth = shot
    prop = prop_under(imported)
    free = bpy.data.objects.new("free", None)
    bpy.context.scene.collection.objects.link(free)
    clip_end = imported.camera.data.clip_end
    imported.root.location = (5.0, 0.0, 0.0)  # the artist's; it moves nothing in the shot's own space
    before = read_camera(root)
    assert bpy.ops.backlot.set_scale(points="0 3", distance=4.0) == {"FINISHED"}
    assert bpy.ops.backlot.set_origin(points="7") == {"FINISHED"}
    camera = read_camera(root)
    assert camera.world.revision == 2 and camera.extrinsics.units == "metres"
    imported.root.location = (0.0, 0.0, 0.0)
    assert_agrees(imported, root)
    assert np.abs(vertices(imported.cloud)[7]).max() < 1e-5
    assert np.linalg.norm(np.diff(vertices(imported.cloud)[[0, 3]], axis=0)) == pytest.approx(4.0, abs=1e-4)
    whole = camera.world.world_from_solve
    assert before.world.revision == 0
    bpy.context.scene.frame_set(1001)
    assert np.array(prop.matrix_world.translation) == pytest.approx(move_point(whole, (0.4, 0.2, 1.0)), abs=1e-5)
    assert tuple(prop.location) == pytest.approx((0.4, 0.2, 1.0)) and tuple(free.location) == (0.0, 0.0, 0.0)
    assert imported.camera.data.clip_end == pytest.approx(clip_end * whole.scale, rel=1e-5)
    assert bpy.ops.backlot.reset_world() == {"FINISHED"}
    assert_agrees(imported, root)
    assert np.abs(vertices(imported.cloud) - truth.xyz).max() < 1e-4


def test_importing_again_after_a_change_elsewhere(shot: tuple[Any, Truth], backend: Any, root: Path) -> None:
    """Another program changed the world: an update takes over its numbers, and takes along what stands in it."""
    import bpy
    from bl_ext.user_default.backlot import api

    from shared.world_messages import Pick, WorldRequest
    from tests.contract import fake_world

    imported, truth = shot
    prop = prop_under(imported)
    place = tuple(map(float, truth.xyz[20]))
    reply = fake_world.change(WorldRequest(str(root), origin=Pick(xyz=place), scale=0.5, scale_source="imported"))
    assert reply.revision == 1
    api.import_shot(root)
    assert_agrees(imported, root)
    bpy.context.scene.frame_set(1001)
    assert np.array(prop.matrix_world.translation) == pytest.approx(move_point(reply.by, (0.4, 0.2, 1.0)), abs=1e-5)
    api.import_shot(root)  # and only once
    bpy.context.scene.frame_set(1001)
    assert np.array(prop.matrix_world.translation) == pytest.approx(move_point(reply.by, (0.4, 0.2, 1.0)), abs=1e-5)


def test_points_come_from_the_edit_mode(shot: tuple[Any, Truth], backend: Any, root: Path) -> None:
    import bmesh
    import bpy

    imported, truth = shot
    bpy.context.view_layer.objects.active = imported.cloud
    bpy.ops.object.mode_set(mode="EDIT")
    edited = bmesh.from_edit_mesh(imported.cloud.data)
    edited.verts.ensure_lookup_table()
    for vertex in edited.verts:
        vertex.select = vertex.index in (2, 9, 40)
    bmesh.update_edit_mesh(imported.cloud.data)
    assert bpy.ops.backlot.set_floor() == {"FINISHED"}
    bpy.ops.object.mode_set(mode="OBJECT")
    assert_agrees(imported, root)
    assert np.abs(vertices(imported.cloud)[[2, 9, 40], 2]).max() < 1e-5
    assert len(truth.xyz) == 300


def test_what_does_not_fit_is_refused(shot: tuple[Any, Truth], backend: Any, root: Path) -> None:
    import bpy

    with pytest.raises(RuntimeError, match="needs at least 3 points"):
        bpy.ops.backlot.set_floor(points="1 2")
    with pytest.raises(RuntimeError, match="needs 2 points of the cloud, not 3"):
        bpy.ops.backlot.set_scale(points="1 2 3")
    with pytest.raises(RuntimeError, match="no point 3000"):
        bpy.ops.backlot.set_origin(points="3000")
    with pytest.raises(RuntimeError, match="does not name points"):
        bpy.ops.backlot.set_origin(points="here")
    attribute = shot[0].cloud.data.attributes.new("at_infinity", "BOOLEAN", "POINT")
    attribute.data[4].value = True
    with pytest.raises(RuntimeError, match="infinitely far"):
        bpy.ops.backlot.set_origin(points="4")
    assert read_camera(root).world.revision == 0


def test_the_window_never_waits(pump: Any, backend: Any, tmp_path: Path) -> None:  # noqa: F811
    """As with a window: the operator only asks; the answer moves the scene in a tick, and undo takes the shot
    back too."""
    import bpy
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.importers import ownership, world_record

    from shared.world_messages import WorldRequest

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(plate=False, points=200_000, count=300))
    imported = api.import_shot(root)
    collection = imported.collection
    pump.worlds.imported(collection)
    before = world_record.read(collection)
    pump.worlds.change(WorldRequest(str(root), scale=3.0, scale_source="imported"), "Set Scale")
    assert pump.worlds.is_busy(str(root)) and read_camera(root).world.revision == 0
    assert not bpy.ops.backlot.reset_world.poll()
    pump.session.start()
    longest = run_until(pump, lambda: not pump.worlds.is_busy(str(root)))
    assert longest < TICK_S
    assert_agrees(imported, root)
    assert world_record.read(collection).world_from_solve.scale == pytest.approx(3.0)
    world_record.write(collection, before)  # what undo does to the collection
    pump._undone()
    run_until(pump, lambda: world_record.read(collection).revision == 2)
    assert read_camera(root).world.world_from_solve.scale == pytest.approx(1.0)
    assert read_camera(root).world.revision == 2
    assert collection[ownership.SHOT_FOLDER] == str(root)


def test_a_failure_is_shown(pump: Any, backend: Any, tmp_path: Path) -> None:  # noqa: F811
    from bl_ext.user_default.backlot import api

    from shared.world_messages import WorldRequest

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(plate=False, points=20))
    api.import_shot(root)
    pump.worlds.change(WorldRequest(str(root), auto_ground=True), "Use Suggested Ground")
    pump.session.start()
    run_until(pump, lambda: not pump.worlds.is_busy(str(root)))
    assert "not found" in pump.session.error.message
    pump.worlds.suggest(str(root))
    run_until(pump, lambda: str(root) in pump.worlds.suggestions)
    assert not pump.worlds.suggestions[str(root)].found


def test_the_point_under_the_mouse(empty: None) -> None:
    """The nearest on the screen; of two in line, the one in front; none behind the viewer or out of reach."""
    from bl_ext.user_default.backlot.picking.screen import ScreenPoints

    xyz = np.array([(0.0, 0.0, -5.0), (0.001, 0.0, -3.0), (1.0, 0.5, -4.0), (0.0, 0.0, 5.0), (0.5, 0.0, -4.0)])
    usable = np.array([True, True, True, True, False])
    view = np.array([(1.0, 0, 0, 0), (0, 1, 0, 0), (0, 0, -1, -0.1), (0, 0, -1, 0)])
    screen = ScreenPoints(xyz.astype(np.float32), usable)
    screen.look(view, 800, 600)
    assert screen.nearest(401.0, 299.0) == 1
    assert screen.pixel(2) == pytest.approx((400 + 100, 300 + 37.5))
    assert screen.nearest(505.0, 340.0) == 2
    assert screen.nearest(450.0, 300.0) is None and screen.nearest(600.0, 100.0) is None
    assert screen.pixel(3) is None
