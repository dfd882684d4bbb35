"""Compositor node trees in Blender 4.2 to 5.2.

Until 4.5 a scene owns its tree and ends in a Composite node; from 5.0 the tree is a node group that ends
in a group output. Several nodes turned their settings from properties into sockets on the way.
"""

from __future__ import annotations

from typing import Any

import bpy

COLUMN = 220


def scene_tree(scene: bpy.types.Scene) -> bpy.types.NodeTree:
    """The scene's compositor tree, made with a render layer and an output if there is none."""
    if hasattr(scene, "compositing_node_group"):
        if scene.compositing_node_group is None:
            tree = bpy.data.node_groups.new("Compositing", "CompositorNodeTree")
            tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
            scene.compositing_node_group = tree
        return scene.compositing_node_group
    scene.use_nodes = True
    return scene.node_tree


def output_socket(tree: bpy.types.NodeTree) -> bpy.types.NodeSocket:
    """The socket that the scene's render comes out of; its node is made if need be."""
    kind = "NodeGroupOutput" if _is_group(tree) else "CompositorNodeComposite"
    node = next((n for n in tree.nodes if n.bl_idname == kind), None) or tree.nodes.new(kind)
    return node.inputs[0]


def feeding(tree: bpy.types.NodeTree, socket: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """The socket that feeds an input; a render layer when nothing does."""
    link = next((link for link in tree.links if link.to_socket == socket), None)
    if link is not None:
        return link.from_socket
    layers = next((n for n in tree.nodes if n.bl_idname == "CompositorNodeRLayers"), None)
    return (layers or tree.nodes.new("CompositorNodeRLayers")).outputs["Image"]


def new_group(
    name: str, inputs: tuple[str, ...], outputs: tuple[str, ...], numbers: tuple[tuple[str, float], ...] = ()
) -> bpy.types.NodeTree:
    """An empty node group with colour sockets. numbers: more inputs, with their defaults."""
    group = bpy.data.node_groups.new(name, "CompositorNodeTree")
    for socket in inputs:
        group.interface.new_socket(socket, in_out="INPUT", socket_type="NodeSocketColor")
    for socket, default in numbers:
        made = group.interface.new_socket(socket, in_out="INPUT", socket_type="NodeSocketFloat")
        made.default_value = default
    for socket in outputs:
        group.interface.new_socket(socket, in_out="OUTPUT", socket_type="NodeSocketColor")
    return group


def group_node(tree: bpy.types.NodeTree, group: bpy.types.NodeTree) -> bpy.types.Node | None:
    """The first node of the tree that uses a group."""
    nodes = (node for node in tree.nodes if node.bl_idname == "CompositorNodeGroup" and node.node_tree == group)
    return next(nodes, None)


class Builder:
    """Adds nodes to a tree from left to right."""

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self.tree = tree
        self._column = 0

    def node(self, kind: str, *sources: Any, label: str = "") -> Any:
        """A node whose first inputs are fed by `sources` (nodes, sockets, or None to leave one alone)."""
        node = self.tree.nodes.new(kind)
        node.label = label
        node.location = (COLUMN * self._column, 0)
        self._column += 1
        for socket, source in zip(node.inputs, sources, strict=False):
            self.feed(socket, source)
        return node

    def feed(self, socket: bpy.types.NodeSocket, source: Any) -> None:
        if source is not None:
            self.tree.links.new(source.outputs[0] if hasattr(source, "outputs") else source, socket)

    def over(self, below: Any, above: Any) -> Any:
        """`above`, premultiplied, over `below`."""
        node = self.node("CompositorNodeAlphaOver")
        colours = [socket for socket in node.inputs if socket.type == "RGBA"]
        self.feed(colours[0], below)
        self.feed(colours[1], above)
        return node

    def math(self, operation: str, a: Any, b: Any = None) -> Any:
        """a and b: sockets, nodes or numbers."""
        node = self.node("CompositorNodeMath" if hasattr(bpy.types, "CompositorNodeMath") else "ShaderNodeMath")
        node.operation = operation
        for socket, value in zip(node.inputs, (a, b), strict=False):
            self.put(socket, value)
        return node

    def mix(self, factor: Any, a: Any, b: Any) -> Any:
        """The socket of a linear mix of two colours; the alpha is the first one's in Blender 4."""
        if hasattr(bpy.types, "CompositorNodeMixRGB"):
            return self.node("CompositorNodeMixRGB", factor, a, b).outputs[0]
        node = self.node("ShaderNodeMix")
        node.data_type = "RGBA"
        self.put(node.inputs[0], factor)
        colours = [socket for socket in node.inputs if socket.type == "RGBA"]
        for socket, value in zip(colours, (a, b), strict=True):
            self.put(socket, value)
        return next(socket for socket in node.outputs if socket.type == "RGBA")

    def put(self, socket: bpy.types.NodeSocket, value: Any) -> None:
        """Links a node or a socket, sets a plain number, and leaves None alone."""
        if isinstance(value, (int, float)):
            socket.default_value = value
        else:
            self.feed(socket, value)


def set_menu(node: Any, socket: str, attribute: str, value: str) -> None:
    """A choice that is a menu socket in newer versions (`Render Size`) and an enum property in older ones
    (`RENDER_SIZE`)."""
    if socket in node.inputs:
        node.inputs[socket].default_value = value
    else:
        setattr(node, attribute, value.upper().replace(" ", "_"))


def _is_group(tree: bpy.types.NodeTree) -> bool:
    return not tree.is_embedded_data
