"""The node group that cuts a depth surface where there is nothing or where depth jumps.

Inverse depth is linear in the pixels over any plane, however slanted. So from one pixel to the next it may change as it
does on the flatter of its two sides, and by the share Edge of itself more; a pixel that mixes both sides of an outline
is cut off from both.
"""

from __future__ import annotations

from collections.abc import Generator

import bpy

from .field_nodes import Field, FieldBuilder, find_group, make_group

_NAME, _SLOPE_NAME, _VERSION = "Backlot Cut at Jumps", "Backlot Slope Beyond", 1
_UNKNOWN_SLOPE = 1e9


def make_cut(depth: str) -> Generator[None, None, bpy.types.NodeTree]:
    """Makes in steps, unless it is there, and returns the group that deletes the faces with an edge across a jump or
    to a vertex without depth. depth: name of the attribute, 0 where there is none. Rows: vertices in each column of
    the lattice, which are numbered column by column."""
    found = find_group(_NAME, _VERSION)
    if found is not None:
        return found
    slope = yield from _make_slope()
    build = FieldBuilder()
    ends = build.add("GeometryNodeInputMeshEdgeVertices")
    one, two = (Field(build, ends, f"Vertex Index {number}") for number in (1, 2))
    there = build.attribute(depth)
    inverse = build.switch(there > 0.0, 0.0, 1.0 / build.math("MAXIMUM", there, 1e-12))
    step = two - one
    at_one, at_two = build.at_point(inverse, one), build.at_point(inverse, two)
    sides = []
    for value, index, beyond in ((at_one, one, one - step), (at_two, two, two + step)):
        other = build.at_point(inverse, beyond)
        node = build.group(slope, Value=value, Other=other, Index=index, Beyond=beyond, Rows=build.input("Rows"))
        sides.append(Field(build, node, "Slope"))
    flatter = build.smaller(*sides)
    allowed = build.switch(flatter < _UNKNOWN_SLOPE / 2.0, 0.0, flatter)
    least = build.smaller(at_one, at_two)
    jumps = abs(at_two - at_one) > allowed + build.input("Edge") * least
    broken = build.math("MAXIMUM", jumps, 1.0 - (least > 0.0))
    left = build.with_geometry("GeometryNodeDeleteGeometry", build.input("Geometry"), domain="FACE", mode="ALL")
    left.node.inputs.append(("Selection", build.on_domain("EDGE", broken) > 0.0))
    smooth = build.with_geometry("GeometryNodeSetShadeSmooth", left)
    build.add("NodeGroupOutput").inputs.append(("Geometry", smooth))
    inputs = (("Geometry", "Geometry", None), ("Rows", "Float", 2.0), ("Edge", "Float", 0.03))
    return (yield from make_group(_NAME, _VERSION, inputs, (("Geometry", "Geometry"),), build))


def _make_slope() -> Generator[None, None, bpy.types.NodeTree]:
    """How much inverse depth changes from a vertex (Value, Index) to the one beyond it on the same line of pixels
    (Other, Beyond); very much where there is none or nothing is known of it."""
    found = find_group(_SLOPE_NAME, _VERSION)
    if found is not None:
        return found
    build = FieldBuilder()
    value, other, index, beyond, rows = (build.input(name) for name in ("Value", "Other", "Index", "Beyond", "Rows"))
    across = abs(beyond - index) > 1.5  # from column to column: beyond the last there is no vertex
    same_column = abs((beyond / rows).floor() - (index / rows).floor()) < 0.5
    there = (other > 0.0) & build.math("MAXIMUM", across, same_column)
    result = build.switch(there > 0.5, _UNKNOWN_SLOPE, abs(other - value))
    build.add("NodeGroupOutput").inputs.append(("Slope", result))
    inputs = tuple((name, "Float", 0.0) for name in ("Value", "Other", "Index", "Beyond", "Rows"))
    return (yield from make_group(_SLOPE_NAME, _VERSION, inputs, (("Slope", "Float"),), build))
