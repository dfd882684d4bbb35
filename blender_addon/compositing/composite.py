"""The composite: the render, through the view and the lens, over the untouched plate.

Everything is inside one node group that the artist's own nodes feed; setting up again rebuilds the inside
of the group and touches nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from ..importers import lens, ownership
from ..importers.camera import widen
from ..importers.contents import ShotContents, read_shot
from ..shared.errors import ArtifactMissing
from . import stmap, view
from .lens_maps import REDISTORT, UNDISTORT, overscan_of
from .trees import Builder, feeding, group_node, new_group, output_socket, scene_tree, set_menu

GROUP = "composite"
_GROUP_NAME = "Backlot Composite"
_CG, _IMAGE, _UNDISTORTED = "Render", "Image", "Undistorted Plate"


@dataclass(frozen=True)
class CompositeSetUp:
    """group: the node group. notes: sentences for the artist."""

    group: bpy.types.NodeTree
    notes: tuple[str, ...]


def set_up_composite(
    scene: bpy.types.Scene, collection: bpy.types.Collection, contents: ShotContents, overscan: bool = True
) -> CompositeSetUp:
    """Puts the render over the plate. overscan: let the camera see more than the plate, as much as the lens asks for.
    Raises `ArtifactMissing` when the shot has no plate."""
    clip = ownership.recall(collection, ownership.PLATE)
    if clip is None:
        raise ArtifactMissing(f"{collection.name} has no plate in this scene.", "Import the shot with its plate.")
    shown = view.take_over(scene)
    bent = lens.is_distorted(contents.camera.intrinsics)
    factor = overscan_of(contents.camera.intrinsics) if overscan and bent else 1.0
    widen(collection, contents, factor)
    group = ownership.recall(collection, GROUP)
    if group is None:
        group = new_group(_GROUP_NAME, (_CG,), (_IMAGE, _UNDISTORTED))
        ownership.remember(collection, GROUP, group)
    notes = _fill(group, clip, collection, contents, shown)
    if factor > 1.0:
        notes.append(f"The camera sees {factor - 1.0:.1%} more than the plate: room that the lens needs in the corners")
    _insert(scene, group)
    scene.render.film_transparent = True
    scene.render.use_compositing = True
    if not shown.is_plain:
        notes.append(f"The render goes through {shown.transform} in the compositor; the scene's view is Standard now")
    return CompositeSetUp(group, tuple(note for note in notes if note))


def contents_of(collection: bpy.types.Collection) -> ShotContents:
    """The shot folder's contents behind an imported shot."""
    from pathlib import Path

    return read_shot(Path(collection[ownership.SHOT_FOLDER]))


def _fill(
    group: bpy.types.NodeTree,
    clip: bpy.types.MovieClip,
    collection: bpy.types.Collection,
    contents: ShotContents,
    shown: view.RenderView,
) -> list[str]:
    group.nodes.clear()
    build = Builder(group)
    given = build.node("NodeGroupInput")
    render, lost = view.apply(build, given.outputs[_CG], shown)
    movie = build.node("CompositorNodeMovieClip")
    movie.clip = clip
    plate: Any = build.node("CompositorNodeScale", movie)
    set_menu(plate, "Type", "space", "Render Size")
    undistorted = plate
    notes = [lost]
    if lens.is_distorted(contents.camera.intrinsics):
        render, undistorted = _bend(build, collection, contents, render, plate)
        notes.append(_zoom_note(contents))
    result = build.node("NodeGroupOutput")
    build.feed(result.inputs[_IMAGE], build.over(plate, render))
    build.feed(result.inputs[_UNDISTORTED], undistorted)
    return notes


def _bend(
    build: Builder, collection: bpy.types.Collection, contents: ShotContents, render: Any, plate: Any
) -> tuple[Any, Any]:
    """The render with the lens's distortion, and the plate without it."""
    optics = contents.camera.intrinsics
    size = (optics.width, optics.height)
    bent = []
    for picture, kind in ((render, REDISTORT), (plate, UNDISTORT)):
        known, factor = ownership.recall(collection, kind), ownership.overscan(collection)
        image = stmap.load_map(contents.root, optics, kind, factor, known)
        ownership.remember(collection, kind, image)
        bent.append(stmap.sample(build, picture, image, size))
    return bent[0], bent[1]


def _zoom_note(contents: ShotContents) -> str:
    focal = [frame.fx for frame in contents.camera.intrinsics.frames]
    if max(focal) - min(focal) < 1e-3 * max(focal):
        return ""
    return "The lens zooms, but the distortion set-up uses its median focal length"


def is_set_up(scene: bpy.types.Scene, collection: bpy.types.Collection) -> bool:
    """Whether the shot's plate is under the scene's render already."""
    group = ownership.recall(collection, GROUP)
    return group is not None and group_node(scene_tree(scene), group) is not None


def _insert(scene: bpy.types.Scene, group: bpy.types.NodeTree) -> None:
    """Puts the group before the scene's output, behind whatever the artist has built."""
    tree = scene_tree(scene)
    output = output_socket(tree)
    if group_node(tree, group) is not None:
        return
    source = feeding(tree, output)
    node = tree.nodes.new("CompositorNodeGroup")
    node.node_tree = group
    node.name = node.label = _GROUP_NAME
    node.location = (output.node.location.x - 200, output.node.location.y)
    output.node.location.x += 60
    source.node.location.x = min(source.node.location.x, node.location.x - 320)
    tree.links.new(source, node.inputs[_CG])
    tree.links.new(node.outputs[_IMAGE], output)
