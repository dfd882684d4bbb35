"""Keeps `roto/prompts.json` and the objects of a scene the same.

The scene is what the artist edits and undoes; the file is what the backend and other clients see. Whoever changed last
is followed: a scene that differs from what was last seen of it is written; a file that differs is taken into the
scene. When both did, the file wins, because somebody else's work cannot be taken back here by Ctrl-Z. What the
file was when it was last seen is kept outside of the scene, since undo would take that back too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy

from ..properties import folder_path
from ..shared.errors import BacklotError, InvalidRequest, ShotReadOnly
from ..shared.roto_prompts import read_prompts, require_label, write_prompts
from ..shared.shot import ShotFolder
from . import objects

_Stamp = tuple[int, int] | None


@dataclass(frozen=True)
class _Seen:
    """stamp: size and time of the file. revision: in it. said: the objects that it was equal to."""

    stamp: _Stamp
    revision: int
    said: objects.Fingerprint


class PromptsSync:
    def __init__(self) -> None:
        self._seen: dict[tuple[str, Path], _Seen] = {}

    def forget(self) -> None:
        """After another file was opened: the scenes are others, by the same names."""
        self._seen.clear()

    def bring_together(self, scene: bpy.types.Scene) -> bool:
        """Returns whether the scene took over what somebody else had changed. Raises `ShotCorrupt`,
        `ShotReadOnly`, `InvalidRequest` (for a name that cannot be a label, which is put back)."""
        folder = folder_path(scene.backlot)
        if folder is None or not (folder / "shot.json").is_file():
            return False
        shot, key = ShotFolder(folder), (scene.name, folder)
        refused = _settle_names(scene)
        stamp, said, seen = _stamp(shot), objects.fingerprint(scene), self._seen.get(key)
        if objects.of_scene(scene).folder not in ("", str(folder)):
            seen = None  # the scene has another shot now; "" is a scene before its first object, maybe by undo
        if seen is not None and seen.stamp == stamp:
            if said != seen.said:
                self._write(key, scene, shot, seen.revision)
            took = False
        else:
            took = self._meet(key, scene, shot, seen)
        if refused is not None:
            raise refused
        return took

    def _meet(self, key: tuple[str, Path], scene: bpy.types.Scene, shot: ShotFolder, seen: _Seen | None) -> bool:
        """The file is new to this session, or somebody else has changed it."""
        state, there = objects.of_scene(scene), read_prompts(shot)
        own = state.folder == str(shot.root)
        mine = objects.document(scene, there.revision)
        is_same = own and mine == there and list(mine.labels) == list(there.labels)
        is_ours = own and seen is None and state.revision >= there.revision and len(state.objects) > 0
        lost = own and len(state.objects) > 0 and not shot.prompts.is_file()
        if (is_ours or lost) and not is_same:
            self._write(key, scene, shot, max(there.revision, state.revision))
            return False
        if not is_same:
            objects.adopt(scene, there)
        state.folder, state.revision = str(shot.root), there.revision
        self._seen[key] = _Seen(_stamp(shot), there.revision, objects.fingerprint(scene))
        return not is_same and bool(there.labels)

    def _write(self, key: tuple[str, Path], scene: bpy.types.Scene, shot: ShotFolder, revision: int) -> None:
        state = objects.of_scene(scene)
        try:
            written = write_prompts(shot, objects.document(scene, revision))
        except OSError as refused:
            raise ShotReadOnly(f"{shot.prompts} cannot be written: {refused}") from refused
        state.folder, state.revision = str(shot.root), written.revision
        self._seen[key] = _Seen(_stamp(shot), written.revision, objects.fingerprint(scene))


def _settle_names(scene: bpy.types.Scene) -> BacklotError | None:
    """Makes the names that the artist typed labels, or puts the old ones back. Returns why one was refused."""
    refused: BacklotError | None = None
    things = objects.of_scene(scene).objects
    for thing in things:
        if thing.name == thing.label:
            continue
        try:
            require_label(thing.name)
            if any(other.label.casefold() == thing.name.casefold() for other in things if other != thing):
                raise InvalidRequest(f"There is an object {thing.name} already.", "Take another name.")
            thing.label = thing.name
        except InvalidRequest as error:
            refused, thing.name = error, thing.label
    return refused


def _stamp(shot: ShotFolder) -> _Stamp:
    try:
        state = shot.prompts.stat()
    except FileNotFoundError:
        return None
    return state.st_size, state.st_mtime_ns
