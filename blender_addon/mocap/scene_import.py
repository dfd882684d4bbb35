"""Brings the people of a shot into a scene, in short steps; what was imported before is updated in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..importers import ownership, world_record
from ..importers.camera import import_root
from ..importers.shot_import import shot_name
from ..shared.camera_files import World
from ..shared.errors import ShotCorrupt
from ..shared.shot import ShotFolder, read_document
from . import names
from .actions import import_action
from .armature import import_armature
from .body import import_body
from .cleaning import clean_again
from .contents import MocapContents, read_mocap
from .markers import place_markers


@dataclass(frozen=True)
class ImportedMocap:
    """What stands in the scene now, person by person. frames: plate numbers with a pose. unseen: ranges of frames that
    were bridged, or without the person."""

    armatures: dict[str, bpy.types.Object]
    bodies: dict[str, bpy.types.Object]
    frames: dict[str, int]
    unseen: int

    @property
    def summary(self) -> str:
        """One line for the status bar."""
        said = ", ".join(f"{label} on {count} frames" for label, count in self.frames.items())
        return said + (
            f"; {self.unseen} {'place' if self.unseen == 1 else 'places'} to look at (markers)" if self.unseen else ""
        )


def import_mocap(scene: bpy.types.Scene, root: Path, labels: tuple[str, ...] = ()) -> ImportedMocap:
    """Reads and imports at once, all people unless some are named. Raises `ArtifactMissing`, `ShotCorrupt`."""
    result = None
    for step in import_steps(scene, read_mocap(root, labels)):
        result = step
    assert result is not None
    return result


def import_steps(scene: bpy.types.Scene, contents: MocapContents) -> Iterator[ImportedMocap | None]:
    """Imports in steps; the last one yields the result. Raises `ShotCorrupt` when the scene shows the shot in another
    world than its files are in."""
    name = shot_name(contents.root)
    collection = ownership.ensure_collection(scene, contents.shot.id, name)
    collection[ownership.SHOT_FOLDER] = str(contents.root)
    _require_same_world(collection, contents)
    import_root(scene, collection, name)
    armatures, bodies, unseen = {}, {}, 0
    for person in contents.people:
        title = f"{name} {person.label}"
        armature, made = import_armature(scene, collection, person.label, person.plan, title)
        if made:  # until it moves: nobody stands there in a T-pose
            armature.hide_viewport, armature[names.UNFINISHED] = True, True
        yield None
        for _ in import_action(collection, armature, person, title):
            yield None
        clean_again(collection, armature, person.label)
        yield None
        unseen += place_markers(scene, armature, person)
        if names.UNFINISHED in armature:  # also of an import that was broken off
            armature.hide_viewport = False
            del armature[names.UNFINISHED]
        body = import_body(scene, collection, armature, person, f"{title} Body")
        armatures[person.label] = armature
        if body is not None:
            bodies[person.label] = body
        yield None
    frames = {person.label: len(person.keys.frames) for person in contents.people}
    yield ImportedMocap(armatures, bodies, frames, unseen)


def is_behind(scene: bpy.types.Scene, root: Path) -> bool:
    """Whether the scene shows a shot in another world than its files are in, as when its people have given it a scale:
    the shot is to be imported before its people. Raises `ArtifactMissing`, `ShotCorrupt`."""
    collection = next(
        (c for c in ownership.collections_of(str(root)) if c in scene.collection.children_recursive), None
    )
    shown = world_record.read(collection) if collection is not None else None
    return shown is not None and shown.revision != read_document(ShotFolder(root).world, World).revision


def _require_same_world(collection: bpy.types.Collection, contents: MocapContents) -> None:
    shown = world_record.read(collection)
    if shown is not None and shown.revision != contents.revision:
        raise ShotCorrupt(
            f"The scene shows {collection.name} in world revision {shown.revision}, its motions are of "
            f"{contents.revision}.",
            "Press Import or Update Scene first.",
        )
