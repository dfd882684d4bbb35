"""Which file of a rendered sequence is a frame's. No bpy here."""

from __future__ import annotations

import re
from pathlib import Path

FLOAT_SUFFIXES = {".exr", ".hdr"}
"""Files of light, not of finished colours: they are shown through the scene's view transform."""
_HASHES = re.compile(r"#+")
_DIGITS = re.compile(r"\d+(?=\D*$)")


def frame_file(path: str, frame: int) -> Path | None:
    """The file of a frame beside any other frame's file, or by a pattern with #; None for a path without either."""
    given = Path(path)
    name = given.name
    found = _HASHES.search(name) or _DIGITS.search(given.stem)
    if found is None:
        return None
    number = str(frame).zfill(len(found.group()))
    return given.with_name(name[: found.start()] + number + name[found.end() :])
