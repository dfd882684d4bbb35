"""What was seen, on disk, a file for each frame: a run that was killed goes on at the frame it had reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgpack
import numpy as np

from backend.pipeline.atomic import atomic_path, disk_errors, remove_partials
from backend.roto.people.evidence import PersonEvidence
from shared.artifacts import frame_name
from shared.errors import ShotCorrupt

from .keypoints import Floats, Keypoints

_REMEDY = "Delete it and run motion capture of the shot again."


class _Folder:
    """Files of msgpack maps, by plate number and a kind. Raises `DiskFull`, `ShotReadOnly`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            remove_partials(folder)

    def put(self, number: int, plain: Any) -> None:
        with disk_errors(self._folder), atomic_path(self._path(number)) as beside:
            beside.write_bytes(msgpack.packb(plain, use_bin_type=True))

    def get(self, number: int) -> Any:
        """None when the frame is not there. Raises `ShotCorrupt`."""
        path = self._path(number)
        try:
            return msgpack.unpackb(path.read_bytes(), raw=False)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, msgpack.UnpackException) as bad:
            raise ShotCorrupt(f"{path} cannot be read: {bad}.", _REMEDY) from bad

    def _path(self, number: int) -> Path:
        return self._folder / frame_name(number, "msgpack")


FOLLOWED, SEARCHED, BEHIND = "followed", "searched", "behind"
"""How a frame was looked at: where people were last, in the whole picture, or with those in front painted over."""


class FoundStore:
    """What the search for people said of frames."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kinds: dict[str, _Folder] = {}

    def found(self, number: int, kind: str, find: Callable[[], list[PersonEvidence]]) -> list[PersonEvidence]:
        """The people of a frame, looked at in one way: found now unless they were before."""
        if kind not in self._kinds:
            self._kinds[kind] = _Folder(self._folder / kind)
        kept = self._kinds[kind].get(number)
        if kept is not None:
            return [PersonEvidence.from_wire(plain) for plain in kept]
        people = find()
        self._kinds[kind].put(number, [person.to_wire() for person in people])
        return people


class KeypointStore:
    """The keypoints of frames, by label. folder: of one engine, model and mode."""

    def __init__(self, folder: Path) -> None:
        self._files = _Folder(folder)

    def put(self, number: int, people: Mapping[str, Keypoints]) -> None:
        self._files.put(number, {label: _plain(seen) for label, seen in people.items()})

    def get(self, number: int) -> dict[str, Keypoints] | None:
        """None when the frame was not looked at. Raises `ShotCorrupt`."""
        kept = self._files.get(number)
        if kept is None:
            return None
        return {label: _keypoints(plain) for label, plain in kept.items()}


def _plain(seen: Keypoints) -> dict[str, Any]:
    plain: dict[str, Any] = {"names": list(seen.names), "box": list(seen.box), "whole": seen.whole}
    for name in _SHAPES:
        values = getattr(seen, name)
        plain[name] = None if values is None else np.asarray(values, "<f4").tobytes()
    return plain


def _keypoints(plain: Mapping[str, Any]) -> Keypoints:
    arrays: dict[str, Floats | None] = {}
    for name, shape in _SHAPES.items():
        stored = plain[name]
        arrays[name] = None if stored is None else np.frombuffer(stored, "<f4").reshape(shape).astype(np.float32)
    xy, score, sd_px = arrays.pop("xy"), arrays.pop("score"), arrays.pop("sd_px")
    assert xy is not None and score is not None and sd_px is not None
    x0, y0, x1, y1 = plain["box"]
    return Keypoints(tuple(plain["names"]), xy, score, sd_px, (x0, y0, x1, y1), float(plain["whole"]), **arrays)


_SHAPES = {
    "xy": (-1, 2), "score": (-1,), "sd_px": (-1,), "relative": (-1, 3), "sd_m": (-1,), "hands": (2, -1, 3),
    "face": (-1, 3),
}  # fmt: skip
