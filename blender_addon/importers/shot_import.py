"""Brings a shot into a scene: one collection, found again and updated in place by the next import."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..depth.scene_import import ImportedDepth, import_depth
from ..shared.errors import BacklotError
from . import ownership, world_record
from .camera import import_camera, import_root
from .cloud import build_mesh, place_cloud
from .contents import ShotContents, read_shot
from .options import ImportOptions
from .plate import import_plate, measure_lens
from .quality_curves import import_quality
from .scene_settings import apply_scene_settings
from .tracks import import_tracks
from .world_move import move_followers


@dataclass(frozen=True)
class ImportedShot:
    """What stands in the scene now. kept: scene settings the artist had changed, left alone. depth: None when it was
    not asked for, or could not be updated: depth_error."""

    collection: bpy.types.Collection
    root: bpy.types.Object
    camera: bpy.types.Object
    cloud: bpy.types.Object | None
    plate: bpy.types.MovieClip | None
    frames_solved: int
    frames_missing: tuple[int, ...]
    kept: tuple[str, ...]
    depth: ImportedDepth | None = None
    depth_error: BacklotError | None = None

    @property
    def summary(self) -> str:
        """One line for the status bar."""
        points = f", {len(self.cloud.data.vertices)} points" if self.cloud is not None else ""
        gaps = f", {len(self.frames_missing)} frames without a camera" if self.frames_missing else ""
        depth = f", {self.depth.summary}" if self.depth is not None else ""
        return f"{self.collection.name}: camera on {self.frames_solved} frames{points}{gaps}{depth}"


def import_shot(scene: bpy.types.Scene, root: Path, options: ImportOptions | None = None) -> ImportedShot:
    """Reads and imports a shot at once. Raises `ArtifactMissing`, `ShotCorrupt`."""
    result = None
    options = options or ImportOptions()
    for step in import_steps(scene, read_shot(root, options.track_limit, options.depth), options):
        result = step
    assert result is not None
    return result


def import_steps(
    scene: bpy.types.Scene, contents: ShotContents, options: ImportOptions
) -> Iterator[ImportedShot | None]:
    """Imports in short steps for the pump; the last one yields the result.

    At first only a mesh grows that nothing uses; what the artist sees changes in the steps after that.
    """
    found = ownership.find_collection(scene, contents.shot.id)
    if found is not None:
        ownership.require_editable(found)
    mesh = None
    if options.cloud and contents.cloud is not None:
        for mesh in build_mesh(contents.cloud, shot_name(contents.root)):  # noqa: B007  (the last one is finished)
            yield None
    yield from _place(scene, contents, options, mesh)


def shot_name(root: Path) -> str:
    """How a shot is called in the scene: its folder without the ending that Backlot gives it."""
    return root.name.removesuffix("_backlot") or root.name


def _place(
    scene: bpy.types.Scene, contents: ShotContents, options: ImportOptions, mesh: bpy.types.Mesh | None
) -> Iterator[ImportedShot | None]:
    name = shot_name(contents.root)
    is_new = ownership.find_collection(scene, contents.shot.id) is None
    collection = ownership.ensure_collection(scene, contents.shot.id, name)
    collection[ownership.SHOT_FOLDER] = str(contents.root)
    lost_root = not is_new and ownership.recall(collection, ownership.ROOT) is None
    root = import_root(scene, collection, name)
    for camera in import_camera(scene, collection, root, contents, name):  # noqa: B007  (the last one has all its keys)
        yield None
    for _ in import_quality(scene, collection, camera, contents.quality):
        yield None
    plate = import_plate(collection, camera, contents, name) if options.plate else None
    yield None
    if plate is not None:
        yield from measure_lens(plate, contents.camera.intrinsics)
    cloud = place_cloud(scene, collection, root, contents, mesh, name) if mesh is not None else None
    if lost_root:
        _hang_up(root, camera, cloud)
    _follow_the_world(collection, contents)
    kept = apply_scene_settings(scene, collection, contents) if options.set_scene else []
    if options.set_scene and (is_new or scene.camera is None):
        scene.camera = camera
        scene.frame_current = int(contents.path.frames[0])
    yield None  # the artist sees the camera; what takes longer follows
    if plate is not None:
        yield from import_tracks(plate, contents)
    depth = None
    if contents.depth_maps is not None:
        for depth in import_depth(scene, collection, contents, contents.depth_maps, name):  # noqa: B007
            yield None
    yield ImportedShot(
        collection=collection,
        root=root,
        camera=camera,
        cloud=cloud,
        plate=plate,
        frames_solved=len(contents.path.frames),
        frames_missing=contents.path.missing,
        kept=tuple(kept),
        depth=depth,
        depth_error=contents.depth_error,
    )


def _hang_up(root: bpy.types.Object, *things: bpy.types.Object | None) -> None:
    """A Root that was deleted left its children without a parent; those whom the artist has given another keep it."""
    for thing in things:
        if thing is not None and thing.parent is None:
            thing.parent = root


def _follow_the_world(collection: bpy.types.Collection, contents: ShotContents) -> None:
    """Takes along what stands in the shot when the world was changed since the import before."""
    before, now = world_record.read(collection), world_record.of_contents(contents)
    by = world_record.between(before, now) if before is not None else None
    if by is not None:
        move_followers(collection, by)
    world_record.write(collection, now)
