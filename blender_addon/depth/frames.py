"""The depth frames as Blender can show them. No bpy here: the pump reads on a thread.

Blender shows an OpenEXR file whose only channel is Z as black. A channel called Y it shows as grey, and where nothing
of colour is beside it, the two differ in one letter of the header (OpenEXR file layout: the attribute `channels` is a
list of names, each followed by 16 bytes). So the frames are copied with that letter changed; the pixels, which may be
compressed by any method, are not touched.

The copies lie in .backlot/blender/depth/KEY/. The key is of the originals' sizes and times: a scene that is taken back
by undo finds the frames it had, also after the shot's world has changed and with it the lengths in all files.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..shared.artifacts import frame_name
from ..shared.depth_meta import CONFIDENCE, DEPTH, DepthMeta
from ..shared.errors import ShotCorrupt, ShotReadOnly
from ..shared.shot import ShotFolder

_MAGIC = b"\x76\x2f\x31\x01"
_ENTRY = 16
_HEADER = 1 << 16
_KEPT = 3
_SHOWN = ("Y", "R")
"""Channels that Blender shows."""


@dataclass(frozen=True)
class DepthFrames:
    """folder: of the copies, `frame_0001.exr`. confidence: folder of the 8-bit pictures, None without.
    frames: plate numbers that have a map, ascending."""

    folder: Path
    confidence: Path | None
    frames: tuple[int, ...]

    def depth_path(self, number: int) -> Path:
        return self.folder / frame_name(number, "exr")

    def confidence_path(self, number: int) -> Path | None:
        return self.confidence / frame_name(number) if self.confidence is not None else None


def bring_up_to_date(root: Path, meta: DepthMeta) -> DepthFrames:
    """Copies what is not copied yet. Raises `ShotCorrupt` for a map that is gone or no depth, `ShotReadOnly`."""
    sources = [root / DEPTH / frame_name(number, "exr") for number in meta.frames]
    base = ShotFolder(root).private_dir / "blender" / "depth"
    folder = base / _key(sources)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source in sources:
            _copy(source, folder / source.name)
        os.utime(folder)
        _forget_old(base)
    except PermissionError as refused:
        raise ShotReadOnly(f"{folder} cannot be written: {refused}") from refused
    pictures = root / CONFIDENCE
    has_confidence = bool(meta.frames) and (pictures / frame_name(meta.frames[0])).is_file()
    return DepthFrames(folder, pictures if has_confidence else None, meta.frames)


def shown_bytes(data: bytes, name: str) -> bytes:
    """An OpenEXR file with its channel Z called Y, unless it has one that Blender shows. Raises `ValueError`."""
    channels = _channels(data)
    if any(channel in channels for channel in _SHOWN):
        return data
    if "Z" not in channels:
        raise ValueError(f"{name} has no channel Z, but {', '.join(channels) or 'none'}")
    at = channels["Z"]
    return data[:at] + b"Y" + data[at + 1 :]


def _channels(data: bytes) -> dict[str, int]:
    """Where each channel's name begins."""
    start = data.find(b"channels\0chlist\0", 0, _HEADER)
    if not data.startswith(_MAGIC) or start < 0:
        raise ValueError("it is no OpenEXR file")
    at, found = start + len(b"channels\0chlist\0") + 4, {}
    while at < len(data) and data[at] != 0:
        end = data.index(b"\0", at)
        found[data[at:end].decode("latin-1")] = at
        at = end + 1 + _ENTRY
    return found


def _copy(source: Path, target: Path) -> None:
    if target.is_file():
        return
    try:
        data = shown_bytes(source.read_bytes(), source.name)
    except FileNotFoundError as gone:
        raise ShotCorrupt(
            f"depth/meta.json lists {source.name}, but it is gone.", "Run the depth stage again."
        ) from gone
    except ValueError as bad:
        raise ShotCorrupt(f"{source} cannot be shown: {bad}.", "Run the depth stage again.") from bad
    beside = target.with_suffix(".part")
    beside.write_bytes(data)
    beside.replace(target)


def _key(sources: list[Path]) -> str:
    digest = hashlib.sha256()
    for source in sources:
        try:
            state = source.stat()
        except FileNotFoundError:
            continue  # copying says so
        digest.update(f"{source.name} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _forget_old(base: Path) -> None:
    """Keeps the copies that were used last."""
    folders = sorted((path for path in base.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime_ns)
    for folder in folders[:-_KEPT]:
        shutil.rmtree(folder, ignore_errors=True)
