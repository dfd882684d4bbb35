"""Which parts of a shot's depth an import brings."""

from __future__ import annotations

import bpy

from ..importers import ownership
from .names import CLOUD, DEPTH_IMAGE, GRID, MESH
from .parts import DepthParts

MESH_PART, CLOUD_PART, GRID_PART = "MESH", "CLOUD", "GRID"
PARTS = (
    (MESH_PART, "Mesh", "The fused mesh, if the depth stage made one"),
    (CLOUD_PART, "Cloud", "The fused cloud, if the depth stage made one"),
    (GRID_PART, "Frames", "The depth of every frame, as a surface before the camera with the plate on it"),
)


def chosen_parts(names: set[str]) -> DepthParts:
    """Of the panel's choice. The sequence comes always: the compositor may want it."""
    return DepthParts(mesh=MESH_PART in names, cloud=CLOUD_PART in names, grid=GRID_PART in names, sequence=True)


def present_parts(collection: bpy.types.Collection | None) -> DepthParts | None:
    """What stands in the scene and is to be brought up to date; None when there is nothing."""
    if collection is None:
        return None
    there = {role: ownership.recall(collection, role) is not None for role in (MESH, CLOUD, GRID, DEPTH_IMAGE)}
    if not any(there.values()):
        return None
    return DepthParts(there[MESH], there[CLOUD], there[GRID], sequence=True, is_update=True)


def part_object(collection: bpy.types.Collection, part: str) -> bpy.types.Object | None:
    """The imported object of a part, by its name in any case."""
    role = {MESH_PART: MESH, CLOUD_PART: CLOUD, GRID_PART: GRID}[part.upper()]
    return ownership.recall(collection, role)
