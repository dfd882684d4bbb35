"""What stages write and report: artifacts and stage results, and the names under which they lie.

The folder names are a contract (docs/formats.md): other programs read them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

FRAMES = "source/frames"
MOTION = "motion"
ROTO = "roto"
PROMPTS = "roto/prompts.json"
MATTE = "matte"
SPARSE_MODEL = "colmap/sparse/0"
INTRINSICS = "camera/intrinsics.json"
EXTRINSICS = "camera/extrinsics.json"
WORLD = "camera/world.json"
CLOUD = "camera/points.npz"
TRACKS = "camera/tracks.npz"
REPORT = "camera/report.json"
HINTS = "camera/hints.json"
PRIVATE = ".backlot"

RESERVED_LABELS = ("mask", "combined", "exports")
"""Folder names under roto/ and matte/ that are unions, or files for other programs, never objects."""


def frame_name(number: int, extension: str = "png") -> str:
    """`frame_0001.png`; wider than four digits when the number needs it."""
    return f"frame_{number:04d}.{extension}"


@dataclass(frozen=True)
class Artifact:
    """A file or a frame sequence of a shot. `path` is relative to the shot's root with forward slashes;
    for a sequence it is its folder, and `frames` are its first and last plate numbers (inclusive).
    `bytes` is the size of all its files."""

    kind: str
    path: str
    frames: tuple[int, int] | None = None
    bytes: int = 0


@dataclass(frozen=True)
class StageResult:
    """What a stage did. `facts` are plain values that a person or a panel reads (solved frames, error in
    px, ...); `notices` are sentences; `skipped` means that the files were already up to date."""

    stage: str
    engine: str
    engine_version: int
    facts: dict[str, Any] = field(default_factory=dict)
    artifacts: tuple[Artifact, ...] = ()
    notices: tuple[str, ...] = ()
    seconds: float = 0.0
    skipped: bool = False
