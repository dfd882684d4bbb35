"""Update Scene against what artists do to an imported shot: each test is a way in which it might lose their work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.blender.synthetic_shot import ShotPlan, write_shot
from tests.blender.synthetic_tracks import write_tracks

SECOND = ShotPlan(points=90, count=10, focal_px=(340.0, 340.0))


@pytest.fixture
def root(empty: None, tmp_path: Path) -> Path:
    root = tmp_path / "clip_backlot"
    write_tracks(root, write_shot(root, ShotPlan(points=60)))
    return root


@pytest.fixture
def shot(root: Path) -> Any:
    from bl_ext.user_default.backlot import api

    return api.import_shot(root)


def update(root: Path) -> Any:
    """Another solve comes in."""
    from bl_ext.user_default.backlot import api

    write_shot(root, SECOND)
    return api.import_shot(root)


def count() -> dict[str, int]:
    import bpy

    kinds = ("objects", "meshes", "cameras", "movieclips", "collections", "actions", "materials", "node_groups")
    return {kind: len(getattr(bpy.data, kind)) for kind in kinds}


def test_moved_between_collections(shot: Any, root: Path) -> None:
    """What was sorted elsewhere, hidden, locked or excluded stays there, and is updated there."""
    import bpy

    scene = bpy.context.scene
    mine = bpy.data.collections.new("mine")
    scene.collection.children.link(mine)
    for thing in (shot.camera, shot.cloud):
        mine.objects.link(thing)
        shot.collection.objects.unlink(thing)
    shot.cloud.hide_viewport, shot.root.hide_select = True, True
    scene.collection.children.unlink(shot.collection)
    mine.children.link(shot.collection)
    shot.collection.color_tag = "COLOR_03"
    bpy.context.view_layer.layer_collection.children["mine"].children[shot.collection.name].exclude = True
    before = count()
    again = update(root)
    assert count() == before
    assert set(again.camera.users_collection) == set(again.cloud.users_collection) == {mine}
    assert again.cloud.hide_viewport and again.root.hide_select and again.collection.color_tag == "COLOR_03"
    assert bpy.context.view_layer.layer_collection.children["mine"].children[shot.collection.name].exclude
    assert len(again.cloud.data.vertices) == 90


def test_drivers_and_animation_of_the_artist(shot: Any, root: Path) -> None:
    """Drivers on the camera, on its lens, and of things that read it; keys on other channels; NLA."""
    import bpy

    driver = shot.camera.data.driver_add("clip_end").driver
    driver.expression = "77"
    shot.camera.driver_add("hide_render").driver.expression = "0"
    lamp = bpy.data.objects.new("lamp", None)
    shot.collection.objects.link(lamp)
    follow = lamp.driver_add("location", 0).driver
    variable = follow.variables.new()
    variable.targets[0].id, variable.targets[0].data_path = shot.camera, '["solve_error_px"]'
    follow.expression = variable.name
    shot.camera.keyframe_insert("scale", frame=1004)
    shot.camera.data.keyframe_insert("dof.focus_distance", frame=1004)
    modifier = curve(shot.camera, "location").modifiers.new("NOISE")
    modifier.strength = 0.25
    again = update(root)
    assert [d.data_path for d in again.camera.data.animation_data.drivers] == ["clip_end"]
    assert [d.data_path for d in again.camera.animation_data.drivers] == ["hide_render"]
    bpy.context.scene.frame_set(1004)
    assert lamp.location.x == pytest.approx(again.camera["solve_error_px"]) == pytest.approx(0.3)
    assert curve(again.camera, "scale") is not None and len(curve(again.camera, "location").keyframe_points) == 10
    assert curve(again.camera, "location").modifiers[0].strength == 0.25
    assert curve(again.camera.data, "dof.focus_distance") is not None


def curve(owner: Any, path: str) -> Any:
    from bl_ext.user_default.backlot.importers import animation

    return animation.channels(owner.animation_data.action, owner).find(path, index=0)


def test_pushed_down_to_the_nla(shot: Any, root: Path) -> None:
    """The strip stays the camera's animation, and its action gets the new keys."""
    held = shot.camera.animation_data
    action = held.action
    strip = held.nla_tracks.new().strips.new("solve", 1001, action)
    strip.blend_type = "REPLACE"
    held.action = None
    again = update(root)
    assert again.camera.animation_data.action is None
    assert [s.action for t in again.camera.animation_data.nla_tracks for s in t.strips] == [action]
    from bl_ext.user_default.backlot.importers import animation

    assert len(animation.channels(action, again.camera).find("location", index=0).keyframe_points) == 10


def test_constraints_and_parents_that_point_at_the_shot(shot: Any, root: Path) -> None:
    import bpy

    aim = bpy.data.objects.new("aim", None)
    bpy.context.scene.collection.objects.link(aim)
    track = aim.constraints.new("TRACK_TO")
    track.target = shot.camera
    child = bpy.data.objects.new("child", None)
    bpy.context.scene.collection.objects.link(child)
    child.parent, child.parent_type, child.parent_vertices = shot.cloud, "VERTEX", (5, 0, 0)
    shot.camera.constraints.new("COPY_LOCATION").target = aim
    shot.cloud.vertex_groups.new(name="mine")
    again = update(root)
    assert track.target == again.camera and again.camera.constraints[0].target == aim
    assert child.parent == again.cloud and child.parent_vertices[0] == 5
    assert [group.name for group in again.cloud.vertex_groups] == ["mine"]


def test_materials_modifiers_and_shown_attributes(shot: Any, root: Path) -> None:
    import bpy

    material = bpy.data.materials.new("mine")
    shot.cloud.data.materials.append(material)
    shot.cloud.material_slots[0].link = "OBJECT"
    shot.cloud.material_slots[0].material = material
    shot.cloud.modifiers.remove(shot.cloud.modifiers[0])
    shot.cloud.display_type = "BOUNDS"
    shot.cloud.data.name = "my points"
    again = update(root)
    assert again.cloud.material_slots[0].link == "OBJECT" and again.cloud.material_slots[0].material == material
    assert list(again.cloud.data.materials)[-1] == material
    assert not again.cloud.modifiers and again.cloud.display_type == "BOUNDS"
    assert again.cloud.data.name == "my points"


def test_the_plate_and_background_of_the_artist(shot: Any, root: Path) -> None:
    """How the plate is shown, a second background, a proxy: his. Masks and stabilisation hang on the clip and stay."""
    import bpy

    background = shot.camera.data.background_images[0]
    background.alpha, background.display_depth, background.show_background_image = 0.4, "FRONT", False
    other = shot.camera.data.background_images.new()
    other.source = "IMAGE"
    shot.plate.name = "A001_C003"
    shot.plate.colorspace_settings.name = "Non-Color"
    shot.plate.tracking.stabilization.use_2d_stabilization = True
    mine = shot.plate.tracking.tracks.new(name="mine", frame=1)
    mine.markers.insert_frame(3, co=(0.25, 0.5))
    again = update(root)
    first, second = again.camera.data.background_images
    assert (round(first.alpha, 3), first.display_depth, first.show_background_image) == (0.4, "FRONT", False)
    assert second.source == "IMAGE" and again.plate.name == "A001_C003"
    assert again.plate.colorspace_settings.name == "Non-Color"
    assert again.plate.tracking.stabilization.use_2d_stabilization
    kept = again.plate.tracking.tracks["mine"].markers.find_frame(3)
    assert tuple(kept.co) == pytest.approx((0.25, 0.5))
    assert len(bpy.data.movieclips) == 1


def test_deleted_objects_come_back_once(shot: Any, root: Path) -> None:
    """Camera, Root and points, each deleted: made again, with the rest still hanging together."""
    import bpy

    bpy.data.objects.remove(shot.root)
    again = update(root)
    assert again.root is not None and again.cloud.parent == again.camera.parent == again.root
    bpy.data.objects.remove(again.camera)
    third = update(root)
    assert third.camera.parent == third.root and third.camera.animation_data.action is not None
    assert bpy.context.scene.camera == third.camera
    bpy.data.movieclips.remove(third.plate)
    fourth = update(root)
    assert fourth.plate is not None and len(fourth.camera.data.background_images) >= 1
    assert any(b.clip == fourth.plate for b in fourth.camera.data.background_images)
    before = count()
    update(root)
    assert count() == before


def test_unlinked_is_not_deleted(shot: Any, root: Path) -> None:
    """An object taken out of every collection of the scene comes back as the same object."""
    shot.collection.objects.unlink(shot.cloud)
    again = update(root)
    assert again.cloud == shot.cloud and again.cloud.users_collection == (again.collection,)


def test_a_shared_mesh_and_a_copy_of_the_camera(shot: Any, root: Path) -> None:
    """A second object with the points follows; a camera with data of its own does not."""
    import bpy

    twin = bpy.data.objects.new("twin", shot.cloud.data)
    bpy.context.scene.collection.objects.link(twin)
    copy = shot.camera.copy()
    copy.data = shot.camera.data.copy()
    copy.animation_data_clear()
    copy.data.animation_data_clear()
    copy.data.lens = 99.0
    bpy.context.scene.collection.objects.link(copy)
    again = update(root)
    assert twin.data == again.cloud.data and len(twin.data.vertices) == 90
    assert copy.data.lens == 99.0 and again.camera.data.lens == pytest.approx(340.0 * 36 / 320)


def test_other_scenes_are_left_alone(shot: Any, root: Path) -> None:
    """The shot's collection linked into another scene too: one shot, and that scene's own settings stay."""
    import bpy

    other = bpy.data.scenes.new("other")
    other.collection.children.link(shot.collection)
    other.render.resolution_x, other.frame_end, other.camera = 555, 77, None
    before = count()
    again = update(root)
    assert count() == before
    assert (other.render.resolution_x, other.frame_end, other.camera) == (555, 77, None)
    assert again.collection == shot.collection


def test_a_linked_shot_is_refused_and_an_override_is_left_alone(shot: Any, root: Path, tmp_path: Path) -> None:
    """A shot from a library cannot be changed; nothing is made beside it."""
    import bpy
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.shared.errors import InvalidRequest

    name = shot.collection.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, here):
        here.collections = [name]
    (linked,) = here.collections
    bpy.context.scene.collection.children.link(linked)
    before = count()
    with pytest.raises(InvalidRequest, match="linked from"):
        api.import_shot(root)
    assert count() == before
    made = linked.override_hierarchy_create(bpy.context.scene, bpy.context.view_layer)
    bpy.context.scene.collection.children.unlink(linked)
    assert made is not None and made.override_library is not None
    mine = next(thing for thing in made.all_objects if thing.type == "CAMERA")
    mine.location = (1.0, 2.0, 3.0)
    before = count()
    with pytest.raises(InvalidRequest, match="override"):
        api.import_shot(root)
    assert count() == before and tuple(mine.location) == (1.0, 2.0, 3.0)


def test_markers_of_the_artist(shot: Any, root: Path) -> None:
    """A marker of ours that he renamed or moved is his; his own stay; ours are replaced, and never doubled."""
    import bpy

    from shared.shot import ShotFolder, document_text
    from shared.solve_report import Problem, SolveReport

    def report(first: int) -> None:
        problem = Problem(first, first + 2, "blur", f"frames {first}-{first + 2}: blur")
        written = SolveReport(1, "sfm", "full", 12, 12, 0.3, 0.9, 20, 20, (problem,))
        ShotFolder(root).report.write_text(document_text(written), encoding="utf-8")

    markers = bpy.context.scene.timeline_markers
    markers.new("cue", frame=1002)
    report(1003)
    update(root)
    next(m for m in markers if m.frame == 1003).name = "look here"
    report(1006)
    update(root)
    update(root)
    assert sorted((m.frame, m.name) for m in markers) == [
        (1002, "cue"), (1003, "look here"), (1006, "frames 1006-1008: blur"), (1008, "end of blur"),
    ]  # fmt: skip
