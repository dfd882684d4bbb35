"""Tracks on disk, a file for each frame: what `propagation.MaskStore` asks for.

A file is there whole or not at all, so that a run that was killed goes on with the frames that are missing. The store
outlives the run, so that a correction re-runs only what it changes; it holds nothing in memory but which tracks and
frames this run has used. About 10 kB a frame and object.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from backend.pipeline.atomic import atomic_path, disk_errors, write_text
from shared.errors import ShotCorrupt

from .labels import base_of
from .propagation import StoredMask
from .timing import Clock

_HEAD = struct.Struct("<4sIIdB")
"""Magic, height, width, confidence, length of the state's name, which follows; then the deflated pixels."""

_STATE_HEAD = struct.Struct("<4sqI")
"""Magic, plate number, checksum of what follows."""

_MAGIC = b"BLR1"
_STATE = "tracker.state"
_USED = "used.json"
KEEPING = "keeping"


@dataclass
class Usage:
    """Plate numbers of a label's frames that this run put into the store, and that it took from an earlier one."""

    made: set[int] = field(default_factory=set)
    kept: set[int] = field(default_factory=set)


class DiskMaskStore:
    """Tracks in `folder`, which is made if need be. usage: label -> what this run did."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        """clock: counts the time that files take as `KEEPING`."""
        self.folder = folder
        self._clock = clock or Clock()
        self.usage: dict[str, Usage] = {}
        self._used: set[str] = set()
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def has(self, key: str, label: str, number: int) -> bool:
        return self._path(key, label, number).is_file()

    def get(self, key: str, label: str, number: int) -> StoredMask:
        """Raises `KeyError` when it is not there, `ShotCorrupt` for a damaged file, which is removed."""
        path = self._path(key, label, number)
        try:
            with self._clock.measure(KEEPING):
                mask = _unpack(path.read_bytes())
        except FileNotFoundError as gone:
            raise KeyError(key, label, number) from gone
        except OSError as bad:
            raise ShotCorrupt(f"{path} cannot be read: {bad}.", "Run the roto stage again.") from bad
        except (ValueError, struct.error, zlib.error, UnicodeDecodeError) as bad:
            path.unlink(missing_ok=True)
            raise ShotCorrupt(
                f"{path} was damaged and is removed.", "Run the roto stage again: it makes that frame anew."
            ) from bad
        usage = self.usage.setdefault(label, Usage())
        if number not in usage.made:
            usage.kept.add(number)
        return mask

    def put(self, key: str, label: str, number: int, mask: StoredMask) -> None:
        """Raises `DiskFull`, `ShotReadOnly`."""
        with self._clock.measure(KEEPING), atomic_path(self._path(key, label, number)) as beside:
            beside.write_bytes(_pack(mask))
        self.usage.setdefault(label, Usage()).made.add(number)

    def remember(self, key: str, label: str, number: int, state: bytes) -> None:
        """Raises `DiskFull`, `ShotReadOnly`."""
        with self._clock.measure(KEEPING), atomic_path(self._track(key, label) / _STATE) as beside:
            beside.write_bytes(_STATE_HEAD.pack(_MAGIC, number, zlib.crc32(state)) + state)

    def remembered(self, key: str, label: str) -> tuple[int, bytes] | None:
        try:
            kept = (self._track(key, label) / _STATE).read_bytes()
            magic, number, checksum = _STATE_HEAD.unpack_from(kept)
        except (OSError, struct.error):
            return None
        state = kept[_STATE_HEAD.size :]
        return (number, state) if magic == _MAGIC and zlib.crc32(state) == checksum else None

    def forget(self, key: str, label: str) -> None:
        (self._track(key, label) / _STATE).unlink(missing_ok=True)

    def used_by(self, key: str) -> Usage | None:
        """What this run did for a label or an instance; for all instances together when `key` is the label of their
        text. None for what was not kept here."""
        parts = [usage for name, usage in self.usage.items() if key in (name, base_of(name))]
        if not parts:
            return None
        made, kept = ({number for part in parts for number in getattr(part, of)} for of in ("made", "kept"))
        return Usage(made, kept - made)

    def prune(self) -> None:
        """Removes the tracks that neither this run nor the one before it has used: undoing a correction is free, and
        the store does not grow for ever."""
        record = self.folder / _USED
        try:
            before = set(json.loads(record.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            before = set()
        for track in self.folder.iterdir():
            if track.is_dir() and track.name not in self._used | before:
                shutil.rmtree(track, ignore_errors=True)
        write_text(record, json.dumps(sorted(self._used)))

    def _path(self, key: str, label: str, number: int) -> Path:
        return self._track(key, label) / f"{number:04d}.mask"

    def _track(self, key: str, label: str) -> Path:
        """Labels may differ in what a file system cannot tell apart: their hash names the folder."""
        track = hashlib.blake2b(f"{key}\0{label}".encode(), digest_size=16).hexdigest()
        self._used.add(track)
        return self.folder / track


def _pack(mask: StoredMask) -> bytes:
    if mask.soft.dtype != np.uint8 or mask.soft.ndim != 2:
        raise ValueError(f"a mask of {mask.soft.dtype} {mask.soft.shape}")
    state = mask.state.encode("ascii")
    head = _HEAD.pack(_MAGIC, *mask.soft.shape, mask.confidence, len(state))
    return head + state + zlib.compress(np.ascontiguousarray(mask.soft).tobytes(), 1)


def _unpack(packed: bytes) -> StoredMask:
    magic, height, width, confidence, length = _HEAD.unpack_from(packed)
    if magic != _MAGIC:
        raise ValueError("it begins with something else")
    state = packed[_HEAD.size : _HEAD.size + length].decode("ascii")
    pixels = zlib.decompress(packed[_HEAD.size + length :])  # checks their sum
    return StoredMask(np.frombuffer(pixels, np.uint8).reshape(height, width), state, confidence)
