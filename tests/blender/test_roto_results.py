"""Masks from the backend in the scene: previews, jobs, image sequences, splines, holdouts, markers."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.artifacts import StageResult
from shared.roto_report import RotoProblem
from tests.blender.rendering import render_png
from tests.blender.synthetic_roto import RotoPlan, centre, circle, disc, write_grey, write_roto
from tests.blender.synthetic_shot import ShotPlan, write_shot
from tests.blender.test_session import TICK_S, home, pump, run_until  # noqa: F401  (fixtures)

PROBLEM = RotoProblem("disc", "area-jump", 1003, 1004, "disc grows by half at frame 1003: look at it.")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A shot of 320 x 180, frames 1001 to 1006."""
    write_shot(tmp_path / "clip_backlot", ShotPlan(count=6))
    return tmp_path / "clip_backlot"


def the_scene(root: Path) -> Any:
    import bpy

    scene = bpy.context.scene
    scene.backlot.folder = str(root)
    scene.frame_current = 1001
    return scene


def test_a_click_shows_its_mask(pump: Any, home: Path, root: Path) -> None:  # noqa: F811
    """The mask that belongs to the hints as they are, and to no earlier ones."""
    import bpy

    from tests.contract.fake_backend import FakeBackend

    scene = the_scene(root)
    with FakeBackend(home) as backend:
        run_until(pump, lambda: pump.session.online)
        bpy.ops.backlot.roto_hint(path="100,50;160,120", kind="BOX")
        run_until(pump, lambda: bool(masks_of(pump, scene)))
        (mask,) = masks_of(pump, scene)
        wanted = np.zeros((180, 320), np.uint8)
        wanted[50:120, 100:160] = 255
        assert np.array_equal(mask, wanted)
        bpy.ops.backlot.roto_hint(path="130,80", include=False)
        assert not masks_of(pump, scene)
        run_until(pump, lambda: bool(masks_of(pump, scene)))
        assert masks_of(pump, scene)[0][80, 130] == 0 and not pump.roto.previews.waiting
        asked = [params for method, params in backend.calls if method == "roto.preview"]
    assert [len(params["prompts"]["exclude"]) for params in asked] == [0, 1]
    assert {(params["frame"], params["label"]) for params in asked} == {(1001, "object")}


def test_undo_shows_the_mask_before(pump: Any, home: Path, root: Path) -> None:  # noqa: F811
    import bpy

    from tests.contract.fake_backend import FakeBackend

    scene = the_scene(root)
    pump.start()
    with FakeBackend(home):
        run_until(pump, lambda: pump.session.online)
        bpy.ops.ed.undo_push(message="before")
        for path in ("100,50", "200,50"):
            bpy.ops.backlot.roto_hint("EXEC_DEFAULT", True, path=path)
            run_until(pump, lambda: bool(masks_of(pump, scene)))
        assert masks_of(pump, scene)[0][50, 200] == 255
        bpy.ops.ed.undo()
        run_until(pump, lambda: bool(masks_of(pump, bpy.context.scene)))
        (mask,) = masks_of(pump, bpy.context.scene)
    pump.stop()
    assert mask[50, 100] == 255 and mask[50, 200] == 0


def test_a_refused_preview_says_why(pump: Any, home: Path, root: Path) -> None:  # noqa: F811
    import bpy

    from tests.contract.fake_backend import FakeBackend

    scene = the_scene(root)
    with FakeBackend(home):
        run_until(pump, lambda: pump.session.online)
        bpy.ops.backlot.roto_hint(path="100,50", include=False)
        run_until(pump, lambda: pump.roto.previews.error is not None)
        assert "no hint of where it is" in pump.roto.previews.error.message
        words = pump.roto.overlay.words("object", 1001, pump.roto.previews._latest.prompt)
        assert words[0][0] == "object, frame 1001: 1 hint" and "no hint of where" in words[1][0]
        bpy.ops.backlot.roto_hint(path="100,50")
        run_until(pump, lambda: bool(masks_of(pump, scene)))
        assert pump.roto.previews.error is None


def masks_of(pump: Any, scene: Any) -> list[np.ndarray]:  # noqa: F811
    """What the overlay draws, without drawing it."""
    from bl_ext.user_default.backlot.roto.editor import plate_of

    return [layer.shown.grey for layer in pump.roto.overlay.layers(scene, plate_of(scene))]


def test_propagate_ends_in_the_scene(pump: Any, home: Path, root: Path) -> None:  # noqa: F811
    """The job, what it is asked, and what comes in by itself; a scene without a camera stays so."""
    import bpy

    from tests.contract.fake_backend import FakeBackend

    plan = RotoPlan(labels=("disc",), problems=(PROBLEM,))

    def roto_job(job: Any) -> None:
        write_roto(root, plan)
        job.stage_done(StageResult("roto", "synthetic", 1, {"frames": 6, "frames_made": 2}))

    scene = the_scene(root)
    (root / "camera" / "extrinsics.json").unlink()
    with FakeBackend(home, roto_job) as backend:
        bpy.ops.backlot.roto_add_object(label="disc")
        assert bpy.ops.backlot.roto_propagate.poll()
        with pytest.raises(RuntimeError, match="No object has a hint"):
            bpy.ops.backlot.roto_propagate()
        bpy.ops.backlot.roto_hint(path="60,72")
        scene.backlot.roto.splines = True
        start(pump, scene, "FORWARD", 1003)
        longest = run_until(pump, lambda: bool(pump.roto.last_import))
        (job,) = backend.jobs.values()
        assert job.request.stages == ("roto",)
        assert job.request.params["roto"] == {"splines": True, "frame_start": 1003}
        assert pump.roto.last_import == "masks of disc, 1 with splines, 1 places to look at (markers)"
        assert scene.camera is None and pump.session.error is None and longest < TICK_S
        run_until(pump, lambda: bool(masks_of(pump, scene)))
    assert np.array_equal(masks_of(pump, scene)[0] == 255, disc(plan, 0, 2))
    summary = pump.session.summary(root)
    assert summary.roto.lines == ("Masks by synthetic", "disc: frames 1001 to 1006")
    assert summary.roto.problems == (PROBLEM.message,)


def start(pump: Any, scene: Any, direction: str, frame: int) -> None:  # noqa: F811
    """As the button does: the operator itself waits where there is no window."""
    from bl_ext.user_default.backlot.operators.roto_run import RANGES
    from bl_ext.user_default.backlot.operators.starting import start_job
    from bl_ext.user_default.backlot.requests import roto_request

    scene.frame_current = frame
    start_job(scene, roto_request(scene, RANGES[direction](frame)))


def test_the_operator_waits_in_the_background(empty: None, home: Path, root: Path) -> None:  # noqa: F811
    import bpy

    from tests.contract.fake_backend import FakeBackend

    def roto_job(job: Any) -> None:
        write_roto(root, RotoPlan())
        job.stage_done(StageResult("roto", "synthetic", 1, {"frames": 6, "frames_made": 6}))

    scene = the_scene(root)
    bpy.ops.backlot.roto_hint(path="60,72")
    with FakeBackend(home, roto_job):
        scene.frame_current = 1004
        with pytest.raises(RuntimeError, match="Frame 1004 has no hints"):
            bpy.ops.backlot.roto_fix()
        scene.frame_current = 1001
        assert bpy.ops.backlot.roto_fix() == {"FINISHED"}
    assert scene.backlot_roto.results["disc"].mask_image.filepath.endswith("frame_1001.png")


def test_masks_from_a_script(empty: None, home: Path, root: Path) -> None:  # noqa: F811
    import bpy
    from bl_ext.user_default.backlot import api

    from tests.contract.fake_backend import FakeBackend

    def roto_job(job: Any) -> None:
        write_roto(root, RotoPlan(labels=("disc", "moon")))
        job.stage_done(StageResult("roto", "synthetic", 1, {"frames": 6}))

    with FakeBackend(home, roto_job):
        assert api.roto(root, engine="flow").request.params == {"roto": {"engine": "flow"}}
    made = api.import_roto(root)
    assert made.labels == ("disc", "moon") and made.splines == 2 and not made.notes
    assert bpy.context.scene.backlot.folder == str(root)


def test_an_answer_to_earlier_hints_is_not_shown(backlot: Any, tmp_path: Path) -> None:
    """Nor is it an error that a newer question took an older one's place."""
    from bl_ext.user_default.backlot.roto.previews import Asked, Previews
    from bl_ext.user_default.backlot.shared.errors import Superseded
    from bl_ext.user_default.backlot.shared.roto_prompts import FramePrompt

    class Later:
        """A session that answers when the test says so."""

        def __init__(self) -> None:
            self.asked: list[Any] = []

        def ask(self, _method: str, params: Any, then: Any, failed: Any) -> None:
            self.asked.append((params, then, failed))

    session = Later()
    previews = Previews(session)
    first, second = (Asked(tmp_path, "object", 7, FramePrompt(include=((x, 5.0),))) for x in (1.0, 2.0))
    previews.ask(first)
    previews.ask(second)
    (_, then, failed), (_, then_second, _) = session.asked
    failed(Superseded("A newer request took its place."))
    assert previews.error is None and previews.waiting and previews.find(second) is None
    reply = {"frame": 7, "width": 10, "height": 2, "mask": zlib.compress(bytes((128, 64, 0, 0))), "seconds": 0.1}
    then(reply)
    assert previews.find(second) is None and previews.waiting
    then_second(reply)
    assert not previews.waiting
    assert np.argwhere(previews.find(second).grey).tolist() == [[0, 0], [0, 9]]
    then_second({**reply, "mask": b"no mask"})
    assert "cannot be unpacked" in previews.error.message


def test_an_import_that_fails_says_so_once(pump: Any, root: Path) -> None:  # noqa: F811
    scene = the_scene(root)
    write_roto(root, RotoPlan())
    (root / "source" / "frames" / "frame_1001.png").unlink()
    pump.roto.import_later(scene, root)
    run_until(pump, lambda: not pump.roto.importing)
    assert "no frame_1001.png" in str(pump.session.error)
    assert pump.tick() is not None and pump._failures == 0


def test_markers_follow_the_report(empty: None, root: Path) -> None:
    import bpy

    scene = the_scene(root)
    second = replace(PROBLEM, kind="lost", first=1005, last=1005)
    write_roto(root, RotoPlan(problems=(PROBLEM, second)))
    bpy.ops.backlot.import_roto()
    assert {(m.name, m.frame) for m in scene.timeline_markers} == {
        ("disc area jump to 1004", 1003), ("disc lost", 1005),
    }  # fmt: skip
    scene.timeline_markers["disc lost"].frame = 1006  # the artist's own now
    write_roto(root, RotoPlan())
    bpy.ops.backlot.import_roto()
    assert {(m.name, m.frame) for m in scene.timeline_markers} == {("disc lost", 1006)}


def test_splines_become_a_sparse_mask(empty: None, root: Path) -> None:
    """Two key frames are six frames' masks: what the compositor makes of them against the truth."""
    import bpy

    plan = RotoPlan(hole=12.0)
    scene = the_scene(root)
    write_roto(root, plan)
    bpy.ops.backlot.import_roto()
    mask = scene.backlot_roto.results["disc"].mask
    assert [layer.name for layer in mask.layers] == ["Backlot Shape 1", "Backlot Hole 2"]
    scene.render.resolution_x, scene.render.resolution_y = 320, 180
    scene.view_settings.view_transform = "Standard"
    show_mask(scene, mask)
    for index in (0, 2, 5):
        found = render_png(scene, root / "out.png", 1001 + index, samples=1)[..., 0] > 250
        sure = border_distance(plan, index) > 1.5  # Blender softens one pixel outside of a spline
        assert np.array_equal(found[sure], disc(plan, 0, index)[sure]), index
    assert len(bpy.data.scenes) == 1 and scene.frame_current == 1006


def border_distance(plan: RotoPlan, index: int) -> np.ndarray:
    """Of each pixel's centre from the nearer of the disc's two borders, px."""
    x, y = centre(plan, 0, index)
    rows, columns = np.mgrid[:180, :320] + 0.5
    distance = np.hypot(columns - x, rows - y)
    return np.minimum(abs(distance - plan.radius), abs(distance - plan.hole))


def show_mask(scene: Any, mask: Any) -> None:
    """A camera, and a compositor that shows nothing but the mask."""
    import bpy
    from bl_ext.user_default.backlot.compositing.trees import output_socket, scene_tree

    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.use_compositing = True
    tree = scene_tree(scene)
    node = tree.nodes.new("CompositorNodeMask")
    node.mask = mask
    if "Feather" in node.inputs:
        node.inputs["Feather"].default_value = False
    else:
        node.use_feather = False
    tree.links.new(node.outputs[0], output_socket(tree))


def test_masks_are_updated_and_edits_stay(empty: None, root: Path) -> None:
    import bpy

    scene = the_scene(root)
    write_roto(root, RotoPlan())
    bpy.ops.backlot.import_roto()
    result = scene.backlot_roto.results["disc"]
    mask, image = result.mask, result.mask_image
    mask.name, image.name = "mine", "my image"
    mask.layers.new(name="own")
    write_roto(root, RotoPlan(radius=20.0, hole=8.0))
    bpy.ops.backlot.import_roto()
    result = scene.backlot_roto.results["disc"]
    assert (result.mask, result.mask_image) == (mask, image) and (mask.name, image.name) == ("mine", "my image")
    assert {layer.name for layer in mask.layers} == {"own", "Backlot Shape 1", "Backlot Hole 2"}
    assert len(bpy.data.masks) == 1
    with shape_of(mask, 1001) as point:
        kept = tuple(point)
    move_a_point(scene, mask)
    write_roto(root, RotoPlan(radius=25.0))
    bpy.ops.backlot.import_roto()
    assert {layer.name for layer in mask.layers} == {"own", "Backlot Shape 1", "Backlot Hole 2"}
    with shape_of(mask, 1001) as point:
        assert tuple(point) != pytest.approx(kept)


class shape_of:
    """The first point of the first of our layers at a frame."""

    def __init__(self, mask: Any, frame: int) -> None:
        self._mask, self._frame = mask, frame

    def __enter__(self) -> Any:
        import bpy

        bpy.context.scene.frame_set(self._frame)
        seen = self._mask.evaluated_get(bpy.context.evaluated_depsgraph_get())
        return seen.layers["Backlot Shape 1"].splines[0].points[0].co.copy()

    def __exit__(self, *_: object) -> None:
        return None


def move_a_point(scene: Any, mask: Any) -> None:
    """With a key, as an artist does."""
    from bl_ext.user_default.backlot.roto import mask_import

    scene.frame_set(1001)
    layer = mask.layers["Backlot Shape 1"]
    with mask_import._keying(mask) as own:
        import bpy

        own.frame_set(1001)
        point = layer.splines[0].points[0]
        point.co = (point.co[0] + 0.05, point.co[1])
        point.select = True
        bpy.ops.mask.shape_key_insert()


def test_an_object_stands_before_the_render(empty: None, root: Path) -> None:
    """Where the mask is, the plate; elsewhere the render, here of nothing but a plane that fills the picture."""
    import bpy
    from bl_ext.user_default.backlot import api

    from tests.blender.synthetic_shot import plate_frame

    plan = RotoPlan()
    truth = write_shot(root, ShotPlan(count=6))
    write_roto(root, plan)
    scene = the_scene(root)
    shot = api.import_shot(root)
    fill_view(shot.camera)
    bpy.ops.backlot.import_roto()
    assert bpy.ops.backlot.setup_roto_holdout(label="disc") == {"FINISHED"}
    for index in (1, 4):
        found = render_png(scene, root / "out.png", 1001 + index, samples=1).astype(int)
        inside, plate = disc(plan, 0, index), plate_frame(truth, index).astype(int)
        assert abs(found - plate)[inside].max() <= 1
        assert (found[~inside].min(axis=1) > 190).all()  # the plane is white
    bpy.ops.backlot.setup_roto_holdout(label="disc")
    bpy.ops.backlot.import_roto()
    from bl_ext.user_default.backlot.compositing.trees import scene_tree

    names = [node.node_tree.name for node in scene_tree(scene).nodes if node.bl_idname == "CompositorNodeGroup"]
    assert names.count("Backlot disc") == 1


def test_a_matte_is_taken_before_a_mask(empty: None, root: Path) -> None:
    """Half of an alpha is half of the plate; trimaps and foregrounds beside the mattes are no labels."""
    import bpy

    plan = RotoPlan(splines=False)
    write_roto(root, plan)
    for name in ("disc", "disc_trimap", "disc_fg", "combined"):
        (root / "matte" / name).mkdir(parents=True)
        for index in range(6):
            half = (disc(plan, 0, index) * 128).astype(np.uint8)
            write_grey(root / "matte" / name / f"frame_{1001 + index}.png", half)
    scene = the_scene(root)
    bpy.ops.backlot.import_roto()
    assert [result.name for result in scene.backlot_roto.results] == ["disc"]
    bpy.ops.backlot.setup_roto_holdout(label="disc")
    group = scene.backlot_roto.results["disc"].group
    images = [node.image.name for node in group.nodes if node.bl_idname == "CompositorNodeImage"]
    assert images == ["clip Plate", "clip disc Matte"]


def fill_view(camera: Any) -> None:
    """A white plane before the camera."""
    import bpy

    mesh = bpy.data.meshes.new("card")
    mesh.from_pydata([(-9, -9, -3), (9, -9, -3), (9, 9, -3), (-9, 9, -3)], [], [(0, 1, 2, 3)])
    card = bpy.data.objects.new("card", mesh)
    material = bpy.data.materials.new("white")
    if bpy.app.version < (5, 0):  # later ones always have nodes
        material.use_nodes = True
    material.node_tree.nodes.clear()
    glow = material.node_tree.nodes.new("ShaderNodeEmission")
    out = material.node_tree.nodes.new("ShaderNodeOutputMaterial")
    material.node_tree.links.new(glow.outputs[0], out.inputs[0])
    mesh.materials.append(material)
    bpy.context.scene.collection.objects.link(card)
    card.parent = camera


def test_what_is_imported_goes_with_undo(empty: None, root: Path) -> None:
    import bpy

    the_scene(root)
    write_roto(root, RotoPlan())
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.backlot.import_roto()
    bpy.ops.ed.undo_push(message="import")
    bpy.ops.ed.undo()
    assert not len(bpy.data.masks) and not len(bpy.context.scene.backlot_roto.results)
    bpy.ops.ed.redo()
    assert len(bpy.data.masks) == 1


def test_the_circle_of_the_test_is_one() -> None:
    """What other tests compare with."""
    from tests.blender.synthetic_roto import KAPPA

    assert centre(RotoPlan(), 0, 0) == (60.0, 72.0) and abs(KAPPA - 0.5523) < 1e-4
    assert len(circle((0.0, 0.0), 1.0)) == 4
