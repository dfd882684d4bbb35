"""Writes a skeleton's motion, and the mesh it bends, as FBX with Blender's own exporter.

Run by the backend as `write_scene.py` is. The job (see `backend/motion_export/fbx.py`): {"name", "fps": [rate, base],
"first": frame, "joints": names, "absent": frame ranges, "arrays": npz, "texture": "" or a picture, "output", "result"}.
The arrays: parents [J]; rest [J,3] world; root [T,3] world; turns [T,J,4] wxyz against the parent, in the world's axes
at rest; and, with a mesh, vertices [V,3], faces [F,3], skin_joints [V,K], weights [V,K], uv [F,3,2]. What happened goes
to `result`.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Vector

_SHORT = 1e-4
_STUB = 0.25
"""Length of a bone that no other hangs on, over the length of the one before it."""


def main() -> int:
    job = json.loads(Path(sys.argv[sys.argv.index("--") + 1]).read_text(encoding="utf-8"))
    try:
        result = write_motion(job)
    except Exception as error:
        traceback.print_exc()
        result = {"failed": f"{type(error).__name__}: {error}"}
    Path(job["result"]).write_text(json.dumps(result), encoding="utf-8")
    return 0 if "done" in result else 1


def write_motion(job: dict[str, Any]) -> dict[str, str]:
    import addon_utils

    addon_utils.enable("io_scene_fbx")
    if not hasattr(bpy.types, "EXPORT_SCENE_OT_fbx"):
        return {"lacks": "FBX"}
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with np.load(job["arrays"]) as stored:
        arrays = {name: stored[name] for name in stored.files}
    set_times(job, len(arrays["root"]))
    armature = add_armature(job, arrays)
    if "vertices" in arrays:
        add_mesh(job, arrays, armature)
    key_poses(job, arrays, armature)
    export(job)
    return {"done": bpy.app.version_string}


def set_times(job: dict[str, Any], frames: int) -> None:
    scene = bpy.context.scene
    rate, base = job["fps"]
    scene.render.fps = -(-rate // base)
    scene.render.fps_base = scene.render.fps * base / rate
    scene.frame_start, scene.frame_end = job["first"], job["first"] + frames - 1


def add_armature(job: dict[str, Any], arrays: dict[str, Any]) -> Any:
    """A bone for each joint, its head there; its tail in the middle of the joints that hang on it."""
    data = bpy.data.armatures.new(job["name"])
    armature = bpy.data.objects.new(job["name"], data)
    bpy.context.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    if job["absent"]:
        armature["frames_absent"] = job["absent"]
    bpy.ops.object.mode_set(mode="EDIT")
    bones = [data.edit_bones.new(name) for name in job["joints"]]
    for joint, bone in enumerate(bones):
        parent = int(arrays["parents"][joint])
        bone.head = Vector(arrays["rest"][joint])
        bone.tail = bone.head + bone_vector(joint, arrays)
        bone.parent = bones[parent] if parent >= 0 else None
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


def bone_vector(joint: int, arrays: dict[str, Any]) -> Any:
    rest, parents = arrays["rest"], arrays["parents"]
    children = np.nonzero(parents == joint)[0]
    along = rest[children].mean(axis=0) - rest[joint] if len(children) else np.zeros(3)
    if np.linalg.norm(along) < _SHORT and parents[joint] >= 0:
        along = _STUB * (rest[joint] - rest[parents[joint]])
    if np.linalg.norm(along) < _SHORT:
        along = np.array((0.0, 0.0, 0.05))
    return Vector(along)


def add_mesh(job: dict[str, Any], arrays: dict[str, Any], armature: Any) -> None:
    data = bpy.data.meshes.new("body")
    data.from_pydata(arrays["vertices"].tolist(), [], arrays["faces"].tolist())
    layer = data.uv_layers.new(name="UVMap")
    layer.data.foreach_set("uv", arrays["uv"].astype(np.float32).ravel())
    if job["texture"]:
        data.materials.append(textured(job["texture"]))
    data.polygons.foreach_set("use_smooth", np.ones(len(data.polygons), bool))
    body = bpy.data.objects.new(f"{job['name']}_body", data)
    bpy.context.collection.objects.link(body)
    body.parent = armature
    groups = [body.vertex_groups.new(name=name) for name in job["joints"]]
    for vertex, (joints, weights) in enumerate(zip(arrays["skin_joints"], arrays["weights"], strict=True)):
        for joint, weight in zip(joints.tolist(), weights.tolist(), strict=True):
            if weight > 0.0:
                groups[joint].add([vertex], weight, "ADD")
    modifier = body.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature


def textured(path: str) -> Any:
    """A material with the picture as its colour."""
    material = bpy.data.materials.new("skin")
    material.use_nodes = True
    nodes = material.node_tree.nodes
    surface = next(node for node in nodes if node.type == "BSDF_PRINCIPLED")
    picture = nodes.new("ShaderNodeTexImage")
    picture.image = bpy.data.images.load(path)
    material.node_tree.links.new(picture.outputs["Color"], surface.inputs["Base Color"])
    return material


def key_poses(job: dict[str, Any], arrays: dict[str, Any], armature: Any) -> None:
    """A key at every frame. The first is inserted, which makes the curves; the others are written into them at once."""
    bones = [armature.pose.bones[name] for name in job["joints"]]
    turned = [np.array(bone.bone.matrix_local.to_3x3()) for bone in bones]
    tracks = {bones[0].path_from_id("location"): (arrays["root"] - arrays["rest"][0]) @ turned[0]}
    bones[0].keyframe_insert("location", frame=job["first"])
    for joint, bone in enumerate(bones):
        bone.rotation_mode = "QUATERNION"
        bone.keyframe_insert("rotation_quaternion", frame=job["first"])
        # A turn in the world's axes at rest, as the bone's own: its axis is seen from the bone.
        axis = arrays["turns"][:, joint, 1:] @ turned[joint]
        tracks[bone.path_from_id("rotation_quaternion")] = np.hstack([arrays["turns"][:, joint, :1], axis])
    numbers = job["first"] + np.arange(len(arrays["root"]), dtype=np.float64)
    for curve in curves_of(armature.animation_data.action):
        values = tracks[curve.data_path][:, curve.array_index]
        curve.keyframe_points.add(len(numbers) - 1)
        curve.keyframe_points.foreach_set("co", np.stack([numbers, values], 1).astype(np.float32).ravel())
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"
        curve.update()


def curves_of(action: Any) -> Any:
    """Blender 5.0 knows them only where layered actions (4.4) have them."""
    return action.fcurves if hasattr(action, "fcurves") else action.layers[0].strips[0].channelbags[0].fcurves


def export(job: dict[str, Any]) -> None:
    bpy.ops.export_scene.fbx(
        filepath=job["output"],
        object_types={"ARMATURE", "MESH"},
        axis_forward="-Z",
        axis_up="Y",
        apply_scale_options="FBX_SCALE_ALL",
        use_custom_props=True,
        path_mode="STRIP",  # the texture lies beside the file
        add_leaf_bones=False,
        mesh_smooth_type="OFF",
        bake_anim=True,
        bake_anim_use_all_bones=True,
        bake_anim_use_nla_strips=False,
        bake_anim_use_all_actions=False,
        bake_anim_force_startend_keying=True,
        bake_anim_step=1.0,
        bake_anim_simplify_factor=0.0,
    )


if __name__ == "__main__":
    sys.exit(main())
