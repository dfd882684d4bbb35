"""Meshes of the set, built from numbers: boxes, turned shapes, leaves. Lengths in metres, z up."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import bpy
from mathutils import Euler, Matrix, Vector

Point = tuple[float, float, float]


def mesh_object(
    name: str,
    points: Sequence[Point],
    faces: Sequence[Sequence[int]],
    material: bpy.types.Material,
    *,
    smooth: bool = False,
) -> bpy.types.Object:
    """A new object of one material, linked into the scene at the origin."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points, [], faces)
    mesh.materials.append(material)
    if smooth:
        mesh.polygons.foreach_set("use_smooth", [True] * len(mesh.polygons))
    made = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(made)
    return made


def place(made: bpy.types.Object, at: Point, turn: Point = (0.0, 0.0, 0.0)) -> bpy.types.Object:
    """Moves an object to `at`, turned by XYZ Euler degrees."""
    made.location = at
    made.rotation_euler = Euler([math.radians(angle) for angle in turn])
    return made


def box(
    name: str, size: Point, at: Point, material: bpy.types.Material, turn: Point = (0.0, 0.0, 0.0), bevel: float = 0.006
) -> bpy.types.Object:
    """A box of the given full size, centred on `at`, its edges softened by `bevel`."""
    x, y, z = (side / 2 for side in size)
    points = [(sx * x, sy * y, sz * z) for sx in (-1, 1) for sy in (-1, 1) for sz in (-1, 1)]
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    made = place(mesh_object(name, points, faces, material), at, turn)
    if bevel:
        softened = made.modifiers.new("Bevel", "BEVEL")
        softened.width, softened.segments = bevel, 2
    return made


def turned(
    name: str,
    profile: Sequence[tuple[float, float]],
    at: Point,
    material: bpy.types.Material,
    sides: int = 40,
    turn: Point = (0.0, 0.0, 0.0),
) -> bpy.types.Object:
    """A shape on the lathe: `profile` is (radius, height) from the bottom up."""
    points, faces = [], []
    for radius, height in profile:
        for side in range(sides):
            angle = 2 * math.pi * side / sides
            points.append((radius * math.cos(angle), radius * math.sin(angle), height))
    for ring in range(len(profile) - 1):
        for side in range(sides):
            a, b = ring * sides + side, ring * sides + (side + 1) % sides
            faces.append((a, b, b + sides, a + sides))
    faces.append(tuple(reversed(range(sides))))
    faces.append(tuple(range((len(profile) - 1) * sides, len(profile) * sides)))
    return place(mesh_object(name, points, faces, material, smooth=sides > 16), at, turn)


def rod(name: str, start: Point, end: Point, radius: float, material: bpy.types.Material) -> bpy.types.Object:
    """A round bar between two points."""
    a, b = Vector(start), Vector(end)
    made = turned(name, [(radius, 0.0), (radius, (b - a).length)], (0, 0, 0), material, 14)
    made.matrix_world = Matrix.Translation(a) @ (b - a).to_track_quat("Z", "Y").to_matrix().to_4x4()
    return made


def pot(name: str, at: Point, height: float, clay: bpy.types.Material, soil: bpy.types.Material) -> bpy.types.Object:
    """A flower pot with a rim, filled with soil; `at` is the middle of its foot."""
    h, foot, lip = height, 0.34 * height, 0.52 * height
    profile = [
        (foot, 0),
        (lip * 0.92, h * 0.78),
        (lip, h * 0.78),
        (lip * 1.04, h),
        (lip * 0.94, h),
        (lip * 0.9, h * 0.86),
    ]
    made = turned(name, profile, at, clay)
    turned(name + " soil", [(lip * 0.9, h * 0.84), (lip * 0.9, h * 0.88)], at, soil)
    return made


def leafy(
    name: str,
    at: Point,
    material: bpy.types.Material,
    *,
    leaves: int,
    reach: float,
    width: float,
    droop: float,
    seed: int,
) -> bpy.types.Object:
    """A plant: `leaves` curved blades of length about `reach` that spring from `at`. Faces are two-sided."""
    chance = random.Random(seed)
    points: list[Point] = []
    faces: list[Sequence[int]] = []
    for _ in range(leaves):
        heading, rise = chance.uniform(0, 2 * math.pi), chance.uniform(0.35, 1.5)
        length, root = reach * chance.uniform(0.55, 1.1), chance.uniform(0, 0.12) * reach
        side = Vector((-math.sin(heading), math.cos(heading), chance.uniform(-0.4, 0.4))).normalized()
        start = Vector((math.cos(heading) * root, math.sin(heading) * root, chance.uniform(0, 0.3) * reach))
        first = len(points)
        for step in range(6):
            t = step / 5
            out = Vector((math.cos(heading) * math.cos(rise), math.sin(heading) * math.cos(rise), math.sin(rise)))
            middle = start + out * (length * t) + Vector((0, 0, -droop * length * t * t))
            half = width * math.sin(math.pi * min(0.97, 0.12 + 0.88 * t)) * 0.5
            points += [
                tuple(middle - side * half),
                tuple(middle + Vector((0, 0, -0.15 * half))),
                tuple(middle + side * half),
            ]
        for step in range(5):
            a = first + 3 * step
            faces += [(a, a + 1, a + 4, a + 3), (a + 1, a + 2, a + 5, a + 4)]
    return place(mesh_object(name, points, faces, material, smooth=True), at)


def crate(name: str, at: Point, size: Point, planks: bpy.types.Material, turn: float, seed: int) -> None:
    """A slatted crate standing on `at`, turned about z by `turn` degrees; each slat sits a little off."""
    chance = random.Random(seed)
    frame = Matrix.Translation(at) @ Matrix.Rotation(math.radians(turn), 4, "Z")
    x, y, z = size

    def slat(label: str, dims: Point, offset: Point) -> None:
        wobble = [chance.uniform(-0.004, 0.004) for _ in range(3)]
        made = box(f"{name} {label}", dims, (0, 0, 0), planks, bevel=0.004)
        made.matrix_world = frame @ Matrix.Translation(Vector(offset) + Vector(wobble))

    for row in range(3):
        level = z * (0.17 + 0.33 * row)
        for sign in (-1, 1):
            slat(f"long {row}{sign}", (x, 0.018, z * 0.25), (0, sign * y / 2, level))
            slat(f"short {row}{sign}", (0.018, y, z * 0.25), (sign * (x / 2 - 0.01), 0, level))
    for sx in (-1, 1):
        for sy in (-1, 1):
            slat(f"post {sx}{sy}", (0.035, 0.035, z), (sx * (x / 2 - 0.035), sy * (y / 2 - 0.028), z / 2))
    for row in range(4):
        slat(f"floor {row}", (x * 0.96, y * 0.22, 0.014), (0, y * (row - 1.5) * 0.24, 0.02))


def books(
    name: str, at: Point, covers: Sequence[bpy.types.Material], pages: bpy.types.Material, count: int, seed: int
) -> None:
    """A pile of `count` books lying on `at`."""
    chance = random.Random(seed)
    height = 0.0
    for number in range(count):
        thick, width, depth = chance.uniform(0.022, 0.05), chance.uniform(0.17, 0.24), chance.uniform(0.13, 0.17)
        angle, cover = chance.uniform(-25, 25), covers[number % len(covers)]
        middle = (at[0] + chance.uniform(-0.015, 0.015), at[1] + chance.uniform(-0.015, 0.015))
        for part, size, level in (
            ("cover below", (width, depth, 0.004), 0.002),
            ("pages", (width * 0.95, depth * 0.95, thick - 0.008), thick / 2),
            ("cover above", (width, depth, 0.004), thick - 0.002),
        ):
            box(
                f"{name} {number} {part}",
                size,
                (*middle, at[2] + height + level),
                pages if part == "pages" else cover,
                (0, 0, angle),
                bevel=0.001,
            )
        height += thick
