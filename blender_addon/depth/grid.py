"""The depth of every frame as a surface before the camera: its object, its sequences and its lens.

The object is a child of the camera, which is what takes it through the shot; what changes from frame to frame inside
is the depth picture and, in a zoom, the lens. The lens is the plate's own: its distortion is taken out pixel by pixel,
so the surface agrees with the world whatever the lens, and overscan changes nothing.
"""

from __future__ import annotations

import math

import bpy
import numpy as np

from ..compositing.lens_maps import reach
from ..importers import animation, lens, ownership
from ..importers.contents import ShotContents
from ..shared.shot import ShotFolder
from . import grid_nodes, materials, roles
from .contents import DepthContents
from .field_nodes import input_path, set_input
from .images import load_sequence
from .lens_nodes import LENS
from .names import ACTION, CONFIDENCE_IMAGE, DEPTH_IMAGE, GRID, MATERIAL, PLATE_IMAGE

MODIFIER = "Backlot Depth"
_MOST_VERTICES = 250_000
"""Of a new surface; more make Blender slow to step through frames. Step changes it."""
_TOLERANCE_PX = 1e-3
_LENS_INPUTS = ("Focal X", "Focal Y", "Centre X", "Centre Y")


def import_sequences(collection: bpy.types.Collection, shot: ShotContents, depth: DepthContents, name: str) -> None:
    """Loads or updates the image sequences: depth, confidence and plate."""
    first = depth.frames.frames[0]
    path = depth.frames.depth_path(first)
    load_sequence(collection, DEPTH_IMAGE, path, f"{name} Depth", is_data=True)
    confidence = depth.frames.confidence_path(first)
    if confidence is not None:
        load_sequence(collection, CONFIDENCE_IMAGE, confidence, f"{name} Confidence", is_data=True)
    if shot.has_plate:
        plate = ShotFolder(shot.root).frame_path(shot.shot.facts.frame_start)
        load_sequence(collection, PLATE_IMAGE, plate, f"{name} Plate Frames", is_data=False)


def import_grid(
    scene: bpy.types.Scene,
    collection: bpy.types.Collection,
    camera: bpy.types.Object,
    shot: ShotContents,
    name: str,
) -> bpy.types.Object:
    """Makes the surface, or gives it the shot's sequences and lens; step, cuts, role and material stay."""
    remembered = ownership.recall(collection, GRID)
    data = remembered.data if remembered is not None else bpy.data.meshes.new(f"{name} Depth")
    grid, made = ownership.ensure_object(scene, collection, GRID, f"{name} Depth", data)
    material = materials.projection_material(ownership.recall(collection, MATERIAL), f"{name} Projection")
    ownership.remember(collection, MATERIAL, material)
    facts = shot.shot.facts
    materials.project_plate(material, ownership.recall(collection, PLATE_IMAGE), (facts.frame_start, facts.frame_end))
    if made:
        grid.parent = camera
        grid[materials.SHOW_CONFIDENCE] = 0.0
        grid.id_properties_ui(materials.SHOW_CONFIDENCE).update(
            min=0.0, max=1.0, description="Red: filled or estimated. Green: measured"
        )
        roles.set_role(grid, roles.REFERENCE)
    modifier = find_modifier(grid) or _new_modifier(grid, material, shot)
    modifier.node_group = grid_nodes.depth_nodes()
    _set_sequences(modifier, collection)
    _set_lens(collection, grid, modifier, shot, name)
    grid.update_tag()
    return grid


def find_modifier(grid: bpy.types.Object) -> bpy.types.NodesModifier | None:
    """The surface's modifier; None when the artist has removed it."""
    return next((m for m in grid.modifiers if m.type == "NODES" and grid_nodes.is_depth(m.node_group)), None)


def _new_modifier(grid: bpy.types.Object, material: bpy.types.Material, shot: ShotContents) -> bpy.types.NodesModifier:
    modifier = grid.modifiers.new(MODIFIER, "NODES")
    modifier.node_group = grid_nodes.depth_nodes()
    optics = shot.camera.intrinsics
    step = max(1, math.ceil(math.sqrt(optics.width * optics.height / _MOST_VERTICES)))
    set_input(modifier, "Step", step)
    set_input(modifier, "Material", material)
    return modifier


def update_surface(collection: bpy.types.Collection) -> None:
    """Gives a surface that is there the sequences as they are now."""
    surface = ownership.recall(collection, GRID)
    modifier = find_modifier(surface) if surface is not None else None
    if modifier is not None:
        _set_sequences(modifier, collection)
        surface.update_tag()


def _set_sequences(modifier: bpy.types.NodesModifier, collection: bpy.types.Collection) -> None:
    for title, role in (("Depth", DEPTH_IMAGE), ("Confidence", CONFIDENCE_IMAGE)):
        image = ownership.recall(collection, role)
        if image is not None:
            set_input(modifier, title, image)
    set_input(modifier, "Scale", 1.0)


def _set_lens(
    collection: bpy.types.Collection,
    grid: bpy.types.Object,
    modifier: bpy.types.NodesModifier,
    shot: ShotContents,
    name: str,
) -> None:
    """The plate's K, keyed where it varies, and its distortion."""
    optics = shot.camera.intrinsics
    set_input(modifier, "Width", float(optics.width))
    set_input(modifier, "Height", float(optics.height))
    set_input(modifier, "Distorted", lens.is_distorted(optics))
    for title, value in zip(LENS, (optics.k1, optics.k2, optics.p1, optics.p2), strict=True):
        set_input(modifier, title, value)
    fold = reach(optics)
    set_input(modifier, "Fold", fold if math.isfinite(fold) else 0.0)
    k = np.array([(f.fx, f.fy, f.cx, f.cy) for f in optics.frames], np.float64)
    numbers = np.array([f.frame for f in optics.frames])
    moving = [lens.varies(k[:, column], _TOLERANCE_PX) for column in range(4)]
    for column, title in enumerate(_LENS_INPUTS):
        set_input(modifier, title, float(np.median(k[:, column])))
    known = ownership.recall(collection, ACTION)
    if not any(moving) and known is None:
        return
    action = known if known is not None else bpy.data.actions.new(f"{name} Depth Lens")
    ownership.remember(collection, ACTION, action)
    curves = animation.channels(action, grid)
    marks, kinds = animation.gap_marks(numbers), np.full(len(numbers), animation.KEYFRAME)
    for column, title in enumerate(_LENS_INPUTS):
        path = input_path(modifier, title)
        if moving[column]:
            animation.write_curve(curves, path, 0, numbers, k[:, column], marks, kinds)
        else:
            animation.remove_curve(curves, path)
    animation.assign_first(grid, action)
