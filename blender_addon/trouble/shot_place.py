"""Where a scene's shot folder and clip are, and where they may have gone. No bpy here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from ..shared.errors import BacklotError
from ..shared.shot import ShotFolder
from .kinds import Action, Trouble

_MOUNTS = ("/media", "/run/media", "/mnt", "/Volumes")
_LEVELS = 4
"""How far up from the Blender file a project may begin, and how deep in it a shot may lie."""
_NUMBERS = re.compile(r"#+|%0?\d*d")

FIND_FOLDER = Action("backlot.find_shot_folder", "Find Shot Folder...", "FILEBROWSER")
FIND_CLIP = Action("backlot.find_clip", "Find Clip...", "FILEBROWSER")
FORGET = Action("backlot.forget_shot", "Forget", "X")


@dataclass(frozen=True)
class Sought:
    """What a scene says of its shot. clip: None without one. shot: id of the shot that was seen there, "" before.
    beside: the Blender file's folder, None for a file that was never saved."""

    folder: Path
    clip: Path | None = None
    shot: str = ""
    beside: Path | None = None


def look(sought: Sought) -> Trouble | None:
    """What is wrong with the places; None when nothing is. Reads disks, which may take a while."""
    try:
        here = ShotFolder(sought.folder).find()
    except BacklotError:
        return None  # the Shot panel says it
    except OSError as error:
        return Trouble(f"{sought.folder} cannot be read: {error.strerror or error}.", "", (FIND_FOLDER, FORGET))
    if here is None:
        return _gone(sought) if sought.shot else _clip_gone(sought)
    if sought.shot and here.id != sought.shot and not _is_of(here.footage, sought.clip):
        return Trouble(f"Another shot lies in {sought.folder.name} now.", "", (FIND_FOLDER, FORGET))
    if not os.access(sought.folder, os.W_OK):
        return Trouble(
            f"The shot folder {sought.folder.name} may not be written to.",
            "What is there can be imported; to run something, free it or copy the folder and choose the copy.",
            (FIND_FOLDER,),
        )
    return _clip_gone(sought)


def clip_exists(clip: Path) -> bool:
    """Also of a pattern of numbered files, by its first one."""
    if not _NUMBERS.search(clip.name):
        return clip.exists()
    named = _NUMBERS.sub("*", clip.name.replace("[", "[[]"))
    return next(clip.parent.glob(named), None) is not None if clip.parent.is_dir() else False


def is_shot(folder: Path, shot: str) -> bool:
    """Whether that very shot lies in a folder."""
    try:
        found = ShotFolder(folder).find()
    except (BacklotError, OSError):
        return False
    return found is not None and found.id == shot


def _is_of(footage: str, clip: Path | None) -> bool:
    """Whether a shot is of a clip, wherever that lay: made anew, it has another id."""
    return clip is not None and path_parts(footage)[-1] == clip.name


def _gone(sought: Sought) -> Trouble:
    found = next((place for place in _other_places(sought) if is_shot(place, sought.shot)), None)
    if found is not None:
        use = Action("backlot.find_shot_folder", "Use That Folder", "CHECKMARK", {"filepath": str(found)})
        return Trouble(f"The shot folder {sought.folder.name} has moved to {found.parent}.", "", (use, FORGET))
    if sought.folder.is_dir():
        what = f"The shot folder {sought.folder.name} has no shot.json any more."
    elif sought.folder.parent.is_dir():
        what = f"The shot folder {sought.folder.name} was moved or deleted: it is not in {sought.folder.parent}."
    else:
        what = _away(sought.folder, "shot")
    return Trouble(what, "What is in the scene stays as it is.", (FIND_FOLDER, FORGET))


def _clip_gone(sought: Sought) -> Trouble | None:
    if sought.clip is None or clip_exists(sought.clip):
        return None
    has_plate = (sought.folder / "shot.json").is_file()
    todo = "All that was made from it stays usable." if has_plate else ""
    if not sought.clip.parent.is_dir():
        what = _away(sought.clip.parent, "clip")
    elif has_plate:
        what = f"The clip {sought.clip.name} was moved or deleted: it is not in {sought.clip.parent}."
    else:
        what = f"There is no clip {sought.clip.name} in {sought.clip.parent}."
    return Trouble(what, todo, (FIND_CLIP, FORGET))


def _away(folder: Path, what: str) -> str:
    """Why a folder is not there, by the first of its parents that is missing. what: was in it."""
    missing = folder
    while not missing.parent.exists() and missing.parent != missing:
        missing = missing.parent
    if missing.parent == missing:
        return f"The drive {missing} of the {what} is not connected."
    if any(str(missing.parent).startswith(mount) for mount in _MOUNTS):
        return f"The disk {missing.name} of the {what} is not connected."
    return f"The folder {missing} is gone, with the {what} in it."


def _other_places(sought: Sought) -> Iterator[Path]:
    """Where the folder may have gone: with its Blender file, or its clip, to elsewhere or to another computer."""
    parts = path_parts(str(sought.folder))
    if sought.clip is not None:
        yield sought.clip.parent / parts[-1]
    if sought.beside is None:
        return
    for above in (sought.beside, *list(sought.beside.parents)[:_LEVELS]):
        for depth in range(1, min(_LEVELS, len(parts)) + 1):
            yield above.joinpath(*parts[-depth:])


def path_parts(text: str) -> tuple[str, ...]:
    """The names in a path, also in one of another system: `/a/b`, `C:\\\\a\\\\b`, `\\\\\\\\server\\\\share\\\\a`."""
    pure = PureWindowsPath(text) if re.match(r"(/.*?)?[A-Za-z]:\\|(/.*?)?\\\\", text) else PurePosixPath(text)
    return tuple(part for part in pure.parts if part not in (pure.anchor, "/")) or (text,)
