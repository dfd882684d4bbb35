"""How the cloud looks: a Geometry Nodes modifier turns vertices into points of a small radius, and an
emissive material gives them the plate's colours in every shading mode and render engine."""

from __future__ import annotations

import bpy

_NAME = "Backlot Points"
_MARK = "backlot_display"


def add_display(cloud: bpy.types.Object, radius: float) -> None:
    """Adds the modifier that makes the vertices visible."""
    modifier = cloud.modifiers.new(_NAME, "NODES")
    modifier.node_group = point_nodes()
    modifier[_socket(modifier.node_group, "Radius")] = radius
    modifier[_socket(modifier.node_group, "Material")] = point_material()


def is_display(modifier: bpy.types.Modifier) -> bool:
    """Whether this is what `add_display` adds."""
    return modifier.type == "NODES" and modifier.node_group is not None and bool(modifier.node_group.get(_MARK))


def scale_radius(cloud: bpy.types.Object, factor: float) -> None:
    """Keeps the points as large as they look when the world is scaled."""
    for modifier in cloud.modifiers:
        if is_display(modifier):
            socket = _socket(modifier.node_group, "Radius")
            modifier[socket] = modifier[socket] * factor


def point_nodes() -> bpy.types.NodeTree:
    """The node group shared by all clouds of the file."""
    found = next((g for g in bpy.data.node_groups if g.get(_MARK)), None)
    return found if found is not None else _make_nodes()


def point_material() -> bpy.types.Material:
    """The material shared by all clouds of the file."""
    found = next((m for m in bpy.data.materials if m.get(_MARK)), None)
    return found if found is not None else _make_material()


def _socket(group: bpy.types.NodeTree, name: str) -> str:
    return next(item.identifier for item in group.interface.items_tree if item.name == name)


def _make_nodes() -> bpy.types.NodeTree:
    group = bpy.data.node_groups.new(_NAME, "GeometryNodeTree")
    group[_MARK] = True
    group.is_modifier = True
    face = group.interface
    face.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    radius = face.new_socket("Radius", in_out="INPUT", socket_type="NodeSocketFloat")
    radius.subtype, radius.min_value, radius.default_value = "DISTANCE", 0.0, 0.01
    face.new_socket("Material", in_out="INPUT", socket_type="NodeSocketMaterial")
    face.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    nodes, links = group.nodes, group.links
    given, points = nodes.new("NodeGroupInput"), nodes.new("GeometryNodeMeshToPoints")
    dress, result = nodes.new("GeometryNodeSetMaterial"), nodes.new("NodeGroupOutput")
    links.new(given.outputs["Geometry"], points.inputs[0])
    links.new(given.outputs["Radius"], points.inputs["Radius"])
    links.new(points.outputs[0], dress.inputs["Geometry"])
    links.new(given.outputs["Material"], dress.inputs["Material"])
    links.new(dress.outputs["Geometry"], result.inputs[0])
    for column, node in enumerate((given, points, dress, result)):
        node.location = (200 * column, 0)
    return group


def _make_material() -> bpy.types.Material:
    material = bpy.data.materials.new(_NAME)
    material[_MARK] = True
    if material.node_tree is None:  # Blender 5 makes every material with nodes
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    colour, glow = nodes.new("ShaderNodeAttribute"), nodes.new("ShaderNodeEmission")
    output = nodes.new("ShaderNodeOutputMaterial")
    colour.attribute_name = "Color"
    links.new(colour.outputs["Color"], glow.inputs["Color"])
    links.new(glow.outputs["Emission"], output.inputs["Surface"])
    for column, node in enumerate((colour, glow, output)):
        node.location = (200 * column, 0)
    return material
