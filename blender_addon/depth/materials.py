"""What depth looks like: a fused mesh in its own colours, and a frame's surface with the plate projected on it.

Both glow: the plate's light is in its pixels already, and would be lit twice. A shadow catcher alone is matt grey:
what only glows catches no shadow.
"""

from __future__ import annotations

from typing import Any

import bpy

from . import grid_nodes
from .images import show_frames
from .names import CATCHES, SHOW_CONFIDENCE

COLOUR = "Color"
_GREY = (0.5, 0.5, 0.5, 1.0)
_MESH_MARK = "backlot_fused"
_RAMP = ((0.0, (0.5, 0.0, 0.0)), (0.499, (0.9, 0.35, 0.0)), (0.502, (0.25, 0.5, 0.05)), (1.0, (0.0, 0.6, 0.1)))
"""Confidence as a colour: red to orange for what was filled or estimated, green for what was measured."""


def fused_material() -> bpy.types.Material:
    """Shows the colour attribute; shared by all fused meshes of the file."""
    found = next((m for m in bpy.data.materials if m.get(_MESH_MARK)), None)
    if found is not None:
        return found
    material = _empty("Backlot Fused Mesh")
    material[_MESH_MARK] = True
    colour = material.node_tree.nodes.new("ShaderNodeAttribute")
    colour.attribute_name = COLOUR
    _glow(material, colour.outputs["Color"])
    return material


def projection_material(known: bpy.types.Material | None, name: str) -> bpy.types.Material:
    """The material of a shot's depth surface; one that is there stays as the artist has it."""
    return known if known is not None else _empty(name)


def project_plate(material: bpy.types.Material, plate: bpy.types.Image | None, frames: tuple[int, int]) -> None:
    """Fills an empty material with the plate and the confidence, or updates the plate in one that was filled.
    frames: the plate's first and last number. Without a plate only the confidence is shown."""
    nodes, links = material.node_tree.nodes, material.node_tree.links
    texture = nodes.get("Plate")
    if texture is None and not len(nodes):
        texture = nodes.new("ShaderNodeTexImage")
        texture.name = texture.label = "Plate"
        texture.extension = "EXTEND"
        place = nodes.new("ShaderNodeUVMap")
        place.uv_map = grid_nodes.UV
        links.new(place.outputs["UV"], texture.inputs["Vector"])
        _glow(material, _confidence_or(material, texture.outputs["Color"]))
    if texture is not None and plate is not None:
        texture.image = plate
        show_frames(texture.image_user, *frames)


def _confidence_or(material: bpy.types.Material, plate: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """The plate, or the confidence in colours where the object says so."""
    nodes, links = material.node_tree.nodes, material.node_tree.links
    sure, shown = nodes.new("ShaderNodeAttribute"), nodes.new("ShaderNodeAttribute")
    sure.attribute_name = grid_nodes.CONFIDENCE
    shown.attribute_type, shown.attribute_name = "OBJECT", SHOW_CONFIDENCE
    ramp, mix = nodes.new("ShaderNodeValToRGB"), nodes.new("ShaderNodeMix")
    stops = ramp.color_ramp.elements
    for position, _ in _RAMP[1:-1]:
        stops.new(position)
    for stop, (position, colour) in zip(stops, _RAMP, strict=True):
        stop.position, stop.color = position, (*colour, 1.0)
    mix.data_type = "RGBA"
    colours = [socket for socket in mix.inputs if socket.type == "RGBA"]
    links.new(sure.outputs["Fac"], ramp.inputs["Fac"] if "Fac" in ramp.inputs else ramp.inputs[0])
    links.new(shown.outputs["Fac"], mix.inputs[0])
    links.new(plate, colours[0])
    links.new(ramp.outputs["Color"], colours[1])
    return next(socket for socket in mix.outputs if socket.type == "RGBA")


def _empty(name: str) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # Blender 5 makes every material with nodes
        material.use_nodes = True
    material.node_tree.nodes.clear()
    return material


def _glow(material: bpy.types.Material, colour: Any) -> None:
    nodes, links = material.node_tree.nodes, material.node_tree.links
    glow, matt = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeBsdfDiffuse")
    catches, mix = nodes.new("ShaderNodeAttribute"), nodes.new("ShaderNodeMixShader")
    output = nodes.new("ShaderNodeOutputMaterial")
    matt.inputs["Color"].default_value = _GREY
    catches.attribute_type, catches.attribute_name = "OBJECT", CATCHES
    links.new(colour, glow.inputs["Color"])
    links.new(catches.outputs["Fac"], mix.inputs[0])
    links.new(glow.outputs["Emission"], mix.inputs[1])
    links.new(matt.outputs["BSDF"], mix.inputs[2])
    links.new(mix.outputs["Shader"], output.inputs["Surface"])
    for column, node in enumerate(nodes):
        node.location = (220 * column, 0)
