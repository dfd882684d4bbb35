"""Writes a mesh that changes its shape in every frame as Alembic, with Blender's own exporter.

Run by the backend: `python write_mesh_sequence.py -- JOB.json` with a Python that has bpy, or
`blender -b --factory-startup --python write_mesh_sequence.py -- JOB.json`. The job (see `sequence.py` of the backend)
names the mesh (npz: vertices, faces, uv), a PC2 file with its points in each frame, and the frames in which nobody
knows where it is. What happened goes to the job's `result` file: {"done": version}, {"lacks": feature} or {"failed":
reason}.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Any

import bpy
import numpy as np


def main() -> int:
    job = json.loads(Path(sys.argv[sys.argv.index("--") + 1]).read_text(encoding="utf-8"))
    try:
        result = write_sequence(job)
    except Exception as error:
        traceback.print_exc()
        result = {"failed": f"{type(error).__name__}: {error}"}
    Path(job["result"]).write_text(json.dumps(result), encoding="utf-8")
    return 0 if "done" in result else 1


def write_sequence(job: dict[str, Any]) -> dict[str, str]:
    if not bpy.app.build_options.alembic:
        return {"lacks": "Alembic"}
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    rate, base = job["fps"]
    scene.render.fps = -(-rate // base)
    scene.render.fps_base = scene.render.fps * base / rate
    scene.frame_start, scene.frame_end = job["frames"]
    body = bpy.data.objects.new(job["name"], read_mesh(job))
    bpy.context.collection.objects.link(body)
    cache = body.modifiers.new("points", "MESH_CACHE")
    cache.cache_format, cache.filepath = "PC2", job["points"]
    cache.frame_start = job["frames"][0]
    cache.interpolation = "NONE"
    key_absence(body, job)
    bpy.ops.wm.alembic_export(
        filepath=job["output"],
        start=scene.frame_start,
        end=scene.frame_end,
        flatten=True,
        uvs=True,
        as_background_job=False,
        evaluation_mode="RENDER",
    )
    return {"done": bpy.app.version_string}


def read_mesh(job: dict[str, Any]) -> Any:
    stored = np.load(job["mesh"])
    vertices, faces, uv = stored["vertices"], stored["faces"], stored["uv"]
    mesh = bpy.data.meshes.new(job["name"])
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", vertices.astype(np.float32).ravel())
    mesh.loops.add(faces.size)
    mesh.loops.foreach_set("vertex_index", faces.astype(np.int32).ravel())
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 3, dtype=np.int32))
    mesh.update(calc_edges=True)
    mesh.uv_layers.new(name="st").data.foreach_set("uv", uv.astype(np.float32).ravel())
    return mesh


def key_absence(body: Any, job: dict[str, Any]) -> None:
    """Hidden where nobody knows where it is."""
    absent = set(job["absent"])
    if not absent:
        return
    for number in range(job["frames"][0], job["frames"][1] + 1):
        body.hide_viewport = body.hide_render = number in absent
        body.keyframe_insert("hide_viewport", frame=number)
        body.keyframe_insert("hide_render", frame=number)


if __name__ == "__main__":
    sys.exit(main())
