"""Hints by hand: what a click makes of the prompts, undo, other clients, painted images and masks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.errors import InvalidRequest
from shared.roto_prompts import FramePrompt, LabelPrompts, RotoPrompts, Stroke, read_prompts, write_prompts
from shared.shot import ShotFolder
from tests.blender.synthetic_roto import RotoPlan, circle, disc, write_grey, write_roto
from tests.blender.synthetic_shot import ShotPlan, write_shot
from tests.blender.test_session import home, pump, run_until  # noqa: F401  (fixtures)


@pytest.fixture
def scene(pump: Any, tmp_path: Path) -> Any:  # noqa: F811
    """A scene whose shot has a plate of 320 x 180, frames 1001 to 1006."""
    import bpy

    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(count=6))
    found = bpy.context.scene
    found.backlot.folder = str(root)
    found.frame_current = 1001
    return found


@pytest.fixture
def shot(tmp_path: Path) -> ShotFolder:
    return ShotFolder(tmp_path / "clip_backlot")


def hint(path: str, **said: Any) -> None:
    import bpy

    assert bpy.ops.backlot.roto_hint("EXEC_DEFAULT", True, path=path, **said) == {"FINISHED"}


def test_clicks_become_prompts(scene: Any, shot: ShotFolder) -> None:
    import bpy

    hint("100,50")
    hint("20.5,30.25", include=False)
    hint("10,10;90,80", kind="BOX")
    hint("5,5;6,5;30,5", kind="STROKE", radius=4.0)
    scene.frame_current = 1004
    bpy.ops.backlot.roto_clear_frame(absent=True)
    said = read_prompts(shot)
    assert list(said.labels) == ["object"] and said.revision == 5
    assert said.labels["object"].frames == {
        "1001": FramePrompt(
            include=((100.0, 50.0),), exclude=((20.5, 30.25),), boxes=((10.0, 10.0, 90.0, 80.0),),
            strokes=(Stroke(((5.0, 5.0), (30.0, 5.0)), 4.0),),
        ),
        "1004": FramePrompt(absent=True),
    }  # fmt: skip
    hint("100,50")
    assert read_prompts(shot).labels["object"].frames["1004"] == FramePrompt(include=((100.0, 50.0),))


def test_a_place_beside_the_plate_is_refused(scene: Any, shot: ShotFolder) -> None:
    import bpy

    with pytest.raises(RuntimeError, match="beside the picture"):
        bpy.ops.backlot.roto_hint(path="400,50")
    with pytest.raises(RuntimeError, match="no pixel of the plate"):
        bpy.ops.backlot.roto_hint(path="-9,-9;-1,-1", kind="BOX")
    assert not len(scene.backlot_roto.objects) and read_prompts(shot).labels == {}


def test_undo_takes_clicks_back_and_the_file_follows(scene: Any, shot: ShotFolder, pump: Any) -> None:  # noqa: F811
    import bpy

    pump.start()
    bpy.ops.ed.undo_push(message="before")
    hint("100,50")
    hint("120,50")
    bpy.ops.ed.undo()
    pump.tick()
    assert read_prompts(shot).labels["object"].frames["1001"].include == ((100.0, 50.0),)
    bpy.ops.ed.undo()
    pump.tick()
    assert read_prompts(shot).labels == {}
    bpy.ops.ed.redo()
    bpy.ops.ed.redo()
    pump.tick()
    found = read_prompts(shot)
    assert len(found.labels["object"].frames["1001"].include) == 2 and found.revision == 5
    pump.stop()


def test_objects_are_named_ordered_and_described(scene: Any, shot: ShotFolder, pump: Any) -> None:  # noqa: F811
    import bpy

    bpy.ops.backlot.roto_add_object(label="person", text="person")
    bpy.ops.backlot.roto_add_object(label="bag")
    bpy.ops.backlot.roto_add_object()
    assert scene.backlot_roto.active == 2
    bpy.ops.backlot.roto_move_object(up=True)
    scene.backlot_roto.objects[0].name, scene.backlot_roto.objects[2].moving = "anna", False
    pump.tick()
    said = read_prompts(shot)
    assert list(said.labels) == ["anna", "object", "bag"]
    assert said.labels["anna"].text == "person" and not said.labels["bag"].moving
    scene.backlot_roto.objects[1].name = "mask"
    pump.tick()
    assert "is taken" in str(pump.session.error) and scene.backlot_roto.objects[1].name == "object"
    scene.backlot_roto.objects[1].name = "Bag"
    pump.tick()
    assert list(read_prompts(shot).labels) == ["anna", "object", "bag"]
    with pytest.raises(RuntimeError, match="already"):
        bpy.ops.backlot.roto_add_object(label="BAG")
    bpy.ops.backlot.roto_remove_object()
    assert list(read_prompts(shot).labels) == ["anna", "bag"]


def test_another_client_s_prompts_come_in(scene: Any, shot: ShotFolder, pump: Any) -> None:  # noqa: F811
    hint("100,50")
    theirs = read_prompts(shot)
    theirs.labels["hat"] = LabelPrompts(frames={"1002": FramePrompt(boxes=((1.0, 2.0, 30.0, 40.0),))})
    write_prompts(shot, theirs)
    pump.tick()
    assert [thing.name for thing in scene.backlot_roto.objects] == ["object", "hat"]
    hint("101,50")
    said = read_prompts(shot)
    assert said.labels["hat"] == LabelPrompts(True, None, said.labels["hat"].color, theirs.labels["hat"].frames)
    assert len(said.labels["object"].frames["1001"].include) == 2 and said.revision == 3


def test_the_prompts_of_a_shot_come_with_it(scene: Any, shot: ShotFolder, pump: Any, tmp_path: Path) -> None:  # noqa: F811
    """Another shot's objects do not end in this one's file, and come back with their shot."""
    hint("100,50")
    write_shot(tmp_path / "other_backlot", ShotPlan(count=3))
    other = ShotFolder(tmp_path / "other_backlot")
    write_prompts(other, RotoPrompts(labels={"dog": LabelPrompts(text="dog")}))
    scene.backlot.folder = str(other.root)
    run_until(pump, lambda: [thing.name for thing in scene.backlot_roto.objects] == ["dog"])
    scene.backlot.folder = str(shot.root)
    run_until(pump, lambda: [thing.name for thing in scene.backlot_roto.objects] == ["object"])
    assert list(read_prompts(other).labels) == ["dog"] and list(read_prompts(shot).labels) == ["object"]


def test_a_broken_file_is_named_and_kept(scene: Any, shot: ShotFolder, pump: Any) -> None:  # noqa: F811
    import bpy

    shot.prompts.parent.mkdir(parents=True, exist_ok=True)
    shot.prompts.write_text("{", encoding="utf-8")
    pump.tick()
    assert "prompts.json cannot be read" in str(pump.session.error)
    with pytest.raises(RuntimeError, match="cannot be read"):
        bpy.ops.backlot.roto_hint(path="1,1")
    assert shot.prompts.read_text(encoding="utf-8") == "{"


def test_the_hint_under_the_mouse_goes(scene: Any, shot: ShotFolder) -> None:
    import bpy

    hint("100,50")
    hint("10,10;90,80", kind="BOX")
    hint("150,150;200,150", kind="STROKE", radius=4.0)
    with pytest.raises(RuntimeError, match="no hint under"):
        bpy.ops.backlot.roto_delete_hint(place=(300.0, 20.0), reach=10.0)
    bpy.ops.backlot.roto_delete_hint(place=(175.0, 155.0), reach=5.0)
    bpy.ops.backlot.roto_delete_hint(place=(50.0, 12.0), reach=5.0)
    assert read_prompts(shot).labels["object"].frames["1001"] == FramePrompt(include=((100.0, 50.0),))


def test_a_painted_image_becomes_a_mask(scene: Any, shot: ShotFolder) -> None:
    import bpy
    from bl_ext.user_default.backlot.roto.png import read_grey

    wanted = disc(RotoPlan(), 0, 2)
    image = bpy.data.images.new("painted", 320, 180, alpha=True)
    rgba = np.zeros((180, 320, 4), np.float32)
    rgba[..., 3] = 1.0
    rgba[wanted, 0] = 1.0
    rgba[:20, :20] = (1.0, 1.0, 1.0, 0.0)  # bright, but not opaque
    image.pixels.foreach_set(rgba[::-1].ravel())
    scene.backlot_roto.painted = image
    bpy.ops.backlot.roto_from_image()
    file = read_prompts(shot).labels["object"].frames["1001"].mask
    assert file is not None and file.startswith(".prompts/object/frame_1001_")
    assert np.array_equal(read_grey(shot.roto_dir / file) == 255, wanted)
    image.pixels.foreach_set(np.roll(rgba, 7, axis=1)[::-1].ravel())
    bpy.ops.backlot.roto_from_image()
    assert np.array_equal(read_grey(shot.roto_dir / file) == 255, wanted)  # undo finds it again
    scene.backlot_roto.painted = bpy.data.images.new("small", 32, 18)
    with pytest.raises(RuntimeError, match="32 x 18 pixels, the plate 320 x 180"):
        bpy.ops.backlot.roto_from_image()


def test_mask_splines_become_a_mask(scene: Any, shot: ShotFolder) -> None:
    """A disc drawn with splines, less a disc on a layer that takes away."""
    import bpy
    from bl_ext.user_default.backlot.roto.png import read_grey

    plan = RotoPlan(radius=40.0, hole=15.0)
    mask = bpy.data.masks.new("drawn")
    draw_circle(mask, (60.0, 72.0), 40.0)
    draw_circle(mask, (60.0, 72.0), 15.0).blend = "SUBTRACT"
    scene.backlot_roto.drawn = mask
    bpy.ops.backlot.roto_from_mask()
    file = read_prompts(shot).labels["object"].frames["1001"].mask
    found, wanted = read_grey(shot.roto_dir / str(file)) == 255, disc(plan, 0, 0)
    assert (found & wanted).sum() / (found | wanted).sum() > 0.995
    scene.backlot_roto.drawn = bpy.data.masks.new("nothing")
    with pytest.raises(RuntimeError, match="no closed spline"):
        bpy.ops.backlot.roto_from_mask()


def test_a_good_mask_is_kept(scene: Any, shot: ShotFolder) -> None:
    import bpy
    from bl_ext.user_default.backlot.roto.png import read_grey

    hint("60,72")
    with pytest.raises(RuntimeError, match="no mask at frame 1001"):
        bpy.ops.backlot.roto_keep_mask()
    write_roto(shot.root, RotoPlan(labels=("object",)))
    bpy.ops.backlot.roto_keep_mask()
    said = read_prompts(shot).labels["object"].frames["1001"]
    assert said.include == ((60.0, 72.0),)
    assert np.array_equal(read_grey(shot.roto_dir / str(said.mask)) == 255, disc(RotoPlan(), 0, 0))


def draw_circle(mask: Any, at: tuple[float, float], radius: float) -> Any:
    """On a layer of its own, in the space of a plate of 320 x 180; written out apart from the extension's."""
    layer = mask.layers.new()
    spline = layer.splines.new()
    points = circle(at, radius)
    spline.points.add(len(points) - len(spline.points))
    spline.use_cyclic = True
    for point, numbers in zip(spline.points, points, strict=True):
        point.handle_left_type = point.handle_right_type = "FREE"
        places = [(x / 320.0, 0.5 + (90.0 - y) / 320.0) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
        point.co, point.handle_left, point.handle_right = places
    return layer


def test_steps_go_from_hint_to_hint(scene: Any) -> None:
    import bpy

    for number in (1002, 1005):
        scene.frame_current = number
        hint("100,50")
    scene.frame_current = 1003
    bpy.ops.backlot.roto_step(to="NEXT")
    assert scene.frame_current == 1005
    bpy.ops.backlot.roto_step(to="PREVIOUS")
    assert scene.frame_current == 1002


@pytest.mark.parametrize("filter", range(5))
def test_every_filter_of_png_is_read(backlot: Any, tmp_path: Path, filter: int) -> None:
    from bl_ext.user_default.backlot.roto.png import decode, encode, read_grey

    wanted = np.random.default_rng(3).integers(0, 256, (13, 17), dtype=np.uint8)
    write_grey(tmp_path / "a.png", wanted, filter)
    assert np.array_equal(read_grey(tmp_path / "a.png"), wanted)
    assert np.array_equal(decode(encode(wanted)), wanted)


def test_a_stroke_keeps_its_form_with_few_points(backlot: Any) -> None:
    from bl_ext.user_default.backlot.roto.edits import distance_to_path, thinned, with_stroke

    angle = np.linspace(0.0, 3.0, 300)
    path = list(zip((100 + 60 * np.cos(angle)).tolist(), (90 + 60 * np.sin(angle)).tolist(), strict=True))
    kept = thinned(path, 0.5)
    assert len(kept) < 30 and max(distance_to_path(at, tuple(kept)) for at in path) <= 0.5
    from bl_ext.user_default.backlot.roto.edits import NOTHING
    from bl_ext.user_default.backlot.shared.errors import InvalidRequest as Bundled

    assert not isinstance(InvalidRequest("", ""), Bundled)
    with pytest.raises(Bundled, match="beside"):
        with_stroke(NOTHING, [(-50.0, 5.0), (-40.0, 5.0)], 4.0, True, (320, 180))


def test_a_gesture_is_a_point_a_box_or_a_stroke(backlot: Any) -> None:
    from bl_ext.user_default.backlot.roto.gesture import BOX, POINT, STROKE, Gesture

    def after(tool: str, include: bool, *moves: tuple[float, float]) -> Gesture:
        made = Gesture(tool, include, (0.0, 0.0), [(0.0, 0.0)])
        for at in moves:
            made.move(at, (at[0] / 2, at[1] / 2))
        return made

    assert after(POINT, True).kind == after(POINT, True, (2.0, 1.0)).kind == POINT
    box = after(POINT, True, (30.0, 5.0), (60.0, 40.0))
    assert (box.kind, box.path) == (BOX, [(0.0, 0.0), (30.0, 20.0)])
    assert after(POINT, True, (60.0, 40.0), (1.0, 1.0)).kind == BOX
    assert after(POINT, False, (60.0, 40.0)).kind == STROKE
    assert after(STROKE, True).kind == STROKE


def test_what_is_kept_in_the_scene_is_small(scene: Any) -> None:
    """Only what was said: undo copies the scene at every click."""
    hint("100,50")
    assert json.loads(scene.backlot_roto.objects[0].frames) == {"1001": {"include": [[100.0, 50.0]]}}
