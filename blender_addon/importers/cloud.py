"""The solved points as a mesh of bare vertices with attributes.

`Color` (float colour, linear), `error` (px), `track_length` (frames) and, where the camera only turned, `at_infinity`
are point attributes that Geometry Nodes and shaders can read. Blender's own PointCloud cannot be resized from Python
before 5.2.
"""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import numpy as np

from ..overriding import overridden
from . import cloud_display, ownership
from .contents import Cloud, ShotContents

AT_INFINITY = "at_infinity"
"""Point attribute: the point has a direction, but its distance is made up."""


def build_mesh(cloud: Cloud, name: str) -> Iterator[bpy.types.Mesh]:
    """Makes the mesh, yielding it after each part, so that no step takes long. The mesh is in no scene
    until `place_cloud`."""
    count = len(cloud.xyz)
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(count)
    yield mesh
    if count:  # a mesh without vertices has no positions: cameras of other programs may come without points
        mesh.attributes["position"].data.foreach_set("vector", cloud.xyz.ravel())
    yield mesh
    mesh.attributes.new("Color", "FLOAT_COLOR", "POINT").data.foreach_set("color", cloud.colour.ravel())
    yield mesh
    mesh.attributes.new("error", "FLOAT", "POINT").data.foreach_set("value", cloud.error)
    mesh.attributes.new("track_length", "INT", "POINT").data.foreach_set("value", cloud.track_length)
    if cloud.at_infinity is not None:
        mesh.attributes.new(AT_INFINITY, "BOOLEAN", "POINT").data.foreach_set("value", cloud.at_infinity)
    mesh.color_attributes.active_color = mesh.color_attributes["Color"]
    yield mesh


def place_cloud(
    scene: bpy.types.Scene,
    collection: bpy.types.Collection,
    root: bpy.types.Object,
    contents: ShotContents,
    mesh: bpy.types.Mesh,
    name: str,
) -> bpy.types.Object:
    """Puts a finished mesh into the scene: as a new object, or in place of the old mesh of the shot's
    cloud, whose materials, modifiers, parents and names stay."""
    known = ownership.recall(collection, ownership.CLOUD)
    if known is not None:
        leave_tools(known)
        groups = [group.name for group in known.vertex_groups]
        replace_mesh(known.data, mesh)
        for name in groups[len(known.vertex_groups) :]:  # modifiers name them, so they stay; points have new numbers
            known.vertex_groups.new(name=name)
        ownership.place(scene, collection, known)
        return known
    mesh.name = f"{name} Points"
    mesh.materials.append(cloud_display.point_material())
    cloud, _ = ownership.ensure_object(scene, collection, ownership.CLOUD, mesh.name, mesh)
    cloud.parent = root
    # Reference for the artist: seen in every viewport mode, absent from the final render.
    cloud.hide_render = True
    cloud_display.add_display(cloud, point_radius(contents))
    return cloud


def leave_tools(known: bpy.types.Object) -> None:
    """Ends edit mode and painting: they have Blender's copy of the vertices; replaced under it, the object is lost."""
    if known.mode != "OBJECT":
        with overridden(active_object=known, object=known, edit_object=known if known.mode == "EDIT" else None):
            bpy.ops.object.mode_set(mode="OBJECT")


def replace_mesh(old: bpy.types.Mesh, new: bpy.types.Mesh) -> None:
    """Puts `new` wherever `old` is used, with its name, materials and properties."""
    for material in old.materials:
        new.materials.append(material)
    for key, value in old.items():
        new[key] = value
    name = old.name
    old.user_remap(new)
    bpy.data.meshes.remove(old)
    new.name = name


def point_radius(contents: ShotContents) -> float:
    """World radius that is about one pixel of a 960 px wide picture at the middle of the set."""
    focal = float(np.median([f.fx for f in contents.camera.intrinsics.frames]))
    return contents.depth.middle / focal * contents.camera.intrinsics.width / 960.0
