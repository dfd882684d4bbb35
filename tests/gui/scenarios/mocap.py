"""An artist with a solved shot captures its people, sees them stand in the plate and over it, steps through the frames,
locks feet, puts the motion on another rig, and takes things back.

settings: package (zip), shot (folder), rig (Python file that makes one). facts: see the steps.
"""

import time
from pathlib import Path

import bpy

WAIT_S = 180.0
OPEN = ("BACKLOT_PT_mocap", "BACKLOT_PT_mocap_motion", "BACKLOT_PT_mocap_retarget", "BACKLOT_PT_mocap_bones")


def steps(window):
    bpy.ops.extensions.package_install_files(
        filepath=window.settings["package"], repo="user_default", enable_on_install=True
    )
    yield 1.0
    for made in list(bpy.data.objects):
        bpy.data.objects.remove(made)
    scene = bpy.context.scene
    scene.backlot.folder = window.settings["shot"]
    with bpy.context.temp_override(**window.context()):
        bpy.ops.backlot.update_scene("EXEC_DEFAULT", True)
    scene.timeline_markers.clear()
    yield from window.open_sidebar("Backlot")
    bring_back = window.only_panels(*OPEN)
    window.context()["area"].spaces.active.region_3d.view_perspective = "CAMERA"
    yield (lambda: bpy.ops.backlot.capture_motion.poll() and no_job_runs()), WAIT_S
    yield 1.0
    window.screenshot("1_before")
    yield from capture(window)
    yield from look(window, scene)
    yield from clean(window)
    yield from on_the_plate(window, scene)
    yield from retarget(window, scene)
    yield from take_back(window)
    bring_back()


def capture(window):
    measure_imports(window)
    window.call(bpy.ops.backlot.capture_motion)
    yield (lambda: len(people()) == 2 and not importing()), 2 * WAIT_S
    yield 1.0  # the pump writes the undo step in a tick of its own
    window.facts["people"] = sorted(thing.name for thing in people())
    window.facts["markers"] = len(bpy.context.scene.timeline_markers)


def measure_imports(window):
    """The longest time that the pump holds the interface for a step: of this thread, because on a busy machine the
    clock also counts what others do."""
    from bl_ext.user_default.backlot import runtime

    imports = runtime.pump().mocap.imports
    inner = imports.step
    window.facts["longest_step_s"] = 0.0

    def measured(deadline):
        began = time.thread_time()
        inner(deadline)
        window.facts["longest_step_s"] = max(window.facts["longest_step_s"], time.thread_time() - began)

    imports.step = measured


def look(window, scene):
    for frame, name in ((scene.frame_start + 6, "2_people"), (scene.frame_end - 6, "3_later")):
        scene.frame_set(frame)
        yield 0.7
        window.screenshot(name)


def clean(window):
    person = people()[0]
    bpy.context.view_layer.objects.active = person
    captured = person.animation_data.action
    with bpy.context.temp_override(**window.context()):
        bpy.ops.backlot.clean_motion("EXEC_DEFAULT", True)
    yield 0.3
    window.facts["cleaned"] = person.animation_data.action != captured


def on_the_plate(window, scene):
    area = window.context()["area"]
    area.type = "IMAGE_EDITOR"
    yield 0.3
    window.call(bpy.ops.backlot.roto_show_plate, "IMAGE_EDITOR")
    with bpy.context.temp_override(**window.context("IMAGE_EDITOR")):
        bpy.ops.image.view_all(fit_view=True)
    scene.frame_set(scene.frame_start + 6)
    yield 2.0
    window.screenshot("4_plate")
    bpy.context.scene.backlot_retarget.overlay = False
    area.tag_redraw()
    yield 1.0
    window.screenshot("5_plate_alone")
    area.type = "VIEW_3D"
    area.spaces.active.region_3d.view_perspective = "CAMERA"
    yield 0.5


def retarget(window, scene):
    made = {}
    exec(Path(window.settings["rig"]).read_text(encoding="utf-8"), made)
    rig = made["mixamo_rig"]()
    rig.show_in_front = True
    scene.backlot_retarget.rig = rig
    scene.backlot_retarget.scale_rig = True
    with bpy.context.temp_override(**window.context()):
        bpy.ops.backlot.retarget_motion("EXEC_DEFAULT", True)
    scene.frame_set(scene.frame_start + 6)
    yield 1.0
    window.facts["retargeted"] = rig.animation_data.action.name
    window.screenshot("6_retargeted")


def take_back(window):
    for _ in range(30):
        if not people():
            break
        with bpy.context.temp_override(**window.context()):
            bpy.ops.ed.undo()
        yield 0.2
    window.facts["undone"] = len(people())
    window.facts["camera_stays"] = bpy.context.scene.camera is not None
    for _ in range(2):
        with bpy.context.temp_override(**window.context()):
            bpy.ops.ed.redo()
        yield 0.3
    window.facts["redone"] = len(people())


def importing():
    from bl_ext.user_default.backlot import runtime

    return bool(runtime.pump().mocap.imports)


def people():
    return [thing for thing in bpy.context.scene.objects if "backlot_person" in thing]


def no_job_runs():
    return all(job.state not in ("running", "queued") for job in bpy.context.window_manager.backlot_jobs.items)
