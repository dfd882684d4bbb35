"""The fused cloud and mesh as datablocks, written in parts so that no step takes long.

All arrays go in by `foreach_set` on the attributes that Blender itself keeps them in; edges come ready from the
thread that has read the file. Only where each triangle begins has to be told one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np

from .contents import Fused
from .materials import COLOUR

_AT_ONCE = 8_000
"""Triangles whose beginnings are told in one step, one by one."""
_BY_ARRAY = 300_000
"""Up to so many they are told by one array, in about 15 ms; that is six times as fast, but cannot be cut into steps."""


def build_cloud(fused: Fused, name: str) -> Iterator[bpy.types.Mesh]:
    """Bare vertices with `Color` and `normal`. Yields the mesh after each part; it is in no scene yet."""
    mesh = bpy.data.meshes.new(name)
    yield from _points(mesh, fused)
    normals = fused.model.normals
    if normals is not None and len(normals):
        mesh.attributes.new("normal", "FLOAT_VECTOR", "POINT").data.foreach_set("vector", normals.ravel())
    yield mesh


def build_mesh(fused: Fused, name: str) -> Iterator[bpy.types.Mesh]:
    """A triangle mesh with `Color` at its vertices, smooth. Yields it after each part; it is in no scene yet."""
    model = fused.model
    mesh = bpy.data.meshes.new(name)
    yield from _points(mesh, fused)
    count = len(model.triangles)
    if not count:
        return
    mesh.edges.add(len(fused.edges))
    yield mesh
    _write(mesh, ".edge_verts", "INT32_2D", "EDGE", fused.edges)
    yield mesh
    mesh.loops.add(3 * count)
    yield mesh
    _write(mesh, ".corner_vert", "INT", "CORNER", model.triangles)
    yield mesh
    _write(mesh, ".corner_edge", "INT", "CORNER", fused.corner_edges)
    yield mesh
    mesh.polygons.add(count)
    yield mesh
    for _ in _tell_beginnings(mesh.polygons, count):
        yield mesh
    yield mesh
    mesh.update()
    yield mesh


def _tell_beginnings(polygons: Any, count: int) -> Iterator[None]:
    if count <= _BY_ARRAY:
        polygons.foreach_set("loop_start", np.arange(0, 3 * count, 3, dtype=np.int32))
        return
    for start in range(0, count, _AT_ONCE):
        # One at a time: a list of them would set off Python's garbage collection, which takes longer than all of it.
        for at in range(start, min(start + _AT_ONCE, count)):
            polygons[at].loop_start = 3 * at
        yield


def _points(mesh: bpy.types.Mesh, fused: Fused) -> Iterator[bpy.types.Mesh]:
    count = len(fused.model.xyz)
    mesh.vertices.add(count)
    yield mesh
    if not count:
        return
    mesh.attributes["position"].data.foreach_set("vector", fused.model.xyz.ravel())
    yield mesh
    if fused.colour is not None:
        mesh.attributes.new(COLOUR, "FLOAT_COLOR", "POINT").data.foreach_set("color", fused.colour.ravel())
        mesh.color_attributes.active_color = mesh.color_attributes[COLOUR]
        yield mesh


def _write(mesh: bpy.types.Mesh, name: str, kind: str, domain: str, values: np.ndarray) -> None:
    """Some versions have the attribute as soon as there are elements, others once it is written."""
    attribute = mesh.attributes.get(name) or mesh.attributes.new(name, kind, domain)
    attribute.data.foreach_set("value", np.ascontiguousarray(values, np.int32).ravel())
