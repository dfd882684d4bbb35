"""An artist installs the extension, picks a clip, presses Solve Camera and watches until the camera stands.

settings: package (zip), clip. facts: camera, keys, points, frames, collection.
"""

import bpy

SOLVE_S = 240.0


def steps(window):
    bpy.ops.extensions.package_install_files(
        filepath=window.settings["package"], repo="user_default", enable_on_install=True
    )
    yield 1.0
    for made in list(bpy.data.objects):
        bpy.data.objects.remove(made)
    window.call(bpy.ops.backlot.open_clip, filepath=window.settings["clip"])
    yield from window.open_sidebar("Backlot")
    yield 0.5
    window.screenshot("1_before")
    window.call(bpy.ops.backlot.solve_camera)
    yield solving, SOLVE_S
    yield 0.5
    window.screenshot("2_solving")
    yield camera_stands, SOLVE_S
    look_through_the_camera(window)
    yield 2.0
    window.screenshot("3_solved")
    report(window)


def solving():
    jobs = bpy.context.window_manager.backlot_jobs.items
    return any(job.state == "running" and job.fraction > 0.3 for job in jobs) or camera_stands()


def camera_stands():
    camera = bpy.context.scene.camera
    jobs = bpy.context.window_manager.backlot_jobs.items
    failed = [job.detail for job in jobs if job.state == "failed"]
    assert not failed, failed
    return camera is not None and camera.animation_data is not None


def look_through_the_camera(window):
    area = window.context()["area"]
    area.spaces.active.region_3d.view_perspective = "CAMERA"


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
