"""Geometry Nodes written as formulas, in Blender 4.2 to 5.2: a `Field` is a node's output, and arithmetic on it adds
the nodes that do it.

Only nodes that all these versions have: 4.2 has no Integer Math, so whole numbers are floats here, exact to 2^24.
"""

from __future__ import annotations

from typing import Any

import bpy

_COLUMN, _ROW, _ROWS = 170, 90, 12


class Field:
    """The value of a socket. `a > b` is 1 where it is so, else 0; `&` is the product of two such."""

    def __init__(self, build: FieldBuilder, socket: bpy.types.NodeSocket) -> None:
        self.build, self.socket = build, socket

    def __add__(self, other: Term) -> Field:
        return self.build.math("ADD", self, other)

    __radd__ = __add__

    def __sub__(self, other: Term) -> Field:
        return self.build.math("SUBTRACT", self, other)

    def __rsub__(self, other: Term) -> Field:
        return self.build.math("SUBTRACT", other, self)

    def __mul__(self, other: Term) -> Field:
        return self.build.math("MULTIPLY", self, other)

    __rmul__ = __mul__
    __and__ = __mul__

    def __truediv__(self, other: Term) -> Field:
        return self.build.math("DIVIDE", self, other)

    def __rtruediv__(self, other: Term) -> Field:
        return self.build.math("DIVIDE", other, self)

    def __gt__(self, other: Term) -> Field:
        return self.build.math("GREATER_THAN", self, other)

    def __lt__(self, other: Term) -> Field:
        return self.build.math("LESS_THAN", self, other)

    def __abs__(self) -> Field:
        return self.build.math("ABSOLUTE", self)

    def floor(self) -> Field:
        return self.build.math("FLOOR", self)


Term = Field | float
"""What arithmetic takes."""


class FieldBuilder:
    """Adds nodes to a Geometry Nodes tree."""

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self.tree = tree
        self._count = 0
        self.given = self.add("NodeGroupInput")

    def add(self, kind: str, **settings: Any) -> bpy.types.Node:
        """A node with some of its properties set."""
        node = self.tree.nodes.new(kind)
        node.location = (_COLUMN * (self._count // _ROWS), -_ROW * (self._count % _ROWS))
        node.hide = True
        self._count += 1
        for name, value in settings.items():
            setattr(node, name, value)
        return node

    def put(self, socket: bpy.types.NodeSocket, value: Any) -> None:
        """Links a field or a socket, or sets a plain value."""
        source = value.socket if isinstance(value, Field) else value
        if isinstance(source, bpy.types.NodeSocket):
            self.tree.links.new(source, socket)
        else:
            socket.default_value = source

    def input(self, name: str) -> Field:
        """An input of the group."""
        return Field(self, self.given.outputs[name])

    def math(self, operation: str, a: Term, b: Term | None = None) -> Field:
        node = self.add("ShaderNodeMath", operation=operation)
        for socket, value in zip(node.inputs, (a, b), strict=False):
            if value is not None:
                self.put(socket, value)
        return Field(self, node.outputs[0])

    def smaller(self, a: Term, b: Term) -> Field:
        return self.math("MINIMUM", a, b)

    def switch(self, condition: Term, false: Term, true: Term) -> Field:
        node = self.add("GeometryNodeSwitch", input_type="FLOAT")
        for name, value in (("Switch", condition), ("False", false), ("True", true)):
            self.put(_enabled(node.inputs, name), value)
        return Field(self, _enabled(node.outputs, "Output"))

    def vector(self, x: Term, y: Term, z: Term) -> Field:
        node = self.add("ShaderNodeCombineXYZ")
        for socket, value in zip(node.inputs, (x, y, z), strict=True):
            self.put(socket, value)
        return Field(self, node.outputs[0])

    def on_domain(self, domain: str, value: Field, kind: str = "FLOAT") -> Field:
        """The field worked out on a domain, whatever the domain it is used on."""
        node = self.add("GeometryNodeFieldOnDomain", domain=domain, data_type=kind)
        self.put(_enabled(node.inputs, "Value"), value)
        return Field(self, _enabled(node.outputs, "Value"))

    def at_point(self, value: Field, index: Field) -> Field:
        """The field at the point of that index; 0 for an index that there is not."""
        node = self.add("GeometryNodeFieldAtIndex", domain="POINT", data_type="FLOAT")
        self.put(_enabled(node.inputs, "Index"), index)
        self.put(_enabled(node.inputs, "Value"), value)
        return Field(self, _enabled(node.outputs, "Value"))

    def attribute(self, name: str) -> Field:
        """A float attribute of the geometry."""
        node = self.add("GeometryNodeInputNamedAttribute", data_type="FLOAT")
        self.put(node.inputs["Name"], name)
        return Field(self, _enabled(node.outputs, "Attribute"))

    def store(self, geometry: Any, name: str, value: Field, domain: str = "POINT", kind: str = "FLOAT") -> Any:
        """The geometry with an attribute."""
        node = self.add("GeometryNodeStoreNamedAttribute", domain=domain, data_type=kind)
        self.put(node.inputs["Geometry"], geometry)
        self.put(node.inputs["Name"], name)
        self.put(_enabled(node.inputs, "Value"), value)
        return node.outputs["Geometry"]

    def sample(self, image: str, place: Field, frame: Field) -> Field:
        """Red of an image input at a place, 0..1 over the picture, without any filter; 0 where there is none."""
        node = self.add("GeometryNodeImageTexture", interpolation="Closest", extension="CLIP")
        self.put(node.inputs["Image"], self.given.outputs[image])
        self.put(node.inputs["Vector"], place)
        self.put(node.inputs["Frame"], frame)
        split = self.add("FunctionNodeSeparateColor")
        self.put(split.inputs[0], node.outputs["Color"])
        return Field(self, split.outputs[0])


Inputs = tuple[tuple[str, str, float | None], ...]


def new_group(name: str, inputs: Inputs, outputs: tuple[tuple[str, str], ...]) -> Any:
    """A Geometry Nodes group. inputs: name, kind of socket (Float, Geometry, ...) and default."""
    group = bpy.data.node_groups.new(name, "GeometryNodeTree")
    for title, kind, default in inputs:
        socket = group.interface.new_socket(title, in_out="INPUT", socket_type=f"NodeSocket{kind}")
        if default is not None:
            socket.default_value = int(default) if kind == "Int" else default
    for title, kind in outputs:
        group.interface.new_socket(title, in_out="OUTPUT", socket_type=f"NodeSocket{kind}")
    return group


def input_key(group: bpy.types.NodeTree, name: str) -> str:
    """What a modifier calls an input of its group."""
    items = group.interface.items_tree
    return next(item.identifier for item in items if item.name == name and item.in_out == "INPUT")


def input_path(modifier: bpy.types.NodesModifier, name: str) -> str:
    """Where an F-curve of the object finds an input of the modifier."""
    return f'modifiers["{bpy.utils.escape_identifier(modifier.name)}"]["{input_key(modifier.node_group, name)}"]'


def set_input(modifier: bpy.types.NodesModifier, name: str, value: Any) -> None:
    modifier[input_key(modifier.node_group, name)] = value


def get_input(modifier: bpy.types.NodesModifier, name: str) -> Any:
    return modifier[input_key(modifier.node_group, name)]


def _enabled(sockets: Any, name: str) -> bpy.types.NodeSocket:
    """Nodes of several types keep a socket of each, of which one is on."""
    return next(socket for socket in sockets if socket.name == name and socket.enabled)
