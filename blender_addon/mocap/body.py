"""A person's body: the rest mesh bound to the armature, with the plate's texture."""

from __future__ import annotations

import bpy
import numpy as np

from ..importers import animation, ownership
from ..importers.cloud import leave_tools, replace_mesh
from . import names
from .contents import Body, Person

MODIFIER = "Backlot Armature"


def import_body(
    scene: bpy.types.Scene,
    collection: bpy.types.Collection,
    armature: bpy.types.Object,
    person: Person,
    name: str,
) -> bpy.types.Object | None:
    """Makes the body or brings its mesh up to date; materials, modifiers and names stay. None without one."""
    body, role = person.body, names.body_role(person.label)
    if body is None:
        return None
    mesh = _mesh(body, name)
    known = ownership.recall(collection, role)
    if known is not None:
        leave_tools(known)
        known.vertex_groups.clear()
        replace_mesh(known.data, mesh)
        ownership.place(scene, collection, known)
    else:
        mesh.materials.append(_material(body, name))
        known, _ = ownership.ensure_object(scene, collection, role, name, mesh)
        known.parent = armature
        known.modifiers.new(MODIFIER, "ARMATURE").object = armature
        armature.data.display_type = "STICK"
    _weigh(known, person)
    _hide_where_absent(known, person, name)
    return known


def _mesh(body: Body, name: str) -> bpy.types.Mesh:
    mesh = bpy.data.meshes.new(name)
    count = len(body.faces)
    mesh.vertices.add(len(body.vertices))
    mesh.vertices.foreach_set("co", body.vertices.ravel())
    mesh.loops.add(3 * count)
    mesh.polygons.add(count)
    mesh.loops.foreach_set("vertex_index", body.faces.ravel())
    mesh.polygons.foreach_set("loop_start", np.arange(0, 3 * count, 3, dtype=np.int32))
    mesh.update(calc_edges=True)
    mesh.validate()
    if len(mesh.loops) == len(body.uv):  # validating drops faces that are none
        mesh.uv_layers.new(name="UVMap").data.foreach_set("uv", body.uv.ravel())
    mesh.shade_smooth()
    return mesh


def _weigh(thing: bpy.types.Object, person: Person) -> None:
    """A vertex group for each bone that holds some of the body; equal weights are set together."""
    assert person.body is not None
    for joint, (held, weights) in person.body.groups.items():
        group = thing.vertex_groups.new(name=person.plan.names[joint])
        steps = np.rint(weights * 1000).astype(int)
        for step in np.unique(steps).tolist():
            group.add(held[steps == step].tolist(), step / 1000, "REPLACE")


def _hide_where_absent(thing: bpy.types.Object, person: Person, name: str) -> None:
    """Nobody stands where nobody was seen."""
    if person.motion.known.all():
        return
    action = thing.animation_data.action if thing.animation_data is not None else None
    if action is None:
        action = bpy.data.actions.new(f"{name} Shown")
        animation.channels(action, thing)
        animation.assign(thing, action)
    hidden = (person.states == 0).astype(float)
    changes = np.concatenate([[True], np.diff(hidden) != 0])
    frames = person.motion.frames[changes]
    marks, kinds = np.full(len(frames), animation.CONSTANT), np.full(len(frames), animation.KEYFRAME)
    for path in ("hide_render", "hide_viewport"):
        animation.write_curve(animation.channels(action, thing), path, 0, frames, hidden[changes], marks, kinds)


def _material(body: Body, name: str) -> bpy.types.Material:
    """Grey, or the texture that was made of the plate's pixels."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    if body.texture is None:
        material.diffuse_color = (0.62, 0.64, 0.68, 1.0)
        return material
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = next(node for node in nodes if node.type == "BSDF_PRINCIPLED")
    picture = nodes.new("ShaderNodeTexImage")
    picture.image = bpy.data.images.load(str(body.texture), check_existing=True)
    picture.location = (-320, 200)
    links.new(picture.outputs["Color"], shader.inputs["Base Color"])
    shader.inputs["Roughness"].default_value = 0.8
    nodes.active = picture
    return material
