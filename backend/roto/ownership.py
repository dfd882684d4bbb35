"""Which files under roto/ this stage made: hand-made masks are never deleted nor overwritten.

`.backlot/roto/made.json` lists the files with their sizes. It changes together with them, in one journalled change, so
that it holds after a crash too. A file that is there and is not listed, or has another size, was made by somebody else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from shared.artifacts import RESERVED_LABELS
from shared.errors import InvalidRequest, ShotCorrupt
from shared.shot import ShotFolder

PRIVATE = "roto"
"""Folder of the shot's private one that holds this stage's store and list."""

Made = dict[str, dict[str, int]]
"""Folder under roto/, with forward slashes -> file name -> bytes."""


def made_file(shot: ShotFolder) -> Path:
    return shot.private_dir / PRIVATE / "made.json"


def read_made(shot: ShotFolder) -> Made:
    """Raises `ShotCorrupt`."""
    path = made_file(shot)
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return {str(folder): {str(name): int(size) for name, size in files.items()} for folder, files in said.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as bad:
        raise ShotCorrupt(
            f"{path} cannot be read: {bad}.", "Delete it, and move the folders under roto/ that you do not need."
        ) from bad


def foreign_file(shot: ShotFolder, folder: str, made: Mapping[str, Mapping[str, int]]) -> Path | None:
    """A file in that folder under roto/ that this stage did not make, None when there is none."""
    place = shot.roto_dir / folder
    known = made.get(folder, {})
    if not place.is_dir():
        return place if place.exists() else None
    for item in sorted(place.iterdir()):
        if not item.is_file() or known.get(item.name) != item.stat().st_size:
            return item
    return None


def require_own(shot: ShotFolder, labels: Iterable[str], made: Mapping[str, Mapping[str, int]]) -> None:
    """Raises `InvalidRequest` when the folder of a label holds hand-made masks."""
    for label in labels:
        foreign = foreign_file(shot, label, made)
        if foreign is not None:
            raise InvalidRequest(
                f"roto/{label} holds masks that this stage did not make ({foreign.name}): they stay as they are.",
                "Give the prompted object another name, or move that folder away.",
            )


def hand_made_labels(shot: ShotFolder) -> tuple[str, ...]:
    """Labels whose folders hold masks that this stage did not make."""
    folders = sorted(path for path in shot.roto_dir.iterdir() if path.is_dir()) if shot.roto_dir.is_dir() else []
    labels = [path.name for path in folders if path.name not in RESERVED_LABELS and not path.name.startswith(".")]
    made = read_made(shot)
    return tuple(name for name in labels if foreign_file(shot, name, made) is not None)
