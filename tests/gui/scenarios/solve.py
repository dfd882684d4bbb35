"""An artist picks a clip, presses Solve Camera, changes his mind, presses it again and watches until the camera stands;
then scales the set by two clicks on its points, takes that back, looks at the tracks and exports the camera.

Parts of a session. settings: clip. facts: see `report` and the steps.
"""

import json
from pathlib import Path

import bpy
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from mathutils import Euler

SOLVE_S = 400.0
METRES = 5.0
OPENED = ("BACKLOT_PT_world", "BACKLOT_PT_export")
"""Panels in the pictures of picking."""
INSPECTING = ("BACKLOT_PT_inspect", *(f"BACKLOT_PT_inspect_{part}" for part in ("overlay", "compare", "frames")))


def solve(window):
    for made in list(bpy.data.objects):
        bpy.data.objects.remove(made)
    window.call(bpy.ops.backlot.open_clip, filepath=window.settings["clip"])
    yield from window.open_sidebar("Backlot")
    yield 0.5
    window.screenshot("1_before")
    yield from cancel_once(window)
    window.call(bpy.ops.backlot.solve_camera)
    yield solving, SOLVE_S
    yield 0.5
    window.screenshot("2_solving")
    yield from look_at_the_queue(window)
    yield camera_stands, SOLVE_S
    look_through_the_camera(window)
    yield (lambda: not running().importing), SOLVE_S  # the tracks come after the camera
    yield 2.0
    window.screenshot("3_solved")
    report(window)
    yield from inspect_the_solve(window)


def cancel_once(window):
    window.call(bpy.ops.backlot.solve_camera)
    yield (lambda: any(job.state == "running" for job in jobs())), SOLVE_S
    running = next(job.job for job in jobs() if job.state == "running")
    window.call(bpy.ops.backlot.cancel_job, job=running)
    yield (lambda: all(job.state == "cancelled" for job in jobs())), SOLVE_S
    yield 0.5
    window.screenshot("1_cancelled")
    window.facts["after_cancel"] = bpy.context.scene.camera is not None


def jobs():
    return bpy.context.window_manager.backlot_jobs.items


def solving():
    jobs = bpy.context.window_manager.backlot_jobs.items
    return any(job.state == "running" and job.fraction > 0.3 for job in jobs) or camera_stands()


def running():
    """What the extension's parts share."""
    from bl_ext.user_default.backlot import runtime

    return runtime.pump()


def look_at_the_queue(window):
    """Two more jobs wait behind the solve; they change places, and are cancelled before their turn comes."""
    from bl_ext.user_default.backlot.shared.messages import JobRequest

    bring_back, session, queued = window.only_panels("BACKLOT_PT_jobs"), running().session, []
    for name in ("shot_020", "shot_030"):
        folder = Path(window.settings["clip"]).with_name(f"{name}_backlot")
        session.submit(JobRequest(str(folder)), lambda status: queued.append(status.id))
    yield lambda: len(queued) == 2
    if all(session.jobs[job].state == "queued" for job in queued):  # else this computer has solved the clip already
        window.call(bpy.ops.backlot.move_job, job=queued[1], direction="UP")
    yield (lambda: running().jobs.meter.machine is not None), 60.0
    yield 1.0
    window.screenshot("2_queue")
    window.facts["status_bar"] = running().jobs.news.status_text()
    window.facts["memory_bytes"] = running().jobs.meter.machine.memory.total_bytes
    for job in queued:
        session.cancel(job)
    bring_back()


def camera_stands():
    camera = bpy.context.scene.camera
    jobs = bpy.context.window_manager.backlot_jobs.items
    failed = [job.detail for job in jobs if job.state == "failed" and job.title == "clip"]
    assert not failed, failed
    return camera is not None and camera.animation_data is not None


def look_through_the_camera(window):
    area = window.context()["area"]
    area.spaces.active.region_3d.view_perspective = "CAMERA"


def world():
    """The world in which the scene has the shot."""
    return json.loads(collection()["backlot_world"])


def collection():
    return next(c for c in bpy.data.collections if "backlot_world" in c)


def cloud():
    return collection()["backlot_cloud"]


def written_revision():
    folder = Path(collection()["backlot_folder"])
    return json.loads((folder / "camera/world.json").read_text(encoding="utf-8"))["revision"]


def scale_by_two_clicks(window):
    bring_back = window.only_panels(*OPENED)
    bpy.context.scene.backlot.align.distance = METRES
    before = world()["revision"]
    first, second = two_points(window)
    window.call(bpy.ops.backlot.suggest_ground)
    yield (lambda: bpy.ops.backlot.suggest_ground.poll()), 60.0
    window.call(bpy.ops.backlot.set_scale)
    yield 0.3
    click_point(window, first)
    yield 0.5
    hover_point(window, second)
    yield 2.0
    window.screenshot("4_picking")
    click_point(window, second)
    yield (lambda: world()["revision"] > before), 60.0
    yield 1.0
    window.screenshot("5_scaled")
    bring_back()
    ends = [cloud().data.vertices[index].co for index in (first, second)]
    window.facts["metres"] = (ends[0] - ends[1]).length
    window.facts["scale_source"] = world()["scale_source"]
    yield 1.0
    scaled = written_revision()
    with bpy.context.temp_override(**window.context()):
        bpy.ops.ed.undo()
    yield (lambda: written_revision() > scaled), 60.0
    yield 1.0
    window.facts["after_undo"] = world()["scale_source"]
    extrinsics = Path(collection()["backlot_folder"]) / "camera/extrinsics.json"
    window.facts["shot_after_undo"] = json.loads(extrinsics.read_text(encoding="utf-8"))["scale_source"]


def inspect_the_solve(window):
    """The solve overlay over the plate, a wipe of the plate over the scene, the overlay in space."""
    from bl_ext.user_default.backlot import runtime

    bring_back = window.only_panels(*INSPECTING)
    scene, space = bpy.context.scene, window.context()["area"].spaces.active
    overlay, compare = scene.backlot_solve_overlay, scene.backlot_compare
    scene.frame_set(28)
    space.region_3d.view_camera_zoom, space.region_3d.view_camera_offset = 12.0, (0.07, 0.0)
    overlay.show = True
    yield lambda: runtime.pump().solve_overlay.painter.shots.known
    yield 1.5
    window.screenshot("3a_overlay")
    background = scene.camera.data.background_images[0]
    overlay.show, background.show_background_image = False, False
    compare.mode = "WIPE"
    yield lambda: runtime.pump().compare.painter.pictures.loaded
    yield 1.0
    window.screenshot("3b_wipe")
    compare.mode = "OFF"
    overlay.show, background.show_background_image = True, True
    space.region_3d.view_perspective = "PERSP"
    space.region_3d.view_rotation = Euler((1.0, 0.0, 0.6)).to_quaternion()
    space.region_3d.view_location, space.region_3d.view_distance = (0.0, -2.0, 0.5), 12.0
    yield 1.5
    window.screenshot("3c_path")
    overlay.show = False
    space.region_3d.view_camera_zoom, space.region_3d.view_camera_offset = 0.0, (0.0, 0.0)
    look_through_the_camera(window)
    scene.frame_set(scene.frame_start)
    bring_back()
    yield 0.5


def two_points(window):
    """Two points of the cloud that stand alone on the screen, far from each other and from the sidebar."""
    context = window.context()
    region, view = context["region"], context["area"].spaces.active.region_3d
    places = [location_3d_to_region_2d(region, view, vertex.co) for vertex in cloud().data.vertices]
    inside = [
        index
        for index, place in enumerate(places)
        if place is not None and 150 < place.x < region.width - 420 and 120 < place.y < region.height - 150
    ]
    lonely = [
        index
        for index in inside
        if min((places[index] - places[other]).length for other in inside if other != index) > 8.0
    ]
    lonely.sort(key=lambda index: places[index].x)
    return lonely[0], lonely[-1]


def on_screen(window, index):
    context = window.context()
    region, view = context["region"], context["area"].spaces.active.region_3d
    place = location_3d_to_region_2d(region, view, cloud().data.vertices[index].co)
    return region.x + place.x, region.y + place.y


def click_point(window, index):
    window.click(*on_screen(window, index))


def hover_point(window, index):
    window.move(*on_screen(window, index))


def look_at_the_tracks(window):
    view = window.context()["area"]
    view.ui_type = "CLIP_EDITOR"
    space = view.spaces.active
    space.clip = bpy.data.movieclips[0]
    space.show_region_ui = True
    yield 1.5
    held = space.clip.tracking.tracks
    window.facts["tracks"] = len(held)
    held.active = held[0]
    with bpy.context.temp_override(**window.context("CLIP_EDITOR")):
        bpy.ops.clip.view_all(fit_view=True)
    yield from window.open_sidebar("Backlot", "CLIP_EDITOR")
    yield 1.5
    window.screenshot("6_tracks")
    yield from replace_the_tracks(window, space.clip)
    view.ui_type = "VIEW_3D"
    yield 1.0


def replace_the_tracks(window, clip):
    """Another tracking: the old tracks go, which only Blender's own operator can do, and the screen stays as it is."""
    path = Path(collection()["backlot_folder"]) / "camera/tracks.npz"
    written = path.read_bytes()
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    np.savez(path, **(arrays | {"key": np.array("another"), "id": arrays["id"] + 10_000_000}))
    screen = [area.ui_type for area in bpy.context.window_manager.windows[0].screen.areas]
    with bpy.context.temp_override(**window.context("CLIP_EDITOR")):
        bpy.ops.backlot.update_scene()
    path.write_bytes(written)  # with other tracks the shot would count as unsolved
    yield 1.0
    assert screen == [area.ui_type for area in bpy.context.window_manager.windows[0].screen.areas]
    window.facts["new_tracks"] = sum(int(track.name[1:]) >= 10_000_000 for track in clip.tracking.tracks)
    window.facts["all_tracks"] = len(clip.tracking.tracks)


def export_the_camera(window):
    settings = bpy.context.scene.backlot
    settings.export_all, settings.export_formats = False, {"chan", "usda", "jsx", "analysis"}
    window.call(bpy.ops.backlot.export_camera)
    folder = Path(collection()["backlot_folder"]) / "camera"
    yield (lambda: told_of_export(window) and (folder / "camera.jsx").exists()), 240.0
    yield 1.0
    window.screenshot("7_exported")
    window.facts["exported"] = sorted(path.name for path in folder.glob("camera.*"))


def told_of_export(window):
    """Whether the status bar has said that the export is done."""
    text = running().jobs.news.status_text()
    if "Export Camera done" in text:
        window.facts["told"] = text
    return "told" in window.facts


def report(window):
    scene = bpy.context.scene
    clouds = [made for made in scene.objects if made.type == "MESH"]
    window.facts |= {
        "camera": scene.camera.name,
        "range": [scene.frame_start, scene.frame_end],
        "resolution": [scene.render.resolution_x, scene.render.resolution_y],
        "backgrounds": len(scene.camera.data.background_images),
        "points": max((len(cloud.data.vertices) for cloud in clouds), default=0),
    }
