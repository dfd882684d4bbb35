"""An artist with a solved shot estimates its depth, cancels, tries again, and gets it into the scene; steps through the
frames, makes the set a shadow catcher, and takes the import back.

settings: package (zip), shot (folder). facts: see the steps.
"""

import time

import bpy
import numpy as np

WAIT_S = 180.0
DEPTH = ("BACKLOT_PT_depth", "BACKLOT_PT_depth_scene")


def steps(window):
    bpy.ops.extensions.package_install_files(
        filepath=window.settings["package"], repo="user_default", enable_on_install=True
    )
    yield 1.0
    for made in list(bpy.data.objects):
        bpy.data.objects.remove(made)
    bpy.context.scene.backlot.folder = window.settings["shot"]
    with bpy.context.temp_override(**window.context()):
        bpy.ops.backlot.update_scene("EXEC_DEFAULT", True)  # with an undo step, as from the button
    yield from window.open_sidebar("Backlot")
    bring_back = window.only_panels(*DEPTH)
    look_through_the_camera(window)
    yield (lambda: bpy.ops.backlot.estimate_depth.poll() and no_job_runs()), WAIT_S
    yield 1.0
    window.screenshot("1_before")
    yield from cancel_once(window)
    yield from estimate(window)
    yield from look(window)
    yield from take_back(window)
    bring_back()


def look_through_the_camera(window):
    window.context()["area"].spaces.active.region_3d.view_perspective = "CAMERA"


def cancel_once(window):
    window.call(bpy.ops.backlot.estimate_depth)
    yield (lambda: any(job.state == "running" and job.fraction > 0.4 for job in jobs())), WAIT_S
    yield 0.3
    window.screenshot("2_running")
    running = next(job for job in jobs() if job.state == "running")
    window.call(bpy.ops.backlot.cancel_job, job=running.job)
    yield (lambda: any(job.state == "cancelled" for job in jobs())), WAIT_S
    window.facts["after_cancel"] = [thing.name for thing in depth_things()]


def estimate(window):
    measure_imports(window)
    yield 0.5
    window.call(bpy.ops.backlot.estimate_depth)
    yield (lambda: len(depth_things()) == 3), 2 * WAIT_S
    yield 1.0  # the pump writes the undo step in a tick of its own
    window.facts["things"] = sorted(thing.name for thing in depth_things())
    window.facts["faces"] = len(collection()["backlot_depth_mesh"].data.polygons)


def measure_imports(window):
    """The longest time that the pump holds the interface for an import: of this thread, because on a busy machine the
    clock also counts what others do."""
    from bl_ext.user_default.backlot import runtime

    pump = runtime.pump()
    inner = pump._step_imports
    window.facts["longest_step_s"] = 0.0

    def measured(deadline):
        began = time.thread_time()
        inner(deadline)
        window.facts["longest_step_s"] = max(window.facts["longest_step_s"], time.thread_time() - began)

    pump._step_imports = measured


def look(window):
    scene = bpy.context.scene
    grid = collection()["backlot_depth_grid"]
    window.facts["vertices"] = {}
    for frame in (scene.frame_start, scene.frame_start + 2, scene.frame_end):
        scene.frame_set(frame)
        yield 0.3
        mesh = grid.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
        window.facts["vertices"][str(frame)] = len(mesh.vertices)
    for part in ("mesh", "cloud"):
        collection()[f"backlot_depth_{part}"].hide_set(True)
    collection()["backlot_cloud"].hide_set(True)
    shading = window.context()["area"].spaces.active.shading
    yield 1.0
    window.screenshot("3_plain")
    shading.color_type = "TEXTURE"  # Material Preview compiles shaders for minutes where there is no graphics card
    yield 2.0
    window.screenshot("4_plate")
    with bpy.context.temp_override(**window.context()):
        bpy.ops.backlot.set_depth_role("EXEC_DEFAULT", True, part="mesh", role="CATCHER")
    window.facts["catches"] = collection()["backlot_depth_mesh"].is_shadow_catcher


def take_back(window):
    for expected in (3, 0):
        for _ in range(20):
            if len(depth_things()) == expected:
                break
            with bpy.context.temp_override(**window.context()):
                bpy.ops.ed.undo()
            yield 0.2
        window.facts[f"undone_to_{expected}"] = len(depth_things())
    window.facts["camera_stays"] = bpy.context.scene.camera is not None
    with bpy.context.temp_override(**window.context()):
        bpy.ops.ed.redo()
    yield 0.5
    found = depth_things()
    window.facts["redone"] = len(found)
    positions = np.empty(3 * len(collection()["backlot_depth_mesh"].data.vertices), np.float32)
    collection()["backlot_depth_mesh"].data.vertices.foreach_get("co", positions)
    window.facts["finite"] = bool(np.isfinite(positions).all())


def jobs():
    return bpy.context.window_manager.backlot_jobs.items


def no_job_runs():
    return all(job.state not in ("running", "queued") for job in jobs())


def collection():
    return next(c for c in bpy.data.collections if "backlot_world" in c)


def depth_things():
    found = (collection().get(f"backlot_depth_{part}") for part in ("mesh", "cloud", "grid"))
    return [thing for thing in found if thing is not None]
