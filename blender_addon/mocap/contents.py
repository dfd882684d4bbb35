"""What a shot's mocap files hold, as the importer needs it. No bpy here: the pump reads on a thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..shared.body_arrays import BODY_FILE, read_body, scale_of
from ..shared.camera_files import World
from ..shared.errors import ArtifactMissing, ShotCorrupt
from ..shared.mocap_report import MocapProblem, read_mocap_report
from ..shared.motion_arrays import ABSENT, BRIDGED, MOTION_FILE, TRACKED, Motion, read_motion
from ..shared.shot import ShotFile, ShotFolder, read_document
from .bones import BonePlan, PoseKeys, bone_plan, pose_keys

MOCAP = "mocap"
TEXTURE_FILE = "texture.png"
STATE_NUMBERS = {ABSENT: 0, BRIDGED: 1, TRACKED: 2}
"""How a frame's state is written in a curve."""

_LEAST_WEIGHT = 1e-4


@dataclass(frozen=True)
class Body:
    """vertices float32 [V,3]: at rest, in the armature. faces int32 [F,3]. uv float32 [3F,2]: of the corners.
    groups: of each joint's index, vertex numbers and their weights. texture: a picture, None without."""

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    groups: dict[int, tuple[np.ndarray, np.ndarray]]
    texture: Path | None


@dataclass(frozen=True)
class Person:
    """states int [T]: see STATE_NUMBERS, for every plate number of motion.frames. reported: problems of this person in
    the stage's report."""

    label: str
    motion: Motion
    plan: BonePlan
    keys: PoseKeys
    states: np.ndarray
    body: Body | None = None
    reported: tuple[MocapProblem, ...] = ()

    @property
    def problems(self) -> list[tuple[int, int, str]]:
        """First frame, last frame and kind of every range that needs a look: what the report names, and what was not
        seen besides."""
        found = [(said.first, said.last, said.kind.replace("-", " ")) for said in self.reported]
        for state in (ABSENT, BRIDGED):
            for first, last in _ranges(self.motion.frames[self.states == STATE_NUMBERS[state]]):
                if not any(said.first <= first and last <= said.last for said in self.reported):
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
    reported = tuple(problem for problem in _reported(root) if problem.label == label)
    return Person(label, motion, plan, pose_keys(motion, plan), states, _body(folder, motion), reported)


def _reported(root: Path) -> tuple[MocapProblem, ...]:
    """Motions of other programs come without a report."""
    try:
        return read_mocap_report(ShotFolder(root)).problems
    except (ArtifactMissing, ShotCorrupt):
        return ()


def _body(folder: Path, motion: Motion) -> Body | None:
    """In the measure of the motion's skeleton, which follows the world."""
    path = folder / BODY_FILE
    if not path.is_file():
        return None
    mesh = read_body(path)
    try:
        scale = scale_of(mesh, motion)
    except ValueError as bad:
        raise ShotCorrupt(f"{path} does not go with its motion: {bad}.", "Run motion capture again.") from bad
    groups = {}
    for joint in np.unique(mesh.joints).tolist():
        share = np.where(mesh.joints == joint, mesh.weights, 0.0).sum(1)
        held = np.nonzero(share > _LEAST_WEIGHT)[0]
        if len(held):
            groups[joint] = (held, share[held])
    texture = folder / TEXTURE_FILE
    return Body(
        (scale * mesh.vertices).astype(np.float32), mesh.faces, mesh.uv.reshape(-1, 2), groups,
        texture if texture.is_file() else None,
    )  # fmt: skip


def _ranges(numbers: np.ndarray) -> list[tuple[int, int]]:
    if not len(numbers):
        return []
    parts = np.split(numbers, np.nonzero(np.diff(numbers) > 1)[0] + 1)
    return [(int(run[0]), int(run[-1])) for run in parts]
