"""A person's body: the rest mesh bound to the armature, with the plate's texture."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from ..importers import animation, ownership
from ..importers.cloud import leave_tools, replace_mesh
from . import names
from .contents import Body, Person

MODIFIER = "Backlot Armature"
_PLAIN = "backlot_mocap_plain"
"""Custom property of a body's material that waits for a texture."""
_HIDDEN = "backlot_mocap_hidden"
"""Custom property of a body that is hidden in some frames by its import."""
_HIDING = ("hide_render", "hide_viewport")


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
        _renew_texture(known, body)
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
        _show_everywhere(thing)
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
    for path in _HIDING:
        animation.write_curve(animation.channels(action, thing), path, 0, frames, hidden[changes], marks, kinds)
    thing[_HIDDEN] = True


def _show_everywhere(thing: bpy.types.Object) -> None:
    """Takes back what an earlier import has hidden."""
    if _HIDDEN not in thing:
        return
    if thing.animation_data is not None and thing.animation_data.action is not None:
        curves = animation.channels(thing.animation_data.action, thing)
        for path in _HIDING:
            animation.remove_curve(curves, path)
    thing.hide_render = thing.hide_viewport = False
    del thing[_HIDDEN]


def _renew_texture(thing: bpy.types.Object, body: Body) -> None:
    """The picture's file may be another now; a body that was grey for want of one gets it."""
    if body.texture is None:
        return
    for image in bpy.data.images:
        if image.filepath and Path(bpy.path.abspath(image.filepath)) == body.texture:
            image.reload()
    for material in thing.data.materials:
        if material is not None and _PLAIN in material:
            _paint(material, body.texture)
            del material[_PLAIN]


def _material(body: Body, name: str) -> bpy.types.Material:
    """Grey, or the texture that was made of the plate's pixels."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    if body.texture is None:
        material.diffuse_color = (0.62, 0.64, 0.68, 1.0)
        material[_PLAIN] = True
    else:
        _paint(material, body.texture)
    return material


def _paint(material: bpy.types.Material, texture: Path) -> None:
    """The texture as the colour; not of a material whose shader the artist has taken out or wired."""
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = next((node for node in nodes if node.type == "BSDF_PRINCIPLED"), None)
    if shader is None or shader.inputs["Base Color"].is_linked:
        return
    picture = nodes.new("ShaderNodeTexImage")
    picture.image = bpy.data.images.load(str(texture), check_existing=True)
    picture.location = (-320, 200)
    links.new(picture.outputs["Color"], shader.inputs["Base Color"])
    shader.inputs["Roughness"].default_value = 0.8
    nodes.active = picture
