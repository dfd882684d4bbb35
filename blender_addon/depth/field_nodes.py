"""Geometry Nodes written as formulas, in Blender 4.2 to 5.2: a `Field` is a node's output, and arithmetic on it adds
the nodes that do it.

Nodes are noted first and made later, a few at a time: every link makes Blender go through the whole tree, and a large
one would hold up the interface for a quarter of a second.

Only nodes that all these versions have: 4.2 has no Integer Math, so whole numbers are floats here, exact to 2^24.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import bpy

_COLUMN, _ROW, _ROWS = 170, 90, 12
_AT_ONCE = 6
_MARK = "backlot_nodes_"


@dataclass
class PlannedNode:
    """kind: bl_idname. settings: properties. inputs: name or index of a socket, and what is put into it."""

    kind: str
    settings: dict[str, Any]
    inputs: list[tuple[str | int, Any]] = field(default_factory=list)


class Field:
    """The value of an output (name or index). `a > b` is 1 where it is so, else 0; `&` is the product of two such."""

    def __init__(self, build: FieldBuilder, node: PlannedNode, output: str | int = 0) -> None:
        self.build, self.node, self.output = build, node, output

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
    """Plans the nodes of a Geometry Nodes tree; `make` makes them."""

    def __init__(self) -> None:
        self._nodes: list[PlannedNode] = []
        self._given = self.add("NodeGroupInput")

    def add(self, kind: str, **settings: Any) -> PlannedNode:
        """A node with some of its properties set."""
        node = PlannedNode(kind, settings)
        self._nodes.append(node)
        return node

    def make(self, tree: bpy.types.NodeTree) -> Iterator[None]:
        """Makes the nodes and then their links, some in each step."""
        made: dict[int, bpy.types.Node] = {}
        for count, plan in enumerate(self._nodes):
            node = made[id(plan)] = tree.nodes.new(plan.kind)
            node.location, node.hide = (_COLUMN * (count // _ROWS), -_ROW * (count % _ROWS)), True
            for name, value in plan.settings.items():
                setattr(node, name, value)
            if count % _AT_ONCE == _AT_ONCE - 1:
                yield
        links = [(plan, *put) for plan in self._nodes for put in plan.inputs]
        for count, (plan, name, value) in enumerate(links):
            socket = _socket(made[id(plan)].inputs, name)
            if isinstance(value, Field):
                tree.links.new(_socket(made[id(value.node)].outputs, value.output), socket)
            else:
                socket.default_value = value
            if count % _AT_ONCE == _AT_ONCE - 1:
                yield

    def input(self, name: str) -> Field:
        """An input of the group."""
        return Field(self, self._given, name)

    def math(self, operation: str, a: Term, b: Term | None = None) -> Field:
        node = self.add("ShaderNodeMath", operation=operation)
        node.inputs += [(index, value) for index, value in enumerate((a, b)) if value is not None]
        return Field(self, node)

    def smaller(self, a: Term, b: Term) -> Field:
        return self.math("MINIMUM", a, b)

    def switch(self, condition: Term, false: Term, true: Term) -> Field:
        node = self.add("GeometryNodeSwitch", input_type="FLOAT")
        node.inputs += [("Switch", condition), ("False", false), ("True", true)]
        return Field(self, node, "Output")

    def vector(self, x: Term, y: Term, z: Term) -> Field:
        node = self.add("ShaderNodeCombineXYZ")
        node.inputs += list(enumerate((x, y, z)))
        return Field(self, node)

    def on_domain(self, domain: str, value: Field, kind: str = "FLOAT") -> Field:
        """The field worked out on a domain, whatever the domain it is used on."""
        node = self.add("GeometryNodeFieldOnDomain", domain=domain, data_type=kind)
        node.inputs.append(("Value", value))
        return Field(self, node, "Value")

    def at_point(self, value: Field, index: Field) -> Field:
        """The field at the point of that index; 0 for an index that there is not."""
        node = self.add("GeometryNodeFieldAtIndex", domain="POINT", data_type="FLOAT")
        node.inputs += [("Index", index), ("Value", value)]
        return Field(self, node, "Value")

    def attribute(self, name: str) -> Field:
        """A float attribute of the geometry."""
        node = self.add("GeometryNodeInputNamedAttribute", data_type="FLOAT")
        node.inputs.append(("Name", name))
        return Field(self, node, "Attribute")

    def store(self, geometry: Field, name: str, value: Field, domain: str = "POINT", kind: str = "FLOAT") -> Field:
        """The geometry with an attribute."""
        node = self.add("GeometryNodeStoreNamedAttribute", domain=domain, data_type=kind)
        node.inputs += [(0, geometry), ("Name", name), ("Value", value)]
        return Field(self, node)

    def with_geometry(self, kind: str, geometry: Field, **settings: Any) -> Field:
        """The geometry after a node that works on it; more inputs go into `.node.inputs`."""
        node = self.add(kind, **settings)
        node.inputs.append((0, geometry))
        return Field(self, node)

    def group(self, tree: bpy.types.NodeTree, **inputs: Term) -> PlannedNode:
        """A group, with its inputs by name."""
        node = self.add("GeometryNodeGroup", node_tree=tree)
        node.inputs += list(inputs.items())
        return node

    def sample(self, image: str, place: Field, frame: Field) -> Field:
        """Red of an image input at a place, 0..1 over the picture, without any filter; 0 where there is none."""
        node = self.add("GeometryNodeImageTexture", interpolation="Closest", extension="CLIP")
        node.inputs += [("Image", self.input(image)), ("Vector", place), ("Frame", frame)]
        split = self.add("FunctionNodeSeparateColor")
        split.inputs.append((0, Field(self, node, "Color")))
        return Field(self, split)


Inputs = tuple[tuple[str, str, float | None], ...]


def find_group(name: str, version: int) -> bpy.types.NodeTree | None:
    """A finished group of the file, whatever it is called now."""
    return next((g for g in bpy.data.node_groups if g.get(_MARK + name) == version), None)


def make_group(
    name: str, version: int, inputs: Inputs, outputs: tuple[tuple[str, str], ...], build: FieldBuilder
) -> Generator[None, None, bpy.types.NodeTree]:
    """Makes a planned group in short steps. It is found when it is finished, and not before."""
    group = new_group(name, inputs, outputs)
    yield from build.make(group)
    group[_MARK + name] = version
    return group


def is_group(group: bpy.types.NodeTree | None, name: str) -> bool:
    """Whether this was made as the group of that name, in whatever version."""
    return group is not None and _MARK + name in group


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


def _socket(sockets: Any, name: str | int) -> bpy.types.NodeSocket:
    """By index, or by name: nodes of several types keep a socket of each, of which one is on."""
    if isinstance(name, int):
        return sockets[name]
    return next(socket for socket in sockets if socket.name == name and socket.enabled)
