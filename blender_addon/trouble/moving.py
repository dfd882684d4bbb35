"""A scene's shot that lies in another folder now: everything that was imported from the old one follows it."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

from ..importers import ownership
from ..properties import ShotSettings, folder_path
from .shot_place import Sought, path_parts

_FILES = ("movieclips", "images", "cache_files", "volumes", "sounds")
"""Kinds of datablocks that have a file."""


def sought_of(scene: bpy.types.Scene) -> Sought | None:
    """Where a scene's shot should be; None without one."""
    settings = scene.backlot
    folder = folder_path(settings)
    if folder is None:
        return None
    clip = Path(bpy.path.abspath(settings.clip)).absolute() if settings.clip else None
    beside = Path(bpy.data.filepath).parent if bpy.data.filepath else None
    return Sought(folder, clip, known_shot(scene), beside)


def known_shot(scene: bpy.types.Scene) -> str:
    """Id of the shot that was seen at the place the scene names, or that was imported from there; "" before."""
    settings = scene.backlot
    if settings.known_shot and settings.known_place == named_place(settings):
        return str(settings.known_shot)
    imported = ownership.collections_of(str(folder_path(settings)))
    return str(imported[0][ownership.SHOT_ID]) if imported else ""


def note_shot(scene: bpy.types.Scene, shot: str) -> None:
    """Remembers which shot lies at the place that the scene names."""
    settings, place = scene.backlot, named_place(scene.backlot)
    if (settings.known_shot, settings.known_place) != (shot, place):
        settings.known_shot, settings.known_place = shot, place


def named_place(settings: ShotSettings) -> str:
    """What the scene says, as it says it: a file that moved with its shot still says the same."""
    return f"{settings.folder}|{settings.clip}"


def move_to(scene: bpy.types.Scene, folder: Path) -> int:
    """Makes `folder` the scene's shot folder; how many imported files follow it there from the old one."""
    settings = scene.backlot
    old, shot = folder_path(settings), known_shot(scene)
    settings.folder = str(folder)
    if settings.clip and old is not None:
        _move_clip(settings, old, folder)
    note_shot(scene, shot)
    if old is None or old == folder:
        return 0
    for collection in bpy.data.collections:
        if collection.library is None and collection.get(ownership.SHOT_ID) == shot and shot:
            old = Path(collection[ownership.SHOT_FOLDER])
            collection[ownership.SHOT_FOLDER] = str(folder)
    return sum(_follow(datablock, old, folder) for kind in _FILES for datablock in getattr(bpy.data, kind))


def _move_clip(settings: ShotSettings, old: Path, new: Path) -> None:
    """The clip beside a shot folder often goes with it."""
    clip = Path(bpy.path.abspath(settings.clip))
    beside = new.parent / path_parts(str(clip))[-1]
    if path_parts(str(clip))[:-1] == path_parts(str(old))[:-1] and not clip.exists() and beside.exists():
        settings.clip = str(beside)


def _follow(datablock: bpy.types.ID, old: Path, new: Path) -> int:
    if datablock.library is not None or not datablock.filepath:
        return 0
    within = _within(bpy.path.abspath(datablock.filepath), old)
    if within is None or not os.path.lexists(new.joinpath(*within)):
        return 0
    datablock.filepath = str(new.joinpath(*within))
    return 1


def _within(path: str, folder: Path) -> tuple[str, ...] | None:
    """The names from a folder to a path below it, also of paths that another system wrote."""
    parts, above = path_parts(path), path_parts(str(folder))
    return parts[len(above) :] if parts[: len(above)] == above and len(parts) > len(above) else None
