"""A solved shot in which somebody turns and waves, the keypoints that an engine would see, and the mocap stage run on
it without the queue and without a detector."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.export.lens_distortion import Lens
from backend.mocap_stage import looking
from backend.pipeline import manifest
from backend.pipeline.context import StageContext
from backend.pipeline.manifest import MANIFEST_VERSION, Manifest
from backend.pipeline.runner import plan
from backend.pose import Keypoints, PersonTrack, PoseJob, PoseResult
from backend.stages import mocap
from shared.artifacts import StageResult, frame_name
from shared.camera_files import (
    CAMERA_AXES,
    UNCHANGED,
    WORLD_AXES,
    Extrinsics,
    FrameIntrinsics,
    FramePose,
    Intrinsics,
    World,
)
from shared.params import to_values
from shared.shot import ShotFile, ShotFolder, SourceFacts, document_text
from shared.stages import stage_info, stage_params
from tests.unit.export_shot import Recorder
from tests.unit.mocap_scene import Performance, collars, detected, performance

FIRST, WIDTH, HEIGHT = 101, 640, 360


@dataclass(frozen=True)
class Scene:
    """shown: in metres. unit: metres that a unit of the shot's world is. k1: of the plate's lens. unposed: plate
    numbers without a camera. up_source, scale_source: as in extrinsics.json. raised: units by which the shot's world
    lies under the true one."""

    shown: Performance
    unit: float = 1.0
    k1: float = 0.0
    unposed: Collection[int] = ()
    up_source: str = "picked"
    scale_source: str = "two-points"
    raised: float = 0.0

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(range(FIRST, FIRST + self.shown.truth.frames))

    @property
    def lens(self) -> Lens:
        return Lens(self.k1, 0.0, 0.0, 0.0)


def small_scene(frames: int = 12, **more: Any) -> Scene:
    return Scene(performance(frames), **more)


def write_shot(root: Path, scene: Scene) -> ShotFolder:
    """The plate is empty files: nobody looks at it."""
    shot, numbers = ShotFolder(root), scene.numbers
    shot.frames_dir.mkdir(parents=True)
    facts = SourceFacts("sequence", WIDTH, HEIGHT, "24", numbers[0], numbers[-1], len(numbers))
    shot.shot_json.write_text(document_text(ShotFile(1, "id", "clip", facts)), encoding="utf-8")
    for number in numbers:
        (shot.frames_dir / frame_name(number)).touch()
    lens = tuple(FrameIntrinsics(number, 600.0, 600.0, 320.0, 180.0) for number in numbers)
    model = "BROWN" if scene.k1 else "PINHOLE"
    inner = Intrinsics(1, WIDTH, HEIGHT, "24", 1.0, model, scene.k1, 0.0, 0.0, 0.0, "solved", lens)
    units = "arbitrary" if scene.scale_source == "none" else "metres"
    outer = Extrinsics(
        1, WORLD_AXES, CAMERA_AXES, units, scene.up_source, scene.scale_source, "sfm", tuple(_poses(scene)), 0
    )
    shot.intrinsics.parent.mkdir()
    for path, document in ((shot.intrinsics, inner), (shot.extrinsics, outer), (shot.world, World(1, 0, UNCHANGED))):
        path.write_text(document_text(document), encoding="utf-8")
    return shot


def _poses(scene: Scene) -> list[FramePose]:
    cameras, found = scene.shown.cameras, []
    for index, number in enumerate(scene.numbers):
        pose = np.eye(4)
        pose[:3, :3] = cameras.rotation[index].T
        pose[:3, 3] = -cameras.rotation[index].T @ cameras.translation[index] / scene.unit
        pose[2, 3] += scene.raised
        rows: Any = tuple(tuple(map(float, row)) for row in pose)
        there = number not in scene.unposed
        found.append(FramePose(number, rows if there else None, "solved" if there else "failed", "full", 0.2, 100))
    return found


def track(scene: Scene, label: str = "person_00", hidden: Collection[int] = (), px: float = 1.0) -> PersonTrack:
    """What an engine sees of the person; nothing in the plate numbers `hidden`."""
    skeleton = scene.shown.truth.skeleton
    seen = detected(scene.shown, px=px, metres=0.04, dropped=0.0)
    at = [joint for joint in range(len(skeleton)) if joint not in collars(skeleton)]
    names = tuple(skeleton.names[joint] for joint in at)
    keypoints, frames = [], []
    for index, number in enumerate(scene.numbers):
        if number in hidden:
            continue
        xy = bent(scene.lens, seen.xy[index, at]).astype(np.float32)
        one = np.ones(len(at), np.float32)
        box = (float(xy[:, 0].min()), float(xy[:, 1].min()), float(xy[:, 0].max()), float(xy[:, 1].max()))
        relative = seen.relative[index, at].astype(np.float32)
        keypoints.append(Keypoints(names, xy, one, px * one, box, 1.0, relative, 0.04 * one))
        frames.append(number)
    return PersonTrack(label, tuple(frames), tuple(keypoints), tuple(sorted(hidden)))


def bent(lens: Lens, xy: np.ndarray) -> np.ndarray:
    """Pinhole px -> plate px."""
    return lens.distort((xy - [320.0, 180.0]) / 600.0) * 600.0 + [320.0, 180.0]


Seer = Callable[[PoseJob], PoseResult]


def sees(*tracks: PersonTrack) -> Seer:
    return lambda job: PoseResult({one.label: one for one in tracks}, "mediapipe", "1")


def run_mocap(
    shot: ShotFolder, seer: Seer, patch: pytest.MonkeyPatch, observer: Recorder | None = None, **params: Any
) -> tuple[StageResult, list[str]]:
    """The result and the notices."""
    patch.setattr(looking, "pose_tracks", seer)
    patch.setattr(mocap, "engine_of", lambda _: mocap.Engine("mediapipe", 1))
    checkpoint = shot.checkpoints_dir / "mocap" / "key"
    checkpoint.mkdir(parents=True, exist_ok=True)
    context = StageContext(
        "mocap", shot, "", "cpu", checkpoint, observer or Recorder(), logging.getLogger("backlot.mocap")
    )
    return mocap.run(stage_params("mocap", params), context), context.notices


def record(shot: ShotFolder, result: StageResult, patch: pytest.MonkeyPatch, **params: Any) -> None:
    """Writes the manifest of that run, as the runner does."""
    patch.setattr(mocap, "engine_of", lambda _: mocap.Engine("mediapipe", 1))
    wanted = plan(stage_info("mocap"), params, shot, "")
    values, revision = to_values(wanted.params), manifest.world_revision(shot)
    manifest.write(
        shot, "mocap", Manifest(MANIFEST_VERSION, wanted.key, values, dict(wanted.inputs), result, revision)
    )  # fmt: skip
