"""Which datablocks belong to a shot.

Every shot has one collection. It carries the shot's id and points at the datablocks that were imported,
so that importing again finds them after the artist renamed, moved or duplicated things.
"""

from __future__ import annotations

from typing import Any

import bpy

from ..shared.errors import InvalidRequest

SHOT_ID = "backlot_shot"
SHOT_FOLDER = "backlot_folder"
_PREFIX = "backlot_"
_OVERSCAN = "backlot_overscan"

ROOT, CAMERA, CLOUD, PLATE, GROUND = "root", "camera", "cloud", "plate", "ground"
CAMERA_ACTION, LENS_ACTION = "camera_action", "lens_action"


def find_collection(scene: bpy.types.Scene, shot_id: str) -> bpy.types.Collection | None:
    """The shot's collection in a scene."""
    return next((c for c in scene.collection.children_recursive if c.get(SHOT_ID) == shot_id), None)


def shot_collections(scene: bpy.types.Scene) -> list[bpy.types.Collection]:
    """The collections of all shots of a scene."""
    return [c for c in scene.collection.children_recursive if SHOT_ID in c]


def current_shot(scene: bpy.types.Scene) -> bpy.types.Collection | None:
    """The shot whose camera the scene renders, or else its first."""
    shots = shot_collections(scene)
    shown = (c for c in shots if scene.camera is not None and recall(c, CAMERA) == scene.camera)
    return next(shown, shots[0] if shots else None)


def collections_of(folder: str) -> list[bpy.types.Collection]:
    """The collections that were imported from a shot folder, in all scenes."""
    return [c for c in bpy.data.collections if SHOT_ID in c and c.get(SHOT_FOLDER) == folder]


def ensure_collection(scene: bpy.types.Scene, shot_id: str, name: str) -> bpy.types.Collection:
    """The shot's collection, made and linked to the scene if need be."""
    found = find_collection(scene, shot_id)
    if found is None:
        found = bpy.data.collections.new(name)
        found[SHOT_ID] = shot_id
        scene.collection.children.link(found)
    require_editable(found)
    return found


def require_editable(collection: bpy.types.Collection) -> None:
    """Raises `InvalidRequest` for a shot that belongs to another file: linked, where nothing can be changed, or a
    library override, where the points cannot and the rest would be lost."""
    if collection.override_library is not None:
        raise InvalidRequest(
            f"The shot {collection.name} is a library override.",
            "Update it in its own file, or make it local here (Object > Library Override > Clear).",
        )
    if collection.library is not None:
        raise InvalidRequest(
            f"The shot {collection.name} is linked from {collection.library.filepath}.",
            "Change it in that file, or make it local here (Object > Relations > Make Local > All).",
        )


def recall(collection: bpy.types.Collection, role: str) -> Any:
    """The datablock that plays a role in the shot, or None."""
    return collection.get(_PREFIX + role)


def remember(collection: bpy.types.Collection, role: str, datablock: bpy.types.ID) -> None:
    collection[_PREFIX + role] = datablock


def overscan(collection: bpy.types.Collection) -> float:
    """How many times the plate's width and height the shot's camera sees; 1 unless compositing asked for more."""
    return float(collection.get(_OVERSCAN, 1.0))


def set_overscan(collection: bpy.types.Collection, factor: float) -> None:
    collection[_OVERSCAN] = factor


def place(scene: bpy.types.Scene, collection: bpy.types.Collection, thing: bpy.types.Object) -> None:
    """Puts an object into the shot's collection, unless the artist has moved it elsewhere in the scene."""
    if scene not in thing.users_scene:
        collection.objects.link(thing)


def ensure_object(
    scene: bpy.types.Scene, collection: bpy.types.Collection, role: str, name: str, data: bpy.types.ID | None
) -> tuple[bpy.types.Object, bool]:
    """The object of a role, and whether it was made now; `data` is used only then."""
    require_editable(collection)
    found = recall(collection, role)
    if found is not None:
        place(scene, collection, found)
        return found, False
    made = bpy.data.objects.new(name, data)
    remember(collection, role, made)
    collection.objects.link(made)
    return made, True
