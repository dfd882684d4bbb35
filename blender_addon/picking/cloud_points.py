"""The places of a cloud's points, and which of them are chosen without the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..importers import ownership
from ..shared.errors import InvalidRequest

if TYPE_CHECKING:
    import numpy as np

    from ..shared.world_messages import Pick


def cloud_of(collection: bpy.types.Collection | None) -> bpy.types.Object | None:
    """The shot's cloud, None when it was not imported."""
    return ownership.recall(collection, ownership.CLOUD) if collection is not None else None


def places(cloud: bpy.types.Object) -> np.ndarray:
    """float32 [N,3] in the shot's world, which is the mesh's own space: the root may stand anywhere."""
    import numpy as np

    if cloud.mode == "EDIT":
        cloud.update_from_editmode()
    xyz = np.empty(3 * len(cloud.data.vertices), np.float32)
    cloud.data.vertices.foreach_get("co", xyz)
    return xyz.reshape(-1, 3)


def pickable(cloud: bpy.types.Object) -> np.ndarray:
    """bool [N]: points that have a place."""
    import numpy as np

    from ..importers.cloud import AT_INFINITY

    found = np.zeros(len(cloud.data.vertices), bool)
    held = cloud.data.attributes.get(AT_INFINITY)
    if held is not None:
        held.data.foreach_get("value", found)
    return ~found


def named(text: str) -> list[int]:
    """Vertex numbers separated by spaces or commas. Raises `InvalidRequest`."""
    try:
        return [int(word) for word in text.replace(",", " ").split()]
    except ValueError as bad:
        raise InvalidRequest(
            f"{text!r} does not name points.", "Give vertex numbers of the cloud separated by spaces."
        ) from bad


def selected(cloud: bpy.types.Object) -> list[int]:
    """Vertices that are selected in Edit Mode: those that were clicked in the order of the clicks, then the rest."""
    if cloud.mode != "EDIT":
        return []
    import bmesh

    edited = bmesh.from_edit_mesh(cloud.data)
    clicked = [item.index for item in edited.select_history if isinstance(item, bmesh.types.BMVert)]
    return list(dict.fromkeys([*clicked, *(vertex.index for vertex in edited.verts if vertex.select)]))


def picks(cloud: bpy.types.Object, indices: list[int]) -> tuple[Pick, ...]:
    """The points as the backend takes them. Raises `InvalidRequest` for one that is not there or has no place."""
    from ..shared.world_messages import Pick

    xyz, good = places(cloud), pickable(cloud)
    for index in indices:
        if not 0 <= index < len(xyz):
            raise InvalidRequest(f"The cloud has no point {index}.", f"It has {len(xyz)}, counted from 0.")
        if not good[index]:
            raise InvalidRequest(f"Point {index} is infinitely far away.", "Pick a point that has a distance.")
    return tuple(Pick(xyz=tuple(map(float, xyz[index]))) for index in indices)
