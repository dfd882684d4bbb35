"""What networks found, on disk: masks of single frames, and what a network remembered when a run was cut short."""

from __future__ import annotations

import hashlib
import importlib
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from backend.pipeline.atomic import atomic_path
from backend.roto.cut import Hints

from .sam2 import Followed

_HEADER = 8 + 4 + 4


class ObjectFolder:
    """The frames of one object, by index. A file is whole or not there. Raises `DiskFull`, `ShotReadOnly`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def has(self, index: int) -> bool:
        return self._path(index).is_file()

    def put(self, index: int, found: Followed) -> None:
        """Keeps logits in half precision: 0.1 % of the distance to the mask's edge."""
        half = np.clip(found.logits, -1e4, 1e4).astype("<f2")
        head = np.float64(found.score).tobytes() + np.array(half.shape, "<i4").tobytes()
        with atomic_path(self._path(index)) as beside:
            beside.write_bytes(head + zlib.compress(half.tobytes(), 1))

    def get(self, index: int) -> Followed:
        """Raises `FileNotFoundError`."""
        data = self._path(index).read_bytes()
        height, width = np.frombuffer(data[8:_HEADER], "<i4")
        half = np.frombuffer(zlib.decompress(data[_HEADER:]), "<f2").reshape(height, width)
        return Followed(np.asarray(half, np.float32), float(np.frombuffer(data[:8], np.float64)[0]))

    def remember(self, name: str, state: Mapping[str, Any]) -> None:
        """Keeps what a network remembers: plain values and tensors."""
        torch: Any = importlib.import_module("torch")
        with atomic_path(self._folder / f"{name}.pt") as beside:
            torch.save(dict(state), beside)

    def recall(self, name: str) -> dict[str, Any] | None:
        """What was remembered under a name, None when nothing was or it cannot be read."""
        torch: Any = importlib.import_module("torch")
        path = self._folder / f"{name}.pt"
        if not path.is_file():
            return None
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception:  # of another version of torch, or damaged: the pass begins anew
            return None
        return state if isinstance(state, dict) else None

    def _path(self, index: int) -> Path:
        return self._folder / f"{index:06d}.mask"


def key_of(hints: Mapping[int, Hints], *more: object) -> str:
    """A short name for an object's hints and whatever else its masks depend on."""
    digest = hashlib.sha256(repr(more).encode())
    for number in sorted(hints):
        said = hints[number]
        digest.update(f"|{number} {said.absent} {said.strokes!r}".encode())
        for part in (said.include, said.exclude, said.boxes, said.mask):
            digest.update(b"-" if part is None else repr(part.shape).encode() + np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:24]
