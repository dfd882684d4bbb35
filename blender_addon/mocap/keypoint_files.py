"""What the pose engines saw of people, read on the session's thread and kept for a while. No bpy here.

Files are OpenPose's JSON: `people[].*_keypoints_2d`, triples of x, y and score in px of the plate.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path

import numpy as np

from ..session import Session
from ..shared.artifacts import frame_name
from ..shared.errors import BacklotError
from ..shared.mocap_report import POSE_JSON

_PARTS = ("pose_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d")
_KEPT = 64
_SURE = 0.2
"""Least score of a point that is drawn."""


class KeypointFiles:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._kept: OrderedDict[Path, np.ndarray] = OrderedDict()
        self._awaited: set[Path] = set()

    def forget(self) -> None:
        """After the files have changed."""
        self._kept.clear()

    def find(self, folder: Path, label: str, number: int) -> np.ndarray:
        """[N,2] px of the plate; none while they are read, and where there are none."""
        path = folder / POSE_JSON / label / frame_name(number, "json")
        if path not in self._kept and path not in self._awaited:
            self._awaited.add(path)
            self._session.background(lambda: read_keypoints(path), lambda seen: self._read(path, seen), _quiet)
        return self._kept.get(path, np.zeros((0, 2)))

    def _read(self, path: Path, seen: np.ndarray) -> None:
        self._awaited.discard(path)
        self._kept[path] = seen
        self._session.changed = True
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


def read_keypoints(path: Path) -> np.ndarray:
    """[N,2] px of all points of all people in a file that are sure enough; none of a file that is not there, or that
    another program has written in another way."""
    try:
        people = json.loads(path.read_text(encoding="utf-8"))["people"]
        found = [
            np.array(person[part], float).reshape(-1, 3) for person in people for part in _PARTS if person.get(part)
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return np.zeros((0, 2))
    points = np.concatenate(found) if found else np.zeros((0, 3))
    return points[points[:, 2] >= _SURE, :2]


def _quiet(_error: BacklotError) -> None:
    """Reading raises none."""
