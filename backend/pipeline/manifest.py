"""A stage's manifest: what it was run with and what it wrote. Its presence means the stage is complete."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.artifacts import Artifact, StageResult
from shared.camera_files import World
from shared.errors import ShotCorrupt
from shared.shot import ShotFolder, document_text, read_document

from .atomic import write_text

MANIFEST_VERSION = 1
IMPORTED = "imported:"
"""How keys begin of stages whose files came from another program: up to date whatever the parameters are."""


@dataclass(frozen=True)
class Manifest:
    """key: see `fingerprint.key_of`. params and inputs: what the key was made of, to say what changed.
    world_revision: of camera/world.json when its files were written or last moved with the world."""

    version: int
    key: str
    params: dict[str, Any]
    inputs: dict[str, str]
    result: StageResult
    world_revision: int = 0


def manifest_path(shot: ShotFolder, stage: str) -> Path:
    return shot.manifests_dir / f"{stage}.json"


def find(shot: ShotFolder, stage: str) -> Manifest | None:
    """The stage's manifest, or None when it never finished. One that cannot be read counts as none: the
    stage runs again and writes a new one."""
    path = manifest_path(shot, stage)
    if not path.is_file():
        return None
    try:
        return read_document(path, Manifest)
    except ShotCorrupt:
        return None


def write(shot: ShotFolder, stage: str, manifest: Manifest) -> None:
    write_text(manifest_path(shot, stage), document_text(manifest))


def remove(shot: ShotFolder, stage: str) -> None:
    """Before a stage's files change: from here on it counts as unfinished."""
    manifest_path(shot, stage).unlink(missing_ok=True)


def world_revision(shot: ShotFolder) -> int:
    """Of the shot's world as it is now; 0 before there is one that can be read."""
    try:
        return read_document(shot.world, World).revision if shot.world.is_file() else 0
    except ShotCorrupt:
        return 0


def is_complete(shot: ShotFolder, manifest: Manifest) -> bool:
    """Whether everything the manifest lists is still there, with the sizes it had."""
    return all(measure(shot, artifact.path).bytes == artifact.bytes for artifact in manifest.result.artifacts)


def measure(shot: ShotFolder, path: str, kind: str = "", frames: tuple[int, int] | None = None) -> Artifact:
    """An artifact with the size that its file, or its folder's files, have now (0 when missing)."""
    place = shot.root / path
    if place.is_dir():
        size = sum(item.stat().st_size for item in place.iterdir() if item.is_file())
    else:
        size = place.stat().st_size if place.is_file() else 0
    return Artifact(kind, path, frames, size)
