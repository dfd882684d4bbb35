"""The next day: the saved file in another Blender finds shot, jobs and backend again; the artist gives the lens, solves
again, and the scene is brought up to date around his own changes.

settings: package (zip), focal_mm. facts: see the steps.
"""

import subprocess

import bpy
import frame_timer
import session
import solve

WAIT_S = 120.0


def steps(window):
    from bl_ext.user_default.backlot import runtime

    yield (lambda: runtime.session().online and len(solve.jobs()) > 0), WAIT_S
    yield from window.open_sidebar("Backlot")
    yield 1.0
    window.screenshot("10_reopened")
    scene = bpy.context.scene
    window.facts |= {
        "camera": scene.camera.name,
        "tracks": len(bpy.data.movieclips[0].tracking.tracks),
        "people": len(session.people()),
        "masks": len(scene.backlot_roto.results),
        "jobs": sorted({job.state for job in solve.jobs()}),
    }
    settings = scene.backlot.solve
    settings.use_focal_mm, settings.focal_mm = True, window.settings["focal_mm"]
    settings.use_sensor_mm, settings.sensor_mm, settings.fix_focal = True, 36.0, True
    for area in bpy.context.window_manager.windows[0].screen.areas:
        area.tag_redraw()  # as a click into the panel does
    yield 1.0
    window.screenshot("11_out_of_date")
    known = len(solve.jobs())
    pump = runtime.pump()
    pump.last_import = ""
    timer = frame_timer.FrameTimer()
    timer.watch(pump)
    window.call(bpy.ops.backlot.solve_camera)
    yield (lambda: len(solve.jobs()) > known and solved_again(pump)), solve.SOLVE_S
    yield 1.5
    window.screenshot("12_updated")
    window.facts["turns"] = timer.end()
    camera = bpy.context.scene.camera
    window.facts["after"] = [camera.name, round(camera.data.lens, 3), [c.name for c in camera.constraints]]
    window.facts["people_after"] = len(session.people())
    window.facts["validated"] = validate(window.settings["package"])


def solved_again(pump):
    assert pump.session.error is None, pump.session.error
    return bool(pump.last_import)


def validate(package):
    """What Blender's own command says of the zip."""
    command = [bpy.app.binary_path, "--command", "extension", "validate", package]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return [done.returncode, done.stdout[-500:] + done.stderr[-500:]]
