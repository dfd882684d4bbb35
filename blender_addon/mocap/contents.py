"""What a shot's mocap files hold, as the importer needs it. No bpy here: the pump reads on a thread."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..shared.camera_files import World
from ..shared.errors import ArtifactMissing, ShotCorrupt
from ..shared.motion_arrays import ABSENT, BRIDGED, MOTION_FILE, TRACKED, Motion, read_motion
from ..shared.shot import ShotFile, ShotFolder, read_document
from .bones import BonePlan, PoseKeys, bone_plan, pose_keys

MOCAP = "mocap"
BODY_FILE, TEXTURE_FILE = "body.npz", "texture.png"
STATE_NUMBERS = {ABSENT: 0, BRIDGED: 1, TRACKED: 2}
"""How a frame's state is written in a curve."""

_LEAST_WEIGHT = 1e-4


@dataclass(frozen=True)
class Body:
    """vertices float32 [V,3]: at rest, in the armature. faces int32 [F,3]. corners uv float32 [3F,2], None without.
    groups: of each joint's index, vertex numbers and their weights. texture: a picture, None without."""

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray | None
    groups: dict[int, tuple[np.ndarray, np.ndarray]]
    texture: Path | None


@dataclass(frozen=True)
class Person:
    """states int [T]: see STATE_NUMBERS, for every plate number of motion.frames."""

    label: str
    motion: Motion
    plan: BonePlan
    keys: PoseKeys
    states: np.ndarray
    body: Body | None = None

    @property
    def problems(self) -> list[tuple[int, int, str]]:
        """First frame, last frame and kind of every range that was not seen."""
        found = []
        for state in (ABSENT, BRIDGED):
            for first, last in _ranges(self.motion.frames[self.states == STATE_NUMBERS[state]]):
                found.append((first, last, "not seen" if state == ABSENT else "bridged"))
        return sorted(found)


@dataclass(frozen=True)
class MocapContents:
    """people: in the order of their labels. revision: of the shot's world."""

    root: Path
    shot: ShotFile
    revision: int
    people: tuple[Person, ...]


def labels_in(root: Path) -> tuple[str, ...]:
    """The people that a shot has motions of."""
    return tuple(sorted(path.parent.name for path in (root / MOCAP).glob(f"*/{MOTION_FILE}")))


def read_mocap(root: Path, labels: tuple[str, ...] = ()) -> MocapContents:
    """Reads the motions of a shot, of all people unless some are named. Raises `ArtifactMissing`, `ShotCorrupt`."""
    folder = ShotFolder(root)
    shot = folder.read()
    present = labels_in(root)
    missing = [label for label in labels if label not in present]
    if missing or not present:
        who = f" of {missing[0]}" if missing else ""
        raise ArtifactMissing(f"{root} has no motion{who}.", "Run motion capture of this shot first.")
    revision = read_document(folder.world, World).revision
    return MocapContents(root, shot, revision, tuple(_person(root, label, revision) for label in labels or present))


def _person(root: Path, label: str, revision: int) -> Person:
    folder = root / MOCAP / label
    motion = read_motion(folder / MOTION_FILE)
    if motion.world_revision != revision:
        raise ShotCorrupt(
            f"The motion of {label} belongs to world revision {motion.world_revision}, the camera to {revision}.",
            "Try again in a moment, or run motion capture again.",
        )
    if not motion.known.any():
        raise ShotCorrupt(
            f"{label} is not seen in any frame of its motion.", "Run motion capture again, with other frames."
        )
    plan = bone_plan(motion)
    states = np.array([STATE_NUMBERS[state] for state in motion.state])
    return Person(label, motion, plan, pose_keys(motion, plan), states, _body(folder, len(motion.joint_names)))


def _body(folder: Path, joints: int) -> Body | None:
    path = folder / BODY_FILE
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            vertices = np.ascontiguousarray(stored["vertices"], np.float32)
            faces = np.ascontiguousarray(stored["faces"], np.int32)
            weights, of = np.asarray(stored["weights"], np.float64), np.asarray(stored["joints"], np.int64)
            uv = np.ascontiguousarray(stored["uv"], np.float32) if "uv" in stored.files else None
        if vertices.shape != (len(vertices), 3) or faces.shape != (len(faces), 3) or weights.shape != of.shape:
            raise ValueError("its arrays do not go together")
        if len(weights) != len(vertices) or of.max(initial=0) >= joints or faces.max(initial=0) >= len(vertices):
            raise ValueError("it names vertices or joints that are not there")
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as bad:
        raise ShotCorrupt(f"{path} cannot be read: {bad}.", "Run motion capture again, with a body.") from bad
    groups = {}
    for joint in np.unique(of).tolist():
        share = np.where(of == joint, weights, 0.0).sum(1)
        held = np.nonzero(share > _LEAST_WEIGHT)[0]
        if len(held):
            groups[joint] = (held, share[held])
    texture = folder / TEXTURE_FILE
    return Body(
        vertices, faces, None if uv is None else uv.reshape(-1, 2), groups, texture if texture.is_file() else None
    )


def _ranges(numbers: np.ndarray) -> list[tuple[int, int]]:
    if not len(numbers):
        return []
    parts = np.split(numbers, np.nonzero(np.diff(numbers) > 1)[0] + 1)
    return [(int(run[0]), int(run[-1])) for run in parts]
