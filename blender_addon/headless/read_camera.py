"""Reads a camera from Alembic, FBX or USD with Blender's own importers.

Run by the backend as `write_scene.py` is. The result file gets {"done": version, "fps": [rate, base],
"camera": name, "frames": [{"frame", "matrix", "lens", "sensor_width", "sensor_height", "shift_x",
"shift_y"}, ...], "points": {mesh name: vertex count}}: matrices in Blender's axes, one for each frame that
the file covers.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Any

import bpy


def main() -> int:
    job = json.loads(Path(sys.argv[sys.argv.index("--") + 1]).read_text(encoding="utf-8"))
    try:
        result = read_camera(job)
    except Exception as error:
        traceback.print_exc()
        result = {"failed": f"{type(error).__name__}: {error}"}
    Path(job["result"]).write_text(json.dumps(result), encoding="utf-8")
    return 0 if "done" in result else 1


def read_camera(job: dict[str, Any]) -> dict[str, Any]:
    kind = Path(job["input"]).suffix.lower().lstrip(".")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    if job.get("fps"):
        rate, base = job["fps"]
        scene.render.fps = -(-rate // base)
        scene.render.fps_base = scene.render.fps * base / rate
    lacking = _import(kind, job["input"])
    if lacking:
        return {"lacks": lacking}
    cameras = [item for item in scene.objects if item.type == "CAMERA"]
    named = [item for item in cameras if item.name == job.get("camera")] or cameras
    if not named:
        return {"failed": "it holds no camera"}
    # Blender's FBX importer places keys by the rounded frame rate: at 23.976 fps frame 1001 lies at 1002.001.
    stretch = scene.render.fps_base if kind == "fbx" else 1.0
    first, last = round(scene.frame_start / stretch), round(scene.frame_end / stretch)
    return {
        "done": bpy.app.version_string,
        "fps": [scene.render.fps, scene.render.fps_base],
        "camera": named[0].name,
        "cameras": [item.name for item in cameras],
        "frames": [_sample(scene, named[0], frame, stretch) for frame in range(first, last + 1)],
        "points": _points(scene, job.get("points_to")),
    }


def _import(kind: str, path: str) -> str:
    """Imports the file; the missing importer's name when this Blender has none."""
    if kind == "abc":
        if not bpy.app.build_options.alembic:
            return "Alembic"
        bpy.ops.wm.alembic_import(filepath=path, set_frame_range=True, as_background_job=False)
    elif kind == "fbx":
        import addon_utils

        addon_utils.enable("io_scene_fbx")
        bpy.ops.import_scene.fbx(filepath=path, anim_offset=0.0)
        _range_of_keys()
    else:
        if not bpy.app.build_options.usd:
            return "USD"
        bpy.ops.wm.usd_import(filepath=path, set_frame_range=True)
    return ""


def _range_of_keys() -> None:
    """FBX files carry no range that the importer sets: the keys' own."""
    ranges = [action.frame_range for action in bpy.data.actions]
    if ranges:
        scene = bpy.context.scene
        scene.frame_start = round(min(low for low, _ in ranges))
        scene.frame_end = round(max(high for _, high in ranges))


def _sample(scene: Any, camera: Any, frame: int, stretch: float) -> dict[str, Any]:
    at = frame * stretch
    scene.frame_set(int(at), subframe=at - int(at))
    seen = camera.evaluated_get(bpy.context.evaluated_depsgraph_get())
    lens = seen.data
    return {
        "frame": frame,
        "matrix": [list(row) for row in seen.matrix_world],
        "lens": lens.lens,
        "sensor_width": lens.sensor_width,
        "sensor_height": lens.sensor_height,
        "shift_x": lens.shift_x,
        "shift_y": lens.shift_y,
    }


def _points(scene: Any, target: str | None) -> dict[str, int]:
    """Vertex counts of meshes and clouds; their places go to the .npz file `target` when there is one."""
    import numpy as np

    found = {}
    for item in scene.objects:
        if item.type not in ("MESH", "POINTCLOUD"):
            continue
        seen = item.evaluated_get(bpy.context.evaluated_depsgraph_get())
        elements = seen.data.vertices if item.type == "MESH" else seen.data.points
        local = np.empty(len(elements) * 3, np.float32)
        elements.foreach_get("co", local)
        turn = np.array(seen.matrix_world)
        found[item.name] = local.reshape(-1, 3) @ turn[:3, :3].T + turn[:3, 3]
    if target:
        np.savez(target, **found)
    return {name: len(places) for name, places in found.items()}


if __name__ == "__main__":
    sys.exit(main())
