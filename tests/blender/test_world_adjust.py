"""The world adjusted by hand: what a drag means, the change that comes of it, the Root's own move taken over."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.camera_files import read_camera
from shared.similarity import as_matrix, compose, move_point
from tests.blender.synthetic_shot import ShotPlan, Truth, look_at, write_shot
from tests.blender.test_session import home, pump, run_until  # noqa: F401  (fixtures)
from tests.blender.test_world_alignment import assert_agrees, backend, root, shot  # noqa: F401  (fixtures)

SIZE = (1000.0, 600.0)


def viewer(from_above: float) -> np.ndarray:
    """Clip coordinates from the world, of somebody five units away, so high over the ground."""
    pose = look_at(np.array([3.0, -4.0, from_above]), np.zeros(3), 0.0)
    view = np.linalg.inv(pose @ np.diag((1.0, -1.0, -1.0, 1.0)))
    lens = np.array([(1.2, 0, 0, 0), (0, 2.0, 0, 0), (0, 0, -1.002, -0.2), (0, 0, -1, 0)])
    return lens @ view


def pixel(view: np.ndarray, place: tuple[float, float, float]) -> tuple[float, float]:
    clip = view @ np.array((*place, 1.0))
    return tuple((clip[:2] / clip[3] + 1.0) * np.array(SIZE) / 2.0)


@pytest.mark.parametrize("height", [2.0, -2.0])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_drag_follows_the_mouse(empty: None, axis: int, height: float) -> None:
    """What lies under the mouse when it is pressed lies there when it is let go."""
    from bl_ext.user_default.backlot.picking.change import change
    from bl_ext.user_default.backlot.picking.drag import Drag

    view = viewer(height)
    grabbed = [0.0, 0.0, 0.0]
    grabbed[axis] = 0.4
    grabbed = tuple(grabbed)
    for amount in (0.7, -1.1):
        target = move_point(change("MOVE", axis, amount), grabbed)
        found = Drag("MOVE", axis, view, SIZE, pixel(view, grabbed)).amount(*pixel(view, target))
        assert found == pytest.approx(amount, abs=1e-6)
    centre, edge = np.array(pixel(view, (0, 0, 0))), np.array((40.0, 10.0))
    scale = Drag("SCALE", axis, view, SIZE, tuple(centre + edge))
    assert scale.amount(*(centre - 3.0 * edge)) == pytest.approx(3.0)
    # A turn goes the way that the ring goes: a place of it moves to where the mouse went.
    ring = [0.0, 0.0, 0.0]
    ring[(axis + 1) % 3] = 0.3
    drag = Drag("TURN", axis, view, SIZE, pixel(view, tuple(ring)))
    turned = [
        drag.amount(*pixel(view, move_point(change("TURN", axis, a), tuple(ring)))) for a in np.linspace(0, 5, 40)
    ]
    assert turned[-1] > 3.0 and np.all(np.diff(turned) > -0.05)


def test_the_change_of_a_drag(empty: None) -> None:
    from bl_ext.user_default.backlot.picking.change import change

    assert move_point(change("MOVE", 1, 2.5), (1.0, 1.0, 1.0)) == (1.0, 3.5, 1.0)
    assert move_point(change("SCALE", 0, 2.0), (1.0, 2.0, 3.0)) == (2.0, 4.0, 6.0)
    assert move_point(change("TURN", 2, math.pi / 2), (1.0, 0.0, 5.0)) == pytest.approx((0.0, 1.0, 5.0))
    assert move_point(change("TURN", 0, math.pi / 2), (0.0, 1.0, 0.0)) == pytest.approx((0.0, 0.0, 1.0))


def test_scripts_adjust_the_world(shot: tuple[Any, Truth], backend: Any, root: Path) -> None:  # noqa: F811
    """Each a change of the shot's own world, in its files and in the scene; up and scale are known after it."""
    import bpy
    from bl_ext.user_default.backlot.picking.change import change

    imported, _ = shot
    with pytest.raises(RuntimeError, match="No amount"):
        bpy.ops.backlot.adjust_world(kind="MOVE", axis="X")
    assert bpy.ops.backlot.adjust_world(kind="MOVE", axis="Z", amount=0.5) == {"FINISHED"}
    camera = read_camera(root)
    assert camera.extrinsics.up_source == "none" and camera.extrinsics.scale_source == "none"
    assert bpy.ops.backlot.adjust_world(kind="TURN", axis="X", amount=0.3) == {"FINISHED"}
    assert read_camera(root).extrinsics.up_source == "picked"
    assert bpy.ops.backlot.adjust_world(kind="SCALE", amount=2.0) == {"FINISHED"}
    camera = read_camera(root)
    assert camera.extrinsics.scale_source == "imported" and camera.world.revision == 3
    wanted = compose(change("SCALE", 0, 2.0), compose(change("TURN", 0, 0.3), change("MOVE", 2, 0.5)))
    assert np.allclose(as_matrix(camera.world.world_from_solve), as_matrix(wanted), atol=1e-6)
    assert_agrees(imported, root)


def test_the_root_is_taken_over(shot: tuple[Any, Truth], backend: Any, root: Path) -> None:  # noqa: F811
    """Nothing moves in the scene; a stretched Root is refused."""
    import bpy

    imported, _ = shot
    with pytest.raises(RuntimeError, match="stands at the origin"):
        bpy.ops.backlot.apply_root()
    imported.root.scale = (1.0, 2.0, 1.0)
    with pytest.raises(RuntimeError, match="stretched"):
        bpy.ops.backlot.apply_root()
    imported.root.location, imported.root.rotation_euler = (1.0, 2.0, 0.5), (0.1, 0.2, 0.7)
    imported.root.scale = (1.5, 1.5, 1.5)
    bpy.context.scene.frame_set(1004)
    stood = np.array(imported.camera.matrix_world)
    assert bpy.ops.backlot.apply_root() == {"FINISHED"}
    bpy.context.scene.frame_set(1004)
    now = np.array(imported.camera.matrix_world)
    assert np.abs(now[:3, 3] - stood[:3, 3]).max() < 1e-5
    assert np.abs(now[:3, :3] - stood[:3, :3] / 1.5).max() < 1e-5  # a camera has no size
    assert np.abs(np.array(imported.root.matrix_world) - np.eye(4)).max() < 1e-6
    assert_agrees(imported, root)


def test_what_stood_in_for_the_answer_goes(pump: Any, backend: Any, tmp_path: Path) -> None:  # noqa: F811
    """The Root that was dragged goes back when the answer comes, whether the world was changed or not."""
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.importers import ownership
    from bl_ext.user_default.backlot.operators.world_adjust import placing, put_back
    from bl_ext.user_default.backlot.shared.world_messages import WorldRequest

    folder = tmp_path / "clip_backlot"
    write_shot(folder, ShotPlan(plate=False, points=20))
    imported = api.import_shot(folder)
    shot_id, before = imported.collection[ownership.SHOT_ID], placing(imported.root)
    pump.session.start()
    for revision, comes in ((0, True), (9, False)):
        heard: list[bool] = []
        imported.root.location = (3.0, 0.0, 0.0)

        def settle(done: bool, heard: list[bool] = heard) -> None:
            heard.append(done)
            put_back(shot_id, before)

        request = WorldRequest(str(folder), revision=revision, scale=2.0, scale_source="imported")
        pump.worlds.change(request, "Adjust World", settle)
        run_until(pump, lambda: not pump.worlds.is_busy(str(folder)))
        assert heard == [comes] and tuple(imported.root.location) == (0.0, 0.0, 0.0)
    assert_agrees(imported, folder)
