"""Brings a shot's depth into the scene, in short steps; what was imported before is updated in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import bpy

from ..importers import cloud_display, ownership
from ..importers.cloud import leave_tools, point_radius, replace_mesh
from ..importers.contents import ShotContents
from . import grid, grid_nodes, roles
from .contents import DepthContents
from .following import reset_scale
from .materials import fused_material
from .names import CLOUD, MESH
from .surfaces import build_cloud, build_mesh


@dataclass(frozen=True)
class ImportedDepth:
    """What stands in the scene now. absent: parts that were asked for, and that the shot has not. is_old: it was made
    for an earlier solve of the camera."""

    mesh: bpy.types.Object | None
    cloud: bpy.types.Object | None
    grid: bpy.types.Object | None
    frames: tuple[int, ...]
    absent: tuple[str, ...]
    is_old: bool = False

    @property
    def summary(self) -> str:
        """For the status bar, after what the camera says."""
        parts = [f"depth on {len(self.frames)} frames"]
        if self.mesh is not None:
            parts.append(f"a mesh of {len(self.mesh.data.polygons)} faces")
        if self.cloud is not None:
            parts.append(f"{len(self.cloud.data.vertices)} dense points")
        parts += [f"no {name} in the shot" for name in self.absent]
        if self.is_old:
            parts.append("made before the camera was solved again: run Estimate Depth")
        return ", ".join(parts)


def import_depth(
    scene: bpy.types.Scene,
    collection: bpy.types.Collection,
    shot: ShotContents,
    depth: DepthContents,
    name: str,
) -> Iterator[ImportedDepth | None]:
    """Imports in steps; the last one yields the result. The shot's root and camera are there.

    First grows what nothing uses yet; what the artist sees changes in the last steps."""
    if depth.grid:
        yield from grid_nodes.make_depth_nodes()
    built: dict[str, bpy.types.Mesh] = {}
    for role, fused, build, title in (
        (MESH, depth.mesh, build_mesh, f"{name} Mesh"),
        (CLOUD, depth.cloud, build_cloud, f"{name} Dense Points"),
    ):
        if fused is not None:
            for data in build(fused, title):
                built[role] = data
                yield None
    mesh, cloud = (_place(scene, collection, role, built.get(role)) for role in (MESH, CLOUD))
    if cloud is not None and not any(cloud_display.is_display(modifier) for modifier in cloud.modifiers):
        cloud_display.add_display(cloud, point_radius(shot))
    yield None
    surface = None
    if depth.frames.frames:
        grid.import_sequences(collection, shot, depth, name)
        reset_scale(collection)
        yield None
        if depth.grid:
            camera = ownership.recall(collection, ownership.CAMERA)
            surface = grid.import_grid(scene, collection, camera, shot, name)
    yield ImportedDepth(mesh, cloud, surface, depth.frames.frames, depth.absent, depth.is_old)


def _place(
    scene: bpy.types.Scene, collection: bpy.types.Collection, role: str, data: bpy.types.Mesh | None
) -> bpy.types.Object | None:
    """The finished mesh in the object of its role, whose materials, modifiers, parents and render settings stay. None
    without one."""
    if data is None:
        return None
    known = ownership.recall(collection, role)
    if known is not None:
        leave_tools(known)
        replace_mesh(known.data, data)
        ownership.place(scene, collection, known)
        return known
    data.materials.append(fused_material() if role == MESH else cloud_display.point_material())
    made, _ = ownership.ensure_object(scene, collection, role, data.name, data)
    made.parent = ownership.recall(collection, ownership.ROOT)
    roles.set_role(made, roles.HOLDOUT if role == MESH else roles.REFERENCE)
    return made
