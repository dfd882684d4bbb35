"""Importing a camera file into a shot: which reader takes it, and what must be true before."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from backend.pipeline.shot_lock import shot_lock
from shared.artifacts import StageResult
from shared.errors import FootageNotFound, InvalidRequest
from shared.shot import ShotFolder, SourceFacts

from .after_effects_script import read_after_effects
from .chan_file import read_chan
from .colmap_model import read_colmap
from .imported_camera import ImportedCamera, ImportOptions, write_into_shot
from .scene_file import read_scene_file

Reader = Callable[[Path, SourceFacts, ImportOptions], ImportedCamera]
_READERS: dict[str, Reader] = {
    ".chan": read_chan,
    ".jsx": read_after_effects,
    **dict.fromkeys((".abc", ".fbx", ".usd", ".usda", ".usdc"), read_scene_file),
}


def import_into_shot(file: Path, root: Path, options: ImportOptions, *, replace: bool = False) -> StageResult:
    """Reads `file` and makes its camera the shot's. Raises `InvalidRequest`, `FootageNotFound`,
    `FootageUnreadable`, `EngineUnavailable`; the shot is untouched then."""
    shot = ShotFolder(root)
    facts = shot.read().facts
    if not file.exists():
        raise FootageNotFound(f"{file} does not exist.")
    if not (math.isfinite(options.scale) and options.scale > 0.0):
        raise InvalidRequest(f"{options.scale} is not a scale.", "Give a number above 0.")
    if shot.extrinsics.is_file() and not replace:
        raise InvalidRequest(
            f"{root} has a camera already.", "Say that it may be replaced: --replace, or Replace Camera in Blender."
        )
    camera = _reader(file)(file, facts, options)
    with shot_lock(shot):
        return write_into_shot(camera, shot, options)


def _reader(file: Path) -> Reader:
    if file.is_dir():
        return read_colmap
    if file.name in ("cameras.bin", "cameras.txt", "images.bin", "images.txt"):
        return lambda path, facts, options: read_colmap(path.parent, facts, options)
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise InvalidRequest(
            f"{file.name} is not a camera file that Backlot reads.",
            f"It reads COLMAP model folders and {', '.join(sorted(_READERS))} files.",
        )
    return reader
