"""What is handed to a program, and what it hands back: docs/mocap-external.md is the contract.

A folder with request.json, the plate's frames, people's masks and the cameras goes out; result.npz comes back. Nothing
in it is unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.mocap.skeleton import human
from shared.array_files import read_arrays
from shared.errors import ArtifactMissing, ShotCorrupt

EXCHANGE_VERSION = 1
REQUEST_FILE, RESULT_FILE, CAMERAS_FILE = "request.json", "result.npz", "cameras.npz"

Floats = NDArray[np.float64]

SMPL_NAMES = (
    "pelvis", "left_hip", "right_hip", "", "left_knee", "right_knee", "", "left_ankle", "right_ankle", "",
    "left_foot_index", "right_foot_index", "neck", "", "", "head", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hand", "right_hand",
)  # fmt: skip
"""Our names of SMPL's 24 joints; "" for those of the spine and the collars, which other skeletons put elsewhere."""


@dataclass(frozen=True)
class Request:
    """engine: which program. frames: plate numbers. people: labels with masks; () when the program finds people
    itself. width, height: px."""

    engine: str
    frames: tuple[int, ...]
    people: tuple[str, ...]
    fps: float
    width: int
    height: int
    device: str

    def text(self) -> str:
        plain = {
            "version": EXCHANGE_VERSION, "engine": self.engine, "frames": list(self.frames),
            "people": list(self.people), "fps": self.fps, "width": self.width, "height": self.height,
            "device": self.device, "pictures": "frames", "masks": "masks" if self.people else None,
            "cameras": CAMERAS_FILE, "result": RESULT_FILE,
        }  # fmt: skip
        return json.dumps(plain, indent=2)


@dataclass(frozen=True)
class SeenPerson:
    """frames [N]: plate numbers, ascending. names [J]: ours. joints [N,J,3]: camera axes (x right, y down, z away),
    metres, NaN where unknown. pixels [N,J,2]: distorted plate px, edges at integers; NaN where the program does not
    say. score [N,J]: 0..1."""

    frames: tuple[int, ...]
    names: tuple[str, ...]
    joints: Floats
    pixels: Floats
    score: Floats


def read_result(path: Path, request: Request) -> dict[str, SeenPerson]:
    """Person -> what was seen; people whom the program did not see are not in it. Raises `ValueError`, whose words say
    what is wrong with the file."""
    try:
        arrays = read_arrays(path)
    except ArtifactMissing:
        raise ValueError(f"wrote no {path.name}") from None
    except ShotCorrupt as bad:
        raise ValueError(f"wrote a damaged {path.name} ({bad.message})") from bad
    people = sorted({name.rpartition("/")[0] for name in arrays if "/" in name})
    if strange := [one for one in people if request.people and one not in request.people]:
        raise ValueError(f"wrote of {strange[0]!r}, who was not asked for")
    return {one: _person(one, arrays, request) for one in people}


def _person(name: str, arrays: Mapping[str, NDArray[Any]], request: Request) -> SeenPerson:
    """Raises `ValueError`."""
    if f"{name}/frames" not in arrays or f"{name}/joints" not in arrays:
        raise ValueError(f"wrote no frames or no joints of {name!r}")
    frames = tuple(int(n) for n in np.asarray(arrays[f"{name}/frames"]).ravel())
    joints = np.asarray(arrays[f"{name}/joints"], np.float64)
    if frames != tuple(sorted(set(frames))) or not set(frames) <= set(request.frames):
        raise ValueError(f"wrote frames of {name!r} that do not ascend, or were not asked for")
    names = _names(name, arrays, joints)
    if joints.shape != (len(frames), len(names), 3):
        raise ValueError(f"wrote joints of {name!r} of the shape {joints.shape}, for {len(frames)} frames")
    shape = joints.shape[:2]
    pixels = _optional(arrays, f"{name}/joints_px", (*shape, 2), np.nan)
    score = np.clip(_optional(arrays, f"{name}/score", shape, 1.0), 0.0, 1.0)
    known = human().names
    used = [i for i, one in enumerate(names) if one in known]
    if len(used) < len({names[i] for i in used}) or len(used) < 6:
        raise ValueError(f"wrote joints of {name!r} of which fewer than six are known here")
    return SeenPerson(frames, tuple(names[i] for i in used), joints[:, used], pixels[:, used], score[:, used])


def _names(name: str, arrays: Mapping[str, NDArray[Any]], joints: Floats) -> Sequence[str]:
    if f"{name}/joint_names" in arrays:
        return [str(one) for one in arrays[f"{name}/joint_names"]]
    if joints.ndim == 3 and joints.shape[1] >= len(SMPL_NAMES):
        return [*SMPL_NAMES, *[""] * (joints.shape[1] - len(SMPL_NAMES))]
    raise ValueError(f"wrote joints of {name!r} without joint_names, and they are not SMPL's 24")


def _optional(arrays: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...], otherwise: float) -> Floats:
    if name not in arrays:
        return np.full(shape, otherwise)
    found = np.asarray(arrays[name], np.float64)
    if found.shape != shape:
        raise ValueError(f"wrote {name} of the shape {found.shape}, not {shape}")
    return found
