"""The node group that makes a surface of a frame's depth.

A vertex for every pixel (or every so many-th), at the pixel's centre: its place in the picture, without the lens's
distortion, times its depth. Object space is the camera's: x right, y up, looking along -z. Everything is worked out in
Geometry Nodes, so that the surface changes with the frame, renders on a farm and needs no handler.

Cuts. A pixel without depth has no surface. Neither has a place where depth jumps: inverse depth is linear in the
pixels over any plane, however slanted, so from one pixel to the next it may change as it does on the flatter of its two
sides, and by the share Edge of itself more.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import bpy

from .field_nodes import Field, FieldBuilder, new_group

_MARK = "backlot_depth_grid"
_NAME, _STEP_NAME = "Backlot Depth", "Backlot Undistort Step"
_VERSION = 1
"""Of the group's inside: a file made by an earlier one gets a new group."""
_NEWTON_STEPS = 6
_SOLVED = 1e-5
SKY = 1e9
"""Depth from here on is sky (the files have 1e10)."""
_UNKNOWN_SLOPE = 1e9

UV, CONFIDENCE, DEPTH = "UVMap", "confidence", "depth"
"""Attributes of the surface: place in the plate; 0..1, from 0.5 on measured; planar depth, world units."""

LENS = ("K1", "K2", "P1", "P2")
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
    return next((g for g in bpy.data.node_groups if g.get(_MARK) == _VERSION), None)


def is_depth(group: bpy.types.NodeTree | None) -> bool:
    """Whether this is such a group, of whatever version."""
    return group is not None and _MARK in group


def make_depth_nodes() -> Iterator[None]:
    """Makes the group in short steps, unless it is there."""
    if depth_nodes() is not None:
        return
    step = yield from _make_undistort_step()
    build = FieldBuilder()
    lattice = _Lattice(build)
    across, down, reached = _ray(build, lattice, step)
    geometry = build.store(lattice.geometry, DEPTH, _depth(build, lattice, reached))
    geometry = build.store(geometry, CONFIDENCE, lattice.sample("Confidence"))
    geometry = build.store(geometry, UV, build.on_domain("POINT", lattice.place, "FLOAT_VECTOR"), "CORNER", "FLOAT2")
    known = build.attribute(DEPTH)
    moved = build.with_geometry("GeometryNodeSetPosition", geometry)
    moved.node.inputs.append(("Position", build.vector(across * known, down * known * -1.0, known * -1.0)))
    result = _dress(build, _cut(build, moved, lattice.rows))
    build.add("NodeGroupOutput").inputs.append(("Geometry", result))
    group = new_group(_NAME, INPUTS, (("Geometry", "Geometry"),))
    yield from build.make(group)
    group.is_modifier = True
    group[_MARK] = _VERSION


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


def _ray(build: FieldBuilder, lattice: _Lattice, step: bpy.types.NodeTree) -> tuple[Field, Field, Field]:
    """Where each pixel looks, at depth 1 (x right, y down), and 1 where the lens model reaches it, else 0."""
    x = (lattice.u - build.input("Centre X")) / build.input("Focal X")
    y = (lattice.v - build.input("Centre Y")) / build.input("Focal Y")
    u, v, error = x, y, x
    for _ in range(_NEWTON_STEPS + 1):  # the last one tells how good the one before was
        node = build.add("GeometryNodeGroup", node_tree=step)
        node.inputs += [("X", x), ("Y", y), ("U", u), ("V", v), *((name, build.input(name)) for name in LENS)]
        before = (u, v)
        u, v, error = (Field(build, node, name) for name in ("U", "V", "Error"))
    u, v = before
    fold = build.input("Fold")
    inside = build.math("MAXIMUM", (u * u + v * v) < fold * fold, 1.0 - (fold > 0.0))
    bent, found = build.input("Distorted"), (error < _SOLVED) & inside
    return (
        build.switch(bent, x, build.switch(found, 0.0, u)),
        build.switch(bent, y, build.switch(found, 0.0, v)),
        build.switch(bent, 1.0, found),
    )


def _make_undistort_step() -> Generator[None, None, bpy.types.NodeTree]:
    """Makes in steps, unless it is there, and returns one step of Newton's method towards (U, V), which the lens takes
    to (X, Y): COLMAP's OPENCV model, y down. Error: how far (U, V) as given is off. As `lens_maps.undistort`."""
    found = next((g for g in bpy.data.node_groups if g.get(_STEP_NAME) == _VERSION), None)
    if found is not None:
        return found
    build = FieldBuilder()
    x, y, u, v, k1, k2, p1, p2 = (build.input(name) for name in ("X", "Y", "U", "V", *LENS))
    r2 = u * u + v * v
    radial = (k2 * r2 + k1) * r2 + 1.0
    slope = 2.0 * k1 + 4.0 * k2 * r2
    cross = slope * u * v + 2.0 * (p1 * u + p2 * v)
    along_x = radial + slope * u * u + 2.0 * p1 * v + 6.0 * p2 * u
    along_y = radial + slope * v * v + 2.0 * p2 * u + 6.0 * p1 * v
    off_x = x - (u * radial + 2.0 * p1 * u * v + p2 * (r2 + 2.0 * u * u))
    off_y = y - (v * radial + 2.0 * p2 * u * v + p1 * (r2 + 2.0 * v * v))
    determinant = along_x * along_y - cross * cross
    build.add("NodeGroupOutput").inputs += [
        ("U", u + (along_y * off_x - cross * off_y) / determinant),
        ("V", v + (along_x * off_y - cross * off_x) / determinant),
        ("Error", build.math("MAXIMUM", abs(off_x), abs(off_y))),
    ]
    inputs = tuple((name, "Float", 0.0) for name in ("X", "Y", "U", "V", *LENS))
    group = new_group(_STEP_NAME, inputs, (("U", "Float"), ("V", "Float"), ("Error", "Float")))
    yield from build.make(group)
    group[_STEP_NAME] = _VERSION
    return group


def _depth(build: FieldBuilder, lattice: _Lattice, reached: Field) -> Field:
    """Depth of each vertex in world units, 0 where there is none to show."""
    stored = lattice.sample("Depth")
    z = stored * build.input("Scale")
    far = build.input("Farthest")
    sure = 1.0 - (lattice.sample("Confidence") < build.input("Least Confidence"))
    near = build.math("MAXIMUM", 1.0 - (z > far), 1.0 - (far > 0.0))
    shown = (stored > 0.0) & (stored < SKY) & sure & near & reached
    return build.switch(shown > 0.5, 0.0, z)


def _cut(build: FieldBuilder, geometry: Field, rows: Field) -> Field:
    """The geometry without the faces that have an edge across a jump of depth or to nothing."""
    ends = build.add("GeometryNodeInputMeshEdgeVertices")
    one, two = (Field(build, ends, f"Vertex Index {number}") for number in (1, 2))
    depth = build.attribute(DEPTH)
    inverse = build.switch(depth > 0.0, 0.0, 1.0 / build.math("MAXIMUM", depth, 1e-12))
    step = two - one
    here, there = build.at_point(inverse, one), build.at_point(inverse, two)
    before = _slope(build, inverse, here, one, one - step, step, rows)
    after = _slope(build, inverse, there, two, two + step, step, rows)
    flatter = build.smaller(before, after)
    allowed = build.switch(flatter < _UNKNOWN_SLOPE / 2.0, 0.0, flatter)
    least = build.smaller(here, there)
    jumps = abs(there - here) > allowed + build.input("Edge") * least
    broken = build.math("MAXIMUM", jumps, 1.0 - (least > 0.0))
    left = build.with_geometry("GeometryNodeDeleteGeometry", geometry, domain="FACE", mode="ALL")
    left.node.inputs.append(("Selection", build.on_domain("EDGE", broken) > 0.0))
    return left


def _slope(
    build: FieldBuilder, inverse: Field, value: Field, index: Field, beyond: Field, step: Field, rows: Field
) -> Field:
    """How much inverse depth changes from a vertex to the one beyond it on the same line of pixels; very much where
    there is none or nothing is known of it."""
    other = build.at_point(inverse, beyond)
    across = abs(step) > 1.5  # from column to column: beyond the last there is no vertex
    same_column = abs((beyond / rows).floor() - (index / rows).floor()) < 0.5
    there = (other > 0.0) & build.math("MAXIMUM", across, same_column)
    return build.switch(there > 0.5, _UNKNOWN_SLOPE, abs(other - value))


def _dress(build: FieldBuilder, geometry: Field) -> Field:
    dressed = build.with_geometry(
        "GeometryNodeSetMaterial", build.with_geometry("GeometryNodeSetShadeSmooth", geometry)
    )
    dressed.node.inputs.append(("Material", build.input("Material")))
    return dressed
