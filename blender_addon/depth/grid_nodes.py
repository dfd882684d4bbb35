"""The node group that makes a surface of a frame's depth.

A vertex for every pixel (or every so many-th), at the pixel's centre: its place in the picture, without the lens's
distortion, times its depth. Object space is the camera's: x right, y up, looking along -z. Everything is worked out in
Geometry Nodes, so that the surface changes with the frame, renders on a farm and needs no handler.
"""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from . import cut_nodes, lens_nodes
from .field_nodes import Field, FieldBuilder, find_group, is_group, make_group
from .lens_nodes import LENS

_NAME, _VERSION = "Backlot Depth", 1
SKY = 1e9
"""Depth from here on is sky (the files have 1e10)."""

UV, CONFIDENCE, DEPTH = "UVMap", "confidence", "depth"
"""Attributes of the surface: place in the plate; 0..1, from 0.5 on measured; planar depth, world units."""

INPUTS: tuple[tuple[str, str, float | None], ...] = (
    ("Geometry", "Geometry", None),
    ("Depth", "Image", None),
    ("Confidence", "Image", None),
    ("Material", "Material", None),
    ("Width", "Float", 1920.0),
    ("Height", "Float", 1080.0),
    ("Step", "Int", 1.0),
    ("Focal X", "Float", 1000.0),
    ("Focal Y", "Float", 1000.0),
    ("Centre X", "Float", 960.0),
    ("Centre Y", "Float", 540.0),
    ("Distorted", "Bool", None),
    *((name, "Float", 0.0) for name in LENS),
    ("Fold", "Float", 0.0),
    ("Scale", "Float", 1.0),
    ("Edge", "Float", 0.03),
    ("Least Confidence", "Float", 0.0),
    ("Farthest", "Float", 0.0),
    ("Frame Offset", "Int", 0.0),
)


def depth_nodes() -> bpy.types.NodeTree | None:
    """The node group, shared by all shots of the file; None before `make_depth_nodes`."""
    return find_group(_NAME, _VERSION)


def is_depth(group: bpy.types.NodeTree | None) -> bool:
    """Whether this is such a group, of whatever version."""
    return is_group(group, _NAME)


def make_depth_nodes() -> Iterator[None]:
    """Makes the group in short steps, unless it is there. Of several small groups: links are slow in a large one."""
    if depth_nodes() is not None:
        return
    undistort = yield from lens_nodes.make_undistort()
    cut = yield from cut_nodes.make_cut(DEPTH)
    build = FieldBuilder()
    lattice = _Lattice(build)
    across, down, reached = _ray(build, lattice, undistort)
    geometry = build.store(lattice.geometry, DEPTH, _depth(build, lattice, reached))
    geometry = build.store(geometry, CONFIDENCE, lattice.sample("Confidence"))
    geometry = build.store(geometry, UV, build.on_domain("POINT", lattice.place, "FLOAT_VECTOR"), "CORNER", "FLOAT2")
    known = build.attribute(DEPTH)
    moved = build.with_geometry("GeometryNodeSetPosition", geometry)
    moved.node.inputs.append(("Position", build.vector(across * known, down * known * -1.0, known * -1.0)))
    whole = build.group(cut, Geometry=moved, Rows=lattice.rows, Edge=build.input("Edge"))
    dressed = build.with_geometry("GeometryNodeSetMaterial", Field(build, whole, "Geometry"))
    dressed.node.inputs.append(("Material", build.input("Material")))
    build.add("NodeGroupOutput").inputs.append(("Geometry", dressed))
    group = yield from make_group(_NAME, _VERSION, INPUTS, (("Geometry", "Geometry"),), build)
    group.is_modifier = True


class _Lattice:
    """One vertex for every Step-th pixel. u, v: px of the plate at pixel centres. place: 0..1 over the picture."""

    def __init__(self, build: FieldBuilder) -> None:
        self._build = build
        width, height, step = build.input("Width"), build.input("Height"), build.input("Step")
        first = (step / 2.0 - 0.25).floor()  # the middle of the first so many pixels
        columns = ((width - first - 1.0) / step).floor() + 1.0
        self.rows = ((height - first - 1.0) / step).floor() + 1.0
        grid = build.add("GeometryNodeMeshGrid")
        grid.inputs += [("Vertices X", columns), ("Vertices Y", self.rows)]
        self.geometry = Field(build, grid, "Mesh")
        index = Field(build, build.add("GeometryNodeInputIndex"))
        column = (index / self.rows).floor()
        row = self.rows - 1.0 - (index - column * self.rows)  # Blender's grid counts upwards
        self.u, self.v = column * step + first + 0.5, row * step + first + 0.5
        self.place = build.vector(self.u / width, 1.0 - self.v / height, 0.0)
        now = Field(build, build.add("GeometryNodeInputSceneTime"), "Frame")
        # Between frames (motion blur) the nearest one's picture.
        self._frame = (now + build.input("Frame Offset") + 0.5).floor()

    def sample(self, image: str) -> Field:
        return self._build.sample(image, self.place, self._frame)


def _ray(build: FieldBuilder, lattice: _Lattice, undistort: bpy.types.NodeTree) -> tuple[Field, Field, Field]:
    """Where each pixel looks, at depth 1 (x right, y down), and 1 where the lens model reaches it, else 0."""
    x = (lattice.u - build.input("Centre X")) / build.input("Focal X")
    y = (lattice.v - build.input("Centre Y")) / build.input("Focal Y")
    lens = {name: build.input(name) for name in (*LENS, "Fold")}
    found = build.group(undistort, X=x, Y=y, **lens)
    bent = build.input("Distorted")
    return (
        build.switch(bent, x, Field(build, found, "U")),
        build.switch(bent, y, Field(build, found, "V")),
        build.switch(bent, 1.0, Field(build, found, "Reached")),
    )


def _depth(build: FieldBuilder, lattice: _Lattice, reached: Field) -> Field:
    """Depth of each vertex in world units, 0 where there is none to show."""
    stored = lattice.sample("Depth")
    z = stored * build.input("Scale")
    far = build.input("Farthest")
    sure = 1.0 - (lattice.sample("Confidence") < build.input("Least Confidence"))
    near = build.math("MAXIMUM", 1.0 - (z > far), 1.0 - (far > 0.0))
    shown = (stored > 0.0) & (stored < SKY) & sure & near & reached
    return build.switch(shown > 0.5, 0.0, z)
