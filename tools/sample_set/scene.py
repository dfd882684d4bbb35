"""The set: a courtyard corner with brick and plaster walls, paving, pots, crates, a bench, a ladder, bunting.

World: metres, z up; the camera looks along +y from about y = -4.5. Everything stands still.
"""

from __future__ import annotations

import math
import random

import bpy

from . import materials as make
from .shapes import books, box, crate, leafy, mesh_object, place, pot, rod, turned


def build() -> None:
    """Fills an empty scene with the set and its light."""
    _walls()
    _bench()
    _crates_and_barrel()
    _pots()
    _ladder_and_window()
    _bunting()
    _light()


def _panel(name: str, width: float, height: float, material: bpy.types.Material) -> bpy.types.Object:
    """A wall in its own XZ plane, facing -y, standing on its origin."""
    w = width / 2
    return mesh_object(name, [(-w, 0, 0), (w, 0, 0), (w, 0, height), (-w, 0, height)], [(0, 1, 2, 3)], material)


def _walls() -> None:
    mesh_object("Paving", [(-7, -7, 0), (7, -7, 0), (7, 4, 0), (-7, 4, 0)], [(0, 1, 2, 3)], make.paving())
    place(_panel("Brick wall", 9.0, 4.2, make.bricks()), (0.6, 1.5, 0))
    plaster = make.plaster("plaster", (0.56, 0.40, 0.22), (0.33, 0.27, 0.2))
    place(_panel("Plaster wall", 8.0, 4.2, plaster), (-2.7, -1.5, 0), (0, 0, 90))
    skirting = make.plaster("stone", (0.3, 0.28, 0.25), (0.16, 0.15, 0.13))
    for number in range(13):
        width = 0.62 + 0.1 * math.sin(3.1 * number)
        box(
            f"Kerb {number}",
            (width, 0.16, 0.17 + 0.03 * math.sin(5.0 * number)),
            (-2.5 + 0.66 * number, 1.44, 0.08),
            skirting,
            bevel=0.015,
        )


def _bench() -> None:
    oak = make.wood("oak", (0.33, 0.19, 0.085), (0.085, 0.045, 0.022))
    legs = make.wood("leg oak", (0.26, 0.15, 0.07), (0.07, 0.04, 0.02), "Z")
    for board in range(5):
        box(
            f"Bench board {board}",
            (1.75, 0.118, 0.038),
            (-1.05, 0.22 + 0.124 * board, 0.78),
            oak,
            (0, 0, 0.25 * (-1) ** board),
        )
    for x in (-1.8, -0.3):
        for y in (0.25, 0.68):
            box("Bench leg", (0.07, 0.07, 0.76), (x, y, 0.38), legs)
    box("Bench shelf", (1.6, 0.42, 0.025), (-1.05, 0.47, 0.24), oak)
    covers = [
        make.speckled("book red", (0.35, 0.03, 0.03), (0.22, 0.02, 0.02)),
        make.speckled("book blue", (0.02, 0.08, 0.2), (0.03, 0.12, 0.26)),
        make.speckled("book green", (0.03, 0.14, 0.06), (0.05, 0.1, 0.04)),
        make.speckled("book ochre", (0.5, 0.3, 0.05), (0.4, 0.22, 0.04)),
    ]
    pages = make.wood("pages", (0.62, 0.55, 0.42), (0.42, 0.36, 0.26), "X")
    books("Book pile", (-1.62, 0.42, 0.8), covers, pages, 5, 3)
    books("Low books", (-1.45, 0.45, 0.253), covers[::-1], pages, 4, 8)
    glaze = make.speckled("glaze", (0.02, 0.16, 0.2), (0.2, 0.34, 0.3), 9.0, 0.18)
    turned(
        "Vase",
        [(0.05, 0), (0.1, 0.08), (0.115, 0.16), (0.07, 0.27), (0.045, 0.32), (0.06, 0.36)],
        (-0.42, 0.55, 0.8),
        glaze,
    )
    turned(
        "Jug",
        [(0.06, 0), (0.075, 0.05), (0.07, 0.13), (0.055, 0.17), (0.062, 0.2)],
        (-0.75, 0.36, 0.8),
        make.speckled("jug", (0.55, 0.5, 0.4), (0.34, 0.2, 0.1), 12.0, 0.3),
    )
    tin = make.painted("tin", (0.5, 0.09, 0.04))
    box("Tool tin", (0.34, 0.18, 0.15), (-1.12, 0.5, 0.875), tin, (0, 0, -14))
    rod("Tin handle", (-1.22, 0.525, 0.97), (-1.02, 0.475, 0.97), 0.012, make.metal("handle iron", (0.2, 0.2, 0.21)))
    crate("Bench crate", (-0.75, 0.47, 0.255), (0.42, 0.3, 0.22), oak, 6, 5)


def _crates_and_barrel() -> None:
    pine = make.wood("pine", (0.42, 0.27, 0.13), (0.16, 0.09, 0.045))
    crate("Crate A", (1.55, 0.55, 0), (0.62, 0.44, 0.36), pine, 12, 1)
    crate("Crate B", (1.5, 0.58, 0.37), (0.58, 0.42, 0.34), pine, -9, 2)
    crate("Crate C", (0.95, -0.35, 0), (0.52, 0.38, 0.3), pine, 34, 4)
    chance = random.Random(12)
    fruit = [
        make.speckled("apple", (0.42, 0.03, 0.02), (0.5, 0.3, 0.06), 16.0, 0.3),
        make.speckled("quince", (0.55, 0.4, 0.05), (0.3, 0.3, 0.04), 20.0, 0.35),
    ]
    ball = [
        (0.002, -0.036),
        (0.022, -0.03),
        (0.036, -0.008),
        (0.038, 0.006),
        (0.03, 0.026),
        (0.012, 0.033),
        (0.003, 0.027),
    ]
    for number in range(34):
        across, along, turn = chance.uniform(-0.2, 0.2), chance.uniform(-0.13, 0.13), math.radians(34)
        at = (
            0.95 + across * math.cos(turn) - along * math.sin(turn),
            -0.35 + across * math.sin(turn) + along * math.cos(turn),
            0.2 + 0.05 * (number % 3),
        )
        turned(
            f"Fruit {number}", ball, at, fruit[number % 2], 18, (chance.uniform(-50, 50), chance.uniform(-50, 50), 0)
        )
    staves = make.wood("staves", (0.24, 0.13, 0.06), (0.06, 0.035, 0.02), "Z")
    bulge = [
        (0.27, 0),
        (0.315, 0.15),
        (0.335, 0.4),
        (0.335, 0.5),
        (0.315, 0.75),
        (0.27, 0.9),
        (0.25, 0.9),
        (0.25, 0.87),
    ]
    turned("Barrel", bulge, (2.5, 0.75, 0), staves, 28)
    iron = make.metal("hoop iron", (0.11, 0.11, 0.12))
    for low, radius in ((0.05, 0.295), (0.26, 0.332), (0.6, 0.338), (0.82, 0.302)):
        turned(
            "Hoop",
            [(radius, low), (radius + 0.006, low), (radius + 0.006, low + 0.045), (radius, low + 0.045)],
            (2.5, 0.75, 0),
            iron,
        )


def _pots() -> None:
    clay, dark_clay = make.earthenware("clay", (0.42, 0.16, 0.07)), make.earthenware("old clay", (0.26, 0.13, 0.08))
    soil = make.speckled("soil", (0.03, 0.02, 0.013), (0.09, 0.06, 0.04), 60.0, 0.95)
    fresh = make.leaf("fresh leaves", (0.16, 0.3, 0.05), (0.05, 0.13, 0.025))
    grey = make.leaf("grey leaves", (0.22, 0.3, 0.17), (0.08, 0.15, 0.07))
    deep = make.leaf("deep leaves", (0.05, 0.15, 0.03), (0.02, 0.07, 0.02))
    for name, at, height, material, leaf, leaves, reach, width, droop, seed in (
        ("Fern", (0.32, 0.62, 0), 0.36, clay, fresh, 70, 0.62, 0.045, 0.5, 1),
        ("Agave", (-2.05, -0.55, 0), 0.34, dark_clay, grey, 34, 0.5, 0.075, 0.05, 2),
        ("Sage", (1.5, 0.55, 0.72), 0.2, clay, grey, 80, 0.26, 0.05, 0.3, 3),
        ("Laurel", (2.5, 0.72, 0.88), 0.3, dark_clay, deep, 130, 0.6, 0.09, 0.35, 4),
        ("Basil", (0.2, -0.75, 0), 0.19, clay, fresh, 70, 0.22, 0.06, 0.25, 5),
        ("Thyme", (-0.12, -0.45, 0), 0.15, dark_clay, deep, 90, 0.17, 0.025, 0.3, 6),
        ("Spider", (-2.2, 0.95, 0), 0.42, clay, fresh, 90, 0.7, 0.04, 0.75, 7),
    ):
        pot(name + " pot", at, height, material, soil)
        leafy(
            name,
            (at[0], at[1], at[2] + 0.86 * height),
            leaf,
            leaves=leaves,
            reach=reach,
            width=width,
            droop=droop,
            seed=seed,
        )
    turned(
        "Empty pot",
        [(0.07, 0), (0.1, 0.17), (0.115, 0.17), (0.118, 0.22), (0.1, 0.22), (0.062, 0.02)],
        (0.52, -0.72, 0.115),
        clay,
        40,
        (97, 0, 40),
    )


def _ladder_and_window() -> None:
    ash = make.wood("ash", (0.4, 0.3, 0.18), (0.2, 0.13, 0.07), "Z")
    for x in (0.58, 0.98):
        rod("Ladder rail", (x, 0.72, 0.0), (x + 0.03, 1.42, 2.7), 0.027, ash)
    for step in range(8):
        t = 0.1 + 0.112 * step
        rod(
            "Ladder rung",
            (0.58 + 0.03 * t, 0.72 + 0.7 * t, 2.7 * t),
            (0.98 + 0.03 * t, 0.72 + 0.7 * t, 2.7 * t),
            0.017,
            ash,
        )
    blue, glass = (
        make.painted("blue paint", (0.05, 0.19, 0.24)),
        make.speckled("dark glass", (0.012, 0.014, 0.016), (0.03, 0.035, 0.04), 3.0, 0.12),
    )
    box("Glass", (0.8, 0.02, 1.0), (-1.0, 1.49, 1.85), glass, bevel=0)
    for x, wide in ((-1.43, 0.07), (-1.0, 0.05), (-0.57, 0.07)):
        box("Window post", (wide, 0.09, 1.12), (x, 1.46, 1.85), blue)
    for z, high in ((1.3, 0.08), (1.85, 0.04), (2.4, 0.08)):
        box("Window rail", (0.92, 0.085, high), (-1.0, 1.46, z), blue)
    for side, x in ((-1, -1.72), (1, -0.28)):
        box(f"Shutter {side}", (0.44, 0.035, 1.14), (x, 1.44, 1.85), blue, (0, 0, -7 * side))
        for slat in range(9):
            box(
                f"Slat {side} {slat}",
                (0.36, 0.03, 0.07),
                (x, 1.405, 1.42 + 0.108 * slat),
                blue,
                (28, 0, -7 * side),
                0.004,
            )
    box("Sill", (1.1, 0.2, 0.06), (-1.0, 1.42, 1.24), make.plaster("sill stone", (0.4, 0.37, 0.32), (0.24, 0.22, 0.2)))
    box("Poster", (0.62, 0.012, 0.86), (1.82, 1.48, 1.72), make.poster("poster"), (0, 1.5, 0), 0)
    board = make.painted("board", (0.46, 0.4, 0.28))
    box("Leaning board", (0.5, 0.03, 1.25), (-2.2, 0.05, 0.6), board, (-14, 0, 62))


def _bunting() -> None:
    string = make.metal("string", (0.15, 0.13, 0.1))
    colours = [(0.5, 0.05, 0.04), (0.55, 0.38, 0.06), (0.04, 0.2, 0.26), (0.5, 0.46, 0.38), (0.1, 0.24, 0.08)]
    cloths = [
        make.speckled(f"cloth {n}", colour, tuple(0.6 * c for c in colour), 40.0, 0.9)
        for n, colour in enumerate(colours)
    ]
    start, end, flags = (-2.68, -0.4, 2.7), (3.4, 1.1, 2.75), 22

    def along(t: float) -> tuple[float, float, float]:
        return (
            start[0] + (end[0] - start[0]) * t,
            start[1] + (end[1] - start[1]) * t,
            start[2] - 1.9 * t * (1 - t) * 0.55,
        )

    for number in range(flags):
        a, b = along((number + 0.12) / flags), along((number + 0.88) / flags)
        tip = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2 - 0.05 + 0.03 * (number % 3), a[2] - 0.24)
        mesh_object(f"Flag {number}", [a, b, tip], [(0, 1, 2)], cloths[number % len(cloths)])
        rod(f"String {number}", along(number / flags), along((number + 1) / flags), 0.004, string)


def _light() -> None:
    sun = bpy.data.lights.new("Sun", "SUN")
    sun.energy, sun.angle, sun.color = 4.6, math.radians(1.2), (1.0, 0.86, 0.68)
    place_light = bpy.data.objects.new("Sun", sun)
    place_light.rotation_euler = (math.radians(48), 0.0, math.radians(38))
    bpy.context.scene.collection.objects.link(place_light)
    world = bpy.data.worlds.new("Sky")
    bpy.context.scene.world = world
    world.use_nodes = True
    background = world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (0.5, 0.66, 0.95, 1.0)
    background.inputs["Strength"].default_value = 0.75
