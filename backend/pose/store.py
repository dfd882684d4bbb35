"""What was seen, on disk, a file for each frame: a run that was killed goes on at the frame it had reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import intern
from typing import Any, overload

import msgpack
import numpy as np

from backend.pipeline.atomic import atomic_path, disk_errors, remove_partials
from backend.roto.people.evidence import PersonEvidence, Region
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


_SAME_REGION = (0.5, 0.5, 0.5, 0.02)
"""Centre and side, px, and turn, radians: what two regions differ by that are one."""


class FoundStore:
    """What the search for people said of frames. folder: of what searches."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kinds: dict[str, _Folder] = {}

    def found(
        self, number: int, kind: str, near: Sequence[Region], find: Callable[[], list[PersonEvidence]]
    ) -> list[PersonEvidence]:
        """The people of a frame, looked at in one way and near those regions: found now unless they were before. A run
        over another range of frames may look elsewhere."""
        kept = self._of(kind).get(number)
        if kept is not None and _alike(kept["near"], near):
            return [PersonEvidence.from_wire(plain) for plain in kept["people"]]
        people = find()
        plain = {"near": [[float(value) for value in one] for one in near], "people": [one.to_wire() for one in people]}
        self._of(kind).put(number, plain)
        return people

    def kept(self, number: int, kind: str) -> list[PersonEvidence]:
        """What was found in a frame, wherever that was looked for; nobody when it was not."""
        kept = self._of(kind).get(number)
        return [] if kept is None else [PersonEvidence.from_wire(plain) for plain in kept["people"]]

    def one(self, number: int, region: Region) -> PersonEvidence:
        """Who was found in a frame in just that region, however it was looked at. Raises `ShotCorrupt`."""
        kinds = sorted(path.name for path in self._folder.iterdir() if path.is_dir())
        for person in (person for kind in kinds for person in self.kept(number, kind)):
            if person.region == tuple(region):
                return person
        raise ShotCorrupt(f"{self._folder} no longer has what was found in frame {number}.", _REMEDY)

    def _of(self, kind: str) -> _Folder:
        if kind not in self._kinds:
            self._kinds[kind] = _Folder(self._folder / kind)
        return self._kinds[kind]


def _alike(kept: Sequence[Sequence[float]], near: Sequence[Region]) -> bool:
    return len(kept) == len(near) and all(
        abs(a - b) <= most for one, other in zip(kept, near, strict=True)
        for a, b, most in zip(one, other, _SAME_REGION, strict=True)
    )  # fmt: skip


class KeypointStore:
    """The keypoints of frames, by label. folder: of one engine, model and mode."""

    def __init__(self, folder: Path) -> None:
        self._files = _Folder(folder)

    def put(self, number: int, regions: Mapping[str, Region], people: Mapping[str, Keypoints]) -> None:
        """regions: where each of the frame's people was looked for, also those who were not seen there."""
        said = {label: [float(value) for value in one] for label, one in regions.items()}
        self._files.put(number, {"regions": said, "people": {label: _plain(seen) for label, seen in people.items()}})

    def get(self, number: int, regions: Mapping[str, Region]) -> dict[str, Keypoints] | None:
        """None when these people were not looked for there. Raises `ShotCorrupt`."""
        kept = self._files.get(number)
        if kept is None or kept["regions"].keys() != regions.keys():
            return None
        if not all(_alike([kept["regions"][label]], [one]) for label, one in regions.items()):
            return None
        return {label: _keypoints(plain) for label, plain in kept["people"].items()}

    def one(self, number: int, label: str) -> Keypoints:
        """Of somebody who was put there. Raises `ShotCorrupt`."""
        kept = self._files.get(number)
        if kept is None or label not in kept["people"]:
            raise ShotCorrupt(f"The keypoints of {label} in frame {number} are no longer there.", _REMEDY)
        return _keypoints(kept["people"][label])


@dataclass(frozen=True)
class StoredKeypoints(Sequence[Keypoints]):
    """One person's, read one by one. frames: plate numbers, ascending."""

    store: KeypointStore
    label: str
    frames: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.frames)

    @overload
    def __getitem__(self, at: int) -> Keypoints: ...
    @overload
    def __getitem__(self, at: slice) -> StoredKeypoints: ...
    def __getitem__(self, at: int | slice) -> Keypoints | StoredKeypoints:
        if isinstance(at, slice):
            return StoredKeypoints(self.store, self.label, self.frames[at])
        return self.store.one(self.frames[at], self.label)


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
    # every frame has the same names: each is held once
    return Keypoints(
        tuple(map(intern, plain["names"])), xy, score, sd_px, (x0, y0, x1, y1), float(plain["whole"]), **arrays
    )


_SHAPES = {
    "xy": (-1, 2), "score": (-1,), "sd_px": (-1,), "relative": (-1, 3), "sd_m": (-1,), "hands": (2, -1, 3),
    "face": (-1, 3),
}  # fmt: skip
