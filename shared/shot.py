"""The shot folder: where things lie, and `shot.json`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from . import artifacts
from .errors import ArtifactMissing, MalformedMessage, ShotCorrupt
from .wire import pack, unpack

T = TypeVar("T")
SHOT_VERSION = 1
_FRAME_FILE = re.compile(r"frame_(\d{4,})\.(png|exr)$")


@dataclass(frozen=True)
class SourceFacts:
    """What is known of the footage and of the plate made from it.

    width, height: of the upright, not desqueezed plate, px. fps: exact fraction "24000/1001" of the
    plate. frame_start, frame_end: plate numbers, inclusive. pixel_aspect: width of a pixel over its
    height. rotation: degrees clockwise that were applied. bit_depth: of the source's channels (8, 10,
    12, 16; 32 for float). transfer, primaries, matrix, range: as the file declares them, "" when it does
    not. hdr: "", "pq", "hlg". encoding: "video", "scene-linear" or "log". proxy: how the 8-bit plate was
    made from float or log originals, "" when the plate is the source. focal_px: from the file's lens
    metadata, in px of the plate's width, None without it.
    """

    kind: str
    width: int
    height: int
    fps: str
    frame_start: int
    frame_end: int
    frame_count: int
    pixel_aspect: float = 1.0
    rotation: int = 0
    bit_depth: int = 8
    codec: str = ""
    pixel_format: str = ""
    transfer: str = ""
    primaries: str = ""
    matrix: str = ""
    range: str = ""
    hdr: str = ""
    encoding: str = "video"
    proxy: str = ""
    interlaced: bool = False
    variable_rate: bool = False
    source_fps: str = ""
    source_frames: int = 0
    missing_frames: tuple[int, ...] = ()
    focal_px: float | None = None
    focal_origin: str = ""
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def rate(self) -> Fraction:
        return Fraction(self.fps)


@dataclass(frozen=True)
class ShotFile:
    """`shot.json`. footage: absolute path, folder or `name.####.ext` pattern of the source. originals:
    files that stay where they are and that outputs refer to (EXR, log), as a pattern. engines: stage ->
    engine that made what lies in the shot."""

    version: int
    id: str
    footage: str
    facts: SourceFacts
    originals: str = ""
    engines: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ShotFolder:
    """Paths of one shot. Building it touches no disk."""

    root: Path

    @property
    def shot_json(self) -> Path:
        return self.root / "shot.json"

    @property
    def frames_dir(self) -> Path:
        return self.root / artifacts.FRAMES

    @property
    def private_dir(self) -> Path:
        return self.root / artifacts.PRIVATE

    @property
    def manifests_dir(self) -> Path:
        return self.private_dir / "manifests"

    @property
    def logs_dir(self) -> Path:
        return self.private_dir / "logs"

    @property
    def checkpoints_dir(self) -> Path:
        return self.private_dir / "checkpoints"

    @property
    def lock_file(self) -> Path:
        return self.private_dir / "lock"

    @property
    def roto_dir(self) -> Path:
        return self.root / artifacts.ROTO

    @property
    def prompts(self) -> Path:
        return self.root / artifacts.PROMPTS

    @property
    def matte_dir(self) -> Path:
        return self.root / artifacts.MATTE

    @property
    def sparse_dir(self) -> Path:
        return self.root / artifacts.SPARSE_MODEL

    @property
    def intrinsics(self) -> Path:
        return self.root / artifacts.INTRINSICS

    @property
    def extrinsics(self) -> Path:
        return self.root / artifacts.EXTRINSICS

    @property
    def world(self) -> Path:
        return self.root / artifacts.WORLD

    @property
    def cloud(self) -> Path:
        return self.root / artifacts.CLOUD

    @property
    def tracks(self) -> Path:
        return self.root / artifacts.TRACKS

    @property
    def report(self) -> Path:
        return self.root / artifacts.REPORT

    @property
    def hints(self) -> Path:
        return self.root / artifacts.HINTS

    @property
    def motion_dir(self) -> Path:
        return self.root / artifacts.MOTION

    def frame_path(self, number: int) -> Path:
        return self.frames_dir / artifacts.frame_name(number)

    def relative(self, path: Path) -> str:
        """`path` as an artifact names it: from the root, forward slashes."""
        return path.relative_to(self.root).as_posix()

    def frame_numbers(self) -> list[int]:
        """Plate numbers that have a frame on disk, ascending."""
        if not self.frames_dir.is_dir():
            return []
        found = (_FRAME_FILE.fullmatch(path.name) for path in self.frames_dir.iterdir())
        return sorted(int(match[1]) for match in found if match)

    def read(self) -> ShotFile:
        """`shot.json`. Raises `ArtifactMissing` before ingest, `ShotCorrupt` when it cannot be read."""
        if not self.shot_json.is_file():
            raise ArtifactMissing(f"{self.root} is not a shot yet: it has no shot.json.", "Run ingest on a clip first.")
        return read_document(self.shot_json, ShotFile)

    def find(self) -> ShotFile | None:
        """`shot.json`, or None before ingest."""
        return self.read() if self.shot_json.is_file() else None


def default_shot_folder(footage: Path) -> Path:
    """Where a clip's shot goes when nobody says: beside it, named after it. `a/clip.mp4` -> `a/clip_backlot`,
    a frame pattern `a/name.####.exr` -> `a/name_backlot`."""
    name = footage.name if footage.is_dir() else footage.stem
    name = re.sub(r"[._-]*(#+|%0?\d*d)$", "", name) or footage.parent.name
    return footage.parent / f"{name}_backlot"


def read_document(path: Path, kind: type[T]) -> T:
    """A JSON file as the dataclass `kind`. Raises `ArtifactMissing` or `ShotCorrupt`."""
    try:
        return unpack(kind, json.loads(path.read_text(encoding="utf-8")), path.name)
    except FileNotFoundError as gone:
        raise ArtifactMissing(f"{path} does not exist.") from gone
    except (json.JSONDecodeError, UnicodeDecodeError, MalformedMessage, TypeError) as bad:
        raise ShotCorrupt(f"{path} cannot be read: {bad}") from bad


def document_text(value: Any) -> str:
    """The JSON text of a dataclass, for a writer that puts it on disk atomically."""
    return json.dumps(pack(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
