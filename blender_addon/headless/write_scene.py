"""Writes a camera and a point cloud as Alembic or FBX with Blender's own exporters.

Run by the backend: `python write_scene.py -- JOB.json` with a Python that has bpy, or
`blender -b --factory-startup --python write_scene.py -- JOB.json`. The job (see `blender_scene.py` of the
backend) holds every pose in Blender's axes; this script only sets keys and calls the exporter. What happened
goes to the job's `result` file: {"done": version} or {"lacks": feature} or {"failed": reason}.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

_CORNERS = np.array(((0.0, 0.0, 0.0), (1.0, 0.0, -2.0), (-0.5, 0.87, -2.0), (-0.5, -0.87, -2.0)))
"""A marker of a point: a pyramid that stands on its tip, which is the point, so that vertex snapping finds
it. Loose vertices would be lost on the way to programs that only take faces."""
_FACES = np.array(((0, 2, 1), (0, 3, 2), (0, 1, 3), (1, 2, 3)))


def main() -> int:
    job = json.loads(Path(sys.argv[sys.argv.index("--") + 1]).read_text(encoding="utf-8"))
    try:
        result = write_scene(job)
    except Exception as error:
        traceback.print_exc()
        result = {"failed": f"{type(error).__name__}: {error}"}
    Path(job["result"]).write_text(json.dumps(result), encoding="utf-8")
    return 0 if "done" in result else 1


def write_scene(job: dict[str, Any]) -> dict[str, str]:
    lacking = missing_feature(job["format"])
    if lacking:
        return {"lacks": lacking}
    bpy.ops.wm.read_factory_settings(use_empty=True)
    set_scene(job)
    objects = [add_camera(job)]
    if job["points"]:
        objects.append(add_points(job))
    {"abc": export_alembic, "fbx": export_fbx}[job["format"]](job)
    return {"done": bpy.app.version_string}


def missing_feature(kind: str) -> str:
    """The exporter that this Blender was built without, "" when all is there."""
    if kind == "abc":
        return "" if bpy.app.build_options.alembic else "Alembic"
    import addon_utils

    addon_utils.enable("io_scene_fbx")
    return "" if hasattr(bpy.types, "EXPORT_SCENE_OT_fbx") else "FBX"


def set_scene(job: dict[str, Any]) -> None:
    scene = bpy.context.scene
    rate, base = job["fps"]
    scene.render.fps = -(-rate // base)
    scene.render.fps_base = scene.render.fps * base / rate
    scene.render.resolution_x, scene.render.resolution_y = job["width"], job["height"]
    aspect = job["pixel_aspect"]
    scene.render.pixel_aspect_x, scene.render.pixel_aspect_y = max(aspect, 1.0), max(1.0 / aspect, 1.0)
    scene.frame_start, scene.frame_end = job["frames"][0]["frame"], job["frames"][-1]["frame"]


def add_camera(job: dict[str, Any]) -> Any:
    lens = bpy.data.cameras.new(job["name"])
    camera = bpy.data.objects.new(job["name"], lens)
    bpy.context.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    camera.rotation_mode = "QUATERNION"
    lens.sensor_fit = "HORIZONTAL"
    lens.sensor_width, lens.sensor_height = job["film_width_mm"], job["film_height_mm"]
    # The scene is the shot, in metres: the clipping range must not hide it.
    lens.clip_end = max(1000.0, job["extent"] * 10.0)
    if job["failed"]:
        camera["frames_not_solved"] = job["failed"]
    key_poses(camera, job["frames"])
    for name in ("lens", "shift_x", "shift_y"):
        key_lens(lens, name, job["frames"])
    return camera


def key_poses(camera: Any, frames: list[dict[str, Any]]) -> None:
    """A key at every solved frame. At the others the camera stays where it was, hidden: Alembic and FBX hold
    a value at every frame, and a held one invents less than a glide."""
    before = None
    has_gaps = any(at["matrix"] is None for at in frames)
    for at in frames:
        if at["matrix"] is not None:
            place, turn, _ = Matrix(at["matrix"]).decompose()
            if before is not None and before.dot(turn) < 0.0:
                turn.negate()
            before = turn
            camera.location, camera.rotation_quaternion = place, turn
        camera.keyframe_insert("location", frame=at["frame"])
        camera.keyframe_insert("rotation_quaternion", frame=at["frame"])
        if has_gaps:
            camera.hide_viewport = camera.hide_render = at["matrix"] is None
            camera.keyframe_insert("hide_viewport", frame=at["frame"])
            camera.keyframe_insert("hide_render", frame=at["frame"])


def key_lens(lens: Any, name: str, frames: list[dict[str, Any]]) -> None:
    """Sets a value of the lens, with keys only when it changes."""
    values = [at[name] for at in frames]
    setattr(lens, name, values[0])
    if len(set(values)) > 1:
        for at in frames:
            setattr(lens, name, at[name])
            lens.keyframe_insert(name, frame=at["frame"])


def add_points(job: dict[str, Any]) -> Any:
    stored = np.load(job["points"])
    xyz, rgb = stored["xyz"], stored["rgb"]
    count = len(xyz)
    corners = (xyz[:, None, :] + _CORNERS * job["point_size"]).reshape(-1, 3).astype(np.float32)
    faces = (np.arange(count)[:, None, None] * 4 + _FACES).reshape(-1)
    mesh = bpy.data.meshes.new("points")
    mesh.vertices.add(count * 4)
    mesh.vertices.foreach_set("co", corners.ravel())
    mesh.loops.add(len(faces))
    mesh.loops.foreach_set("vertex_index", faces.astype(np.int32))
    mesh.polygons.add(count * 4)
    mesh.polygons.foreach_set("loop_start", np.arange(0, count * 12, 3, dtype=np.int32))
    mesh.update(calc_edges=True)
    colour = mesh.color_attributes.new("colour", "BYTE_COLOR", "POINT")
    rgba = np.ones((count * 4, 4), np.float32)
    rgba[:, :3] = np.repeat(rgb, 4, axis=0) / 255.0
    colour.data.foreach_set("color_srgb", rgba.ravel())
    cloud = bpy.data.objects.new("points", mesh)
    bpy.context.collection.objects.link(cloud)
    return cloud


def export_alembic(job: dict[str, Any]) -> None:
    """Alembic has no word for its axes; Blender turns its z-up world into the customary y-up one."""
    scene = bpy.context.scene
    bpy.ops.wm.alembic_export(
        filepath=job["output"],
        start=scene.frame_start,
        end=scene.frame_end,
        flatten=True,
        as_background_job=False,
        evaluation_mode="RENDER",
        vcolors=True,
    )


def export_fbx(job: dict[str, Any]) -> None:
    bpy.ops.export_scene.fbx(
        filepath=job["output"],
        object_types={"CAMERA", "MESH"},
        axis_forward=job["axis_forward"],
        axis_up=job["axis_up"],
        apply_scale_options="FBX_SCALE_ALL",
        use_custom_props=True,
        bake_anim=True,
        bake_anim_use_all_bones=False,
        bake_anim_use_nla_strips=False,
        bake_anim_use_all_actions=False,
        bake_anim_force_startend_keying=True,
        bake_anim_step=1.0,
        bake_anim_simplify_factor=0.0,
    )


if __name__ == "__main__":
    sys.exit(main())
