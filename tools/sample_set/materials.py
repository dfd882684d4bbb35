"""Procedural materials of the set. Colours are linear RGB, scales are per metre (object coordinates)."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

Colour = tuple[float, float, float]


class Nodes:
    """Builds one material's node tree; every method returns the output socket it made."""

    def __init__(self, name: str, roughness: float = 0.8) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.shader = self.tree.nodes["Principled BSDF"]
        self.shader.inputs["Roughness"].default_value = roughness
        self._coordinates: bpy.types.NodeSocket | None = None

    def node(self, kind: str, **inputs: object) -> bpy.types.Node:
        """A node with its inputs set: a socket is linked, a value becomes the default."""
        made = self.tree.nodes.new(kind)
        for name, value in inputs.items():
            socket = made.inputs[name.replace("_", " ")]
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, socket)
            else:
                socket.default_value = value
        return made

    def position(self, stretch: Sequence[float] = (1, 1, 1), turn: Sequence[float] = (0, 0, 0)) -> bpy.types.NodeSocket:
        """Object coordinates in metres, scaled, moved by a random amount per object so that no two match."""
        source = self.node("ShaderNodeTexCoord").outputs["Object"]
        where = self.node("ShaderNodeMapping", Vector=source, Scale=stretch, Rotation=turn)
        random = self.node("ShaderNodeObjectInfo").outputs["Random"]
        shift = self.node("ShaderNodeVectorMath")
        shift.operation = "MULTIPLY_ADD"
        self.tree.links.new(random, shift.inputs[0])
        shift.inputs[1].default_value = (17.0, 31.0, 23.0)
        self.tree.links.new(where.outputs["Vector"], shift.inputs[2])
        return shift.outputs["Vector"]

    def plane(self, turn: Sequence[float] = (0, 0, 0)) -> bpy.types.NodeSocket:
        """Object coordinates in metres as they are, turned: for bricks and tiles."""
        source = self.node("ShaderNodeTexCoord").outputs["Object"]
        return self.node("ShaderNodeMapping", Vector=source, Rotation=turn).outputs["Vector"]

    def noise(
        self, where: bpy.types.NodeSocket, scale: float, detail: float = 6.0, rough: float = 0.6
    ) -> bpy.types.NodeSocket:
        return self.node("ShaderNodeTexNoise", Vector=where, Scale=scale, Detail=detail, Roughness=rough).outputs["Fac"]

    def ramp(self, value: bpy.types.NodeSocket, stops: Sequence[tuple[float, Colour]]) -> bpy.types.NodeSocket:
        made = self.node("ShaderNodeValToRGB", Fac=value)
        elements = made.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(0.5)
        for element, (place, colour) in zip(elements, stops, strict=True):
            element.position = place
            element.color = (*colour, 1.0)
        return made.outputs["Color"]

    def mix(self, factor: object, a: object, b: object, blend: str = "MIX") -> bpy.types.NodeSocket:
        made = self.tree.nodes.new("ShaderNodeMix")
        made.data_type = "RGBA"
        made.blend_type = blend
        for socket, value in ((made.inputs[0], factor), (made.inputs[6], a), (made.inputs[7], b)):
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, socket)
            else:
                socket.default_value = (*value, 1.0) if isinstance(value, tuple) else value
        return made.outputs[2]

    def finish(
        self, colour: object, height: bpy.types.NodeSocket | None = None, bump: float = 0.4, depth: float = 0.01
    ) -> bpy.types.Material:
        """Connects the base colour and, when there is a height, a bump of that many metres."""
        if isinstance(colour, bpy.types.NodeSocket):
            self.tree.links.new(colour, self.shader.inputs["Base Color"])
        else:
            self.shader.inputs["Base Color"].default_value = (*colour, 1.0)
        if height is not None:
            normal = self.node("ShaderNodeBump", Height=height, Strength=bump, Distance=depth)
            self.tree.links.new(normal.outputs["Normal"], self.shader.inputs["Normal"])
        return self.material


def bricks(name: str = "bricks") -> bpy.types.Material:
    """Old red brickwork for a wall in the object's XZ plane."""
    nodes = Nodes(name, 0.9)
    where = nodes.plane((1.5708, 0.0, 0.0))
    wall = nodes.node(
        "ShaderNodeTexBrick",
        Vector=where,
        Scale=1.0,
        Mortar_Size=0.009,
        Mortar_Smooth=0.3,
        Bias=-0.2,
        Brick_Width=0.235,
        Row_Height=0.078,
        Color1=(0.34, 0.12, 0.07, 1),
        Color2=(0.17, 0.07, 0.055, 1),
        Mortar=(0.36, 0.33, 0.28, 1),
    )
    spots = nodes.noise(where, 38.0, 8.0, 0.7)
    patches = nodes.noise(where, 1.7, 5.0)
    stain = nodes.ramp(patches, [(0.36, (0.42, 0.40, 0.36)), (0.62, (1.15, 1.05, 0.98))])
    speckle = nodes.ramp(spots, [(0.25, (0.45, 0.42, 0.4)), (0.75, (1.5, 1.45, 1.4))])
    colour = nodes.mix(1.0, nodes.mix(1.0, wall.outputs["Color"], stain, "MULTIPLY"), speckle, "MULTIPLY")
    wash = nodes.ramp(nodes.noise(where, 0.9, 7.0, 0.62), [(0.55, (0, 0, 0)), (0.62, (1, 1, 1))])
    colour = nodes.mix(wash, colour, nodes.mix(0.82, colour, (0.52, 0.47, 0.38)))
    height = nodes.mix(0.35, wall.outputs["Fac"], spots)
    invert = nodes.node("ShaderNodeInvert", Color=height).outputs["Color"]
    return nodes.finish(colour, invert, 0.7, 0.012)


def plaster(name: str, base: Colour, stain: Colour) -> bpy.types.Material:
    """Weathered lime plaster with patches where it has come off."""
    nodes = Nodes(name, 0.95)
    where = nodes.plane()
    broad, fine = nodes.noise(where, 1.1, 8.0, 0.65), nodes.noise(where, 24.0, 8.0, 0.7)
    colour = nodes.ramp(broad, [(0.34, stain), (0.47, base), (0.66, tuple(min(1.0, c * 1.25) for c in base))])
    speckle = nodes.ramp(fine, [(0.3, (0.62, 0.6, 0.58)), (0.7, (1.2, 1.2, 1.2))])
    return nodes.finish(nodes.mix(1.0, colour, speckle, "MULTIPLY"), nodes.mix(0.4, broad, fine), 0.5, 0.02)


def paving(name: str = "paving") -> bpy.types.Material:
    """Uneven stone tiles for a floor in the object's XY plane."""
    nodes = Nodes(name, 0.75)
    where = nodes.plane((0.0, 0.0, 0.12))
    tiles = nodes.node(
        "ShaderNodeTexBrick",
        Vector=where,
        Scale=1.0,
        Mortar_Size=0.012,
        Mortar_Smooth=0.2,
        Bias=0.0,
        Brick_Width=0.52,
        Row_Height=0.36,
        Color1=(0.40, 0.34, 0.26, 1),
        Color2=(0.20, 0.19, 0.18, 1),
        Mortar=(0.06, 0.055, 0.045, 1),
    )
    veins = nodes.noise(where, 7.0, 9.0, 0.7)
    grit = nodes.noise(where, 55.0, 4.0, 0.7)
    colour = nodes.mix(
        1.0,
        tiles.outputs["Color"],
        nodes.ramp(veins, [(0.3, (0.45, 0.44, 0.43)), (0.7, (1.4, 1.35, 1.25))]),
        "MULTIPLY",
    )
    colour = nodes.mix(1.0, colour, nodes.ramp(grit, [(0.3, (0.6, 0.6, 0.6)), (0.7, (1.3, 1.3, 1.3))]), "MULTIPLY")
    moss = nodes.ramp(nodes.noise(where, 1.6, 8.0, 0.65), [(0.56, (0, 0, 0)), (0.66, (0.8, 0.8, 0.8))])
    colour = nodes.mix(moss, colour, (0.055, 0.085, 0.025))
    height = nodes.node("ShaderNodeInvert", Color=nodes.mix(0.4, tiles.outputs["Fac"], veins)).outputs["Color"]
    return nodes.finish(colour, height, 0.6, 0.012)


def wood(name: str, light: Colour, dark: Colour, along: str = "X") -> bpy.types.Material:
    """Grained wood whose fibres run along one object axis."""
    nodes = Nodes(name, 0.65)
    stretch = {"X": (1.2, 14.0, 14.0), "Y": (14.0, 1.2, 14.0), "Z": (14.0, 14.0, 1.2)}[along]
    where = nodes.position(stretch)
    grain, pores = nodes.noise(where, 1.6, 9.0, 0.72), nodes.noise(where, 9.0, 4.0, 0.7)
    colour = nodes.ramp(grain, [(0.32, dark), (0.52, light), (0.68, tuple(c * 0.72 for c in light))])
    colour = nodes.mix(
        1.0, colour, nodes.ramp(pores, [(0.3, (0.55, 0.52, 0.5)), (0.62, (1.12, 1.12, 1.1))]), "MULTIPLY"
    )
    random = nodes.node("ShaderNodeObjectInfo").outputs["Random"]
    colour = nodes.mix(1.0, colour, nodes.ramp(random, [(0.0, (0.7, 0.68, 0.66)), (1.0, (1.2, 1.2, 1.2))]), "MULTIPLY")
    return nodes.finish(colour, grain, 0.35, 0.006)


def painted(name: str, paint: Colour, under: Colour = (0.24, 0.16, 0.1)) -> bpy.types.Material:
    """Paint that has flaked off in places."""
    nodes = Nodes(name, 0.55)
    where = nodes.position((5.0, 5.0, 2.0))
    flakes = nodes.ramp(nodes.noise(where, 2.2, 9.0, 0.72), [(0.56, (0, 0, 0)), (0.6, (1, 1, 1))])
    shade = nodes.ramp(nodes.noise(where, 5.0, 6.0), [(0.3, (0.75, 0.75, 0.75)), (0.7, (1.15, 1.15, 1.15))])
    return nodes.finish(nodes.mix(flakes, nodes.mix(1.0, paint, shade, "MULTIPLY"), under), flakes, -0.4, 0.004)


def earthenware(name: str, base: Colour) -> bpy.types.Material:
    """Terracotta with lime bloom."""
    nodes = Nodes(name, 0.85)
    where = nodes.position()
    bloom = nodes.ramp(nodes.noise(where, 7.0, 8.0, 0.68), [(0.42, base), (0.6, tuple(0.5 * c + 0.22 for c in base))])
    fine = nodes.noise(where, 70.0, 4.0)
    return nodes.finish(
        nodes.mix(1.0, bloom, nodes.ramp(fine, [(0.3, (0.7, 0.7, 0.7)), (0.7, (1.15, 1.15, 1.15))]), "MULTIPLY"),
        fine,
        0.3,
        0.004,
    )


def leaf(name: str, young: Colour, old: Colour) -> bpy.types.Material:
    """Leaves, a little different from plant to plant and along their length."""
    nodes = Nodes(name, 0.5)
    where = nodes.position()
    colour = nodes.ramp(nodes.noise(where, 14.0, 5.0), [(0.35, old), (0.65, young)])
    nodes.shader.inputs["Subsurface Weight"].default_value = 0.0
    return nodes.finish(colour)


def speckled(name: str, base: Colour, other: Colour, scale: float = 18.0, roughness: float = 0.6) -> bpy.types.Material:
    """Cloth, paper and enamel: two colours in blots."""
    nodes = Nodes(name, roughness)
    where = nodes.position()
    colour = nodes.ramp(nodes.noise(where, scale, 8.0, 0.65), [(0.4, base), (0.62, other)])
    return nodes.finish(colour)


def metal(name: str, tint: Colour) -> bpy.types.Material:
    """Rusty iron."""
    nodes = Nodes(name, 0.5)
    where = nodes.position()
    rust = nodes.ramp(
        nodes.noise(where, 9.0, 9.0, 0.7), [(0.42, tint), (0.56, (0.22, 0.09, 0.035)), (0.7, (0.1, 0.045, 0.025))]
    )
    return nodes.finish(rust, nodes.noise(where, 40.0, 5.0), 0.3, 0.004)


def poster(name: str) -> bpy.types.Material:
    """A printed abstract: rings and blots in four inks, for the object's XZ plane."""
    nodes = Nodes(name, 0.6)
    where = nodes.plane((1.5708, 0.0, 0.0))
    cells = nodes.node("ShaderNodeTexVoronoi", Vector=where, Scale=5.5)
    inks = nodes.ramp(
        nodes.node("ShaderNodeSeparateColor", Color=cells.outputs["Color"]).outputs["Red"],
        [(0.0, (0.02, 0.09, 0.16)), (0.3, (0.65, 0.12, 0.05)), (0.55, (0.75, 0.5, 0.1)), (0.8, (0.72, 0.66, 0.5))],
    )
    inks_node = inks.node
    inks_node.color_ramp.interpolation = "CONSTANT"
    lines = nodes.node("ShaderNodeTexWave", Vector=where, Scale=14.0, Distortion=4.0, Detail=3.0)
    lined = nodes.mix(
        nodes.ramp(lines.outputs["Fac"], [(0.8, (0, 0, 0)), (0.86, (1, 1, 1))]), inks, (0.03, 0.03, 0.035)
    )
    return nodes.finish(lined)
