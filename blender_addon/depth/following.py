"""Takes imported depth along when the shot's world changes.

Mesh and cloud are in the world's lengths and directions: their vertices move. The surface and the compositor read
frames in the lengths of the time they were copied: what came after is a factor, which undo takes back.
"""

from __future__ import annotations

import bpy
from mathutils import Matrix

from ..importers import ownership
from ..importers.cloud_display import scale_radius
from ..shared.camera_files import Similarity
from ..shared.similarity import as_matrix
from . import grid
from .field_nodes import get_input, set_input
from .names import CLOUD, DEPTH_IMAGE, GRID, MESH

_SCALE = "backlot_scale"
"""Property of the depth image: the shot's lengths now, over those in its files."""


def depth_objects(collection: bpy.types.Collection) -> list[bpy.types.Object]:
    """What `move_depth` moves."""
    found = (ownership.recall(collection, role) for role in (MESH, CLOUD, GRID))
    return [thing for thing in found if thing is not None]


def length_scale(collection: bpy.types.Collection) -> float:
    """The shot's lengths over those in the imported frames."""
    image = ownership.recall(collection, DEPTH_IMAGE)
    return float(image.get(_SCALE, 1.0)) if image is not None else 1.0


def reset_scale(collection: bpy.types.Collection) -> None:
    """The frames have been read anew."""
    image = ownership.recall(collection, DEPTH_IMAGE)
    if image is not None:
        image[_SCALE] = 1.0


def move_depth(collection: bpy.types.Collection, by: Similarity) -> None:
    """Moves what was imported by a change of the world."""
    for role in (MESH, CLOUD):
        thing = ownership.recall(collection, role)
        if thing is not None:
            move_vertices(thing, Matrix(as_matrix(by)))
            scale_radius(thing, by.scale)
    image = ownership.recall(collection, DEPTH_IMAGE)
    if image is not None:
        image[_SCALE] = length_scale(collection) * by.scale
    surface = ownership.recall(collection, GRID)
    modifier = grid.find_modifier(surface) if surface is not None else None
    if modifier is not None:
        for name in ("Scale", "Farthest"):
            set_input(modifier, name, get_input(modifier, name) * by.scale)
        surface.update_tag()


def move_vertices(thing: bpy.types.Object, by: Matrix) -> None:
    """Moves the vertices of a mesh object, in edit mode too."""
    if thing.mode != "EDIT":
        thing.data.transform(by)
        thing.data.update()
        return
    import bmesh

    edited = bmesh.from_edit_mesh(thing.data)
    edited.transform(by)
    bmesh.update_edit_mesh(thing.data, loop_triangles=False, destructive=False)
