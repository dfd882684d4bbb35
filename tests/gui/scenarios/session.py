"""One artist's session: from the zip to a solved, scaled, masked and peopled scene, undone, redone and saved.

settings: of first_run.py and solve.py; stroke: places on an object, px of the plate; people: a folder with motions of
the clip's frames; blend: the file to save. facts: see the steps.
"""

import shutil
from pathlib import Path

import bpy
import first_run
import frame_timer
import roto
import solve

WAIT_S = 120.0


def steps(window):
    yield from first_run.troubles(window)
    if window.settings["wheels"]:
        yield from first_run.set_up(window)
    timer = frame_timer.FrameTimer()
    timer.watch(backlot())
    yield from solve.solve(window)
    yield from solve.look_at_the_tracks(window)
    yield from mask(window)
    yield from bring_people(window)
    window.facts["turns"] = timer.end()
    yield from solve.scale_by_two_clicks(window)
    yield from solve.export_the_camera(window)
    save(window)


def mask(window):
    """A stroke of the brush, a preview at once, masks of all frames, and the way back and forth."""
    area = window.context()["area"]
    area.type = "IMAGE_EDITOR"
    scene = bpy.context.scene
    scene.frame_set(scene.frame_start)
    yield 0.3
    yield from roto.show(window, scene)
    with bpy.context.temp_override(**window.context("IMAGE_EDITOR")):
        bpy.ops.wm.tool_set_by_id(name="backlot.roto_brush")
    yield from roto.drag(window, window.settings["stroke"], shot="8_stroke")
    yield (lambda: roto.hints(scene) == 1 and roto.has_preview(scene)), WAIT_S
    scene.backlot_roto.objects[0].moving = False  # the next solve need not track anew
    yield from roto.propagate(window, scene)
    area.type = "VIEW_3D"
    area.spaces.active.region_3d.view_perspective = "CAMERA"
    yield 0.5
    masked = len(roto.results())
    undo(window)
    yield 0.5
    window.facts["masks"] = [masked, len(roto.results())]
    redo(window)
    yield 0.5
    window.facts["masks"].append(len(roto.results()))


def bring_people(window):
    folder = Path(bpy.context.scene.backlot.folder or solve.collection()["backlot_folder"])
    shutil.copytree(window.settings["people"], folder / "mocap")
    backlot().session.refresh_summary(folder)
    yield (lambda: bpy.ops.backlot.import_mocap.poll()), WAIT_S
    with bpy.context.temp_override(**window.context()):
        bpy.ops.backlot.import_mocap("EXEC_DEFAULT", True)
    yield (lambda: bool(people()) and not importing()), WAIT_S
    yield 1.0  # the pump writes the undo step in a tick of its own
    window.screenshot("9_people")
    window.facts["people"] = [len(people())]
    for change in (undo, redo):
        change(window)
        yield 0.5
        window.facts["people"].append(len(people()))


def save(window):
    """What the next Blender finds: an artist's own name and constraint on the camera, in a file of his."""
    camera = bpy.context.scene.camera
    camera.name = "Hero"
    camera.constraints.new("LIMIT_ROTATION").name = "Mine"
    bpy.ops.wm.save_userpref()
    bpy.ops.wm.save_as_mainfile(filepath=window.settings["blend"])


def undo(window):
    with bpy.context.temp_override(**window.context()):
        bpy.ops.ed.undo()


def redo(window):
    with bpy.context.temp_override(**window.context()):
        bpy.ops.ed.redo()


def importing():
    return bool(backlot().mocap.imports)


def backlot():
    """The extension's pump."""
    from bl_ext.user_default.backlot import runtime

    return runtime.pump()


def people():
    return [thing for thing in bpy.context.scene.objects if "backlot_person" in thing]
