"""In place of MediaPipe's environment: a Python that answers as the people worker does, with networks that see one
person in the middle of every picture, in a T-pose, or nobody."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import numpy as np

from backend.mocap.skeleton import human
from backend.roto.people.evidence import BODY, LANDMARKS, Floats, Look, Picture, Region
from backend.roto.people.worker.__main__ import serve
from backend.roto.people.worker.graphs import Body, Candidate
from backend.worker.channel import Channel
from shared.codec import Notification

NOBODY = "FAKE_PEOPLE_NOBODY"
_TALL = 0.4
"""Of a person, in sides of the region that the landmark network looks at."""

_NAMES = {
    0: "nose", 7: "left_ear", 8: "right_ear", 11: "left_shoulder", 12: "right_shoulder", 13: "left_elbow",
    14: "right_elbow", 15: "left_wrist", 16: "right_wrist", 23: "left_hip", 24: "right_hip", 25: "left_knee",
    26: "right_knee", 27: "left_ankle", 28: "right_ankle", 29: "left_heel", 30: "right_heel", 31: "left_foot_index",
    32: "right_foot_index",
}  # fmt: skip
"""Of BlazePose's landmarks; those of the face are where the nose is, those of a hand at its wrist."""


def people_python(folder: Path, *, nobody: bool = False) -> Path:
    """What BACKLOT_MOCAP_PYTHON may name; made in `folder`."""
    (folder / "lib/python3.11/site-packages/mediapipe").mkdir(parents=True)
    python = folder / "bin/python"
    python.parent.mkdir()
    said = f"{NOBODY}=1 " if nobody else ""
    python.write_text(f'#!/bin/sh\n{said}exec "{sys.executable}" -m tests.contract.fake_people\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    return python


def figure() -> Floats:
    """float32 [33, 3]: metres in camera axes from the middle of the hips, of a person who faces the camera."""
    skeleton = human()
    places = np.zeros((len(skeleton), 3))
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0:
            places[joint] = places[parent] + skeleton.rest[joint]
    places -= places[list(skeleton.hips)].mean(0)
    seen = [_NAMES.get(i, "nose" if i < 11 else "left_wrist" if i % 2 else "right_wrist") for i in range(LANDMARKS)]
    body = places[[skeleton.index(name) for name in seen]]
    return np.stack([body[:, 0], -body[:, 2], body[:, 1]], 1).astype(np.float32)


class Figures:
    """Stand-in for `backend.roto.people.worker.graphs.Networks`."""

    version = "fake"

    def detect(self, picture: Picture) -> list[Candidate]:
        height, width = picture.shape[:2]
        whole = width > height  # a window is square
        return [Candidate(0.95, _middle(picture))] if whole and NOBODY not in os.environ else []

    def body(self, picture: Picture, region: Region) -> Body | None:
        height, width = picture.shape[:2]
        if abs(region[0] - width / 2) > width / 8:
            return None
        middle = _middle(picture)
        rows, columns = np.mgrid[:height, :width] + 0.5
        off = ((columns - middle[0]) / (0.15 * middle[2])) ** 2 + ((rows - middle[1]) / (0.3 * middle[2])) ** 2
        return Body(_landmarks(middle), figure(), middle, (off < 1.0).astype(np.float32))

    def look(self, picture: Picture, part: str, region: Region) -> Look | None:
        return Look(_landmarks(region), figure(), region, 1.0) if part == BODY else None


def _middle(picture: Picture) -> Region:
    height, width = picture.shape[:2]
    return width / 2, height / 2, 0.8 * height, 0.0


def _landmarks(region: Region) -> Floats:
    """[33, 4] of a person whose hips are in the middle of the region."""
    x, y, side, _ = region
    xy = figure()[:, :2] * _TALL * side / 1.7 + np.array([x, y], np.float32)
    return np.concatenate([xy, np.ones((LANDMARKS, 2), np.float32)], 1).astype(np.float32)


def main() -> None:
    channel = Channel.take_standard()
    channel.send(Notification("people.ready", {"mediapipe": Figures.version}))
    serve(channel, Figures())  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
