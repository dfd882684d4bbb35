"""The files of one person, in the workshop, and what is made of the motion for other programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backend.export.blender_process import find_blender
from backend.mocap.clip import ClipMotion
from backend.mocap.motion import motion_of
from backend.motion_export.files import ANALYSIS, BVH, FBX, USDA, write_motion_files
from backend.pipeline.atomic import disk_errors
from backend.pipeline.context import StageContext
from backend.pose import PoseResult
from backend.pose.writers import write_pose_json, write_pose_pictures, write_tracking_metadata
from shared.motion_arrays import MOTION_FILE, Motion, write_motion

from .bodies import body_of
from .fitting import resized
from .job import MocapJob
from .publish import Workshop
from .scale import Scale

_ALWAYS = (BVH, USDA, ANALYSIS)

Facts = Mapping[str, Any]
"""Plain values for the report."""


@dataclass(frozen=True)
class Writer:
    """Writes people. seen: everybody's keypoints. step(done, total): frames written of one person; raises to stop."""

    shop: Workshop
    job: MocapJob
    seen: PoseResult
    scale: Scale
    context: StageContext

    def person(self, label: str, solved: ClipMotion, step: Callable[[int, int], None]) -> Facts:
        """solved: in the world as it was when the stage began. What is written is in the world as it is now. What was
        measured of the person's body. Raises `EngineUnavailable`, `DiskFull`, `ShotReadOnly`, `JobCancelled`."""
        person = resized(solved, self.scale.grown)
        motion = motion_of(
            person.body, np.array(self.job.cameras.numbers, np.int64), person.state, person.confidence, person.contacts,
            fps=self.job.fps, world_revision=self.scale.revision, engine=self.seen.engine,
        )  # fmt: skip
        self._pose(label, step)
        return self.motion(label, motion)

    def motion(self, label: str, motion: Motion) -> Facts:
        """`motion.npz`, and what is made from it alone, or from it and the plate. FBX by Blender, where there is one:
        whoever has none may import motion.npz later. Raises as `person`."""
        folder = self.shop.person(label)
        with disk_errors(folder):
            write_motion(folder / MOTION_FILE, motion)
        made = body_of(label, motion, self.job, folder, self.context)
        body = None if made is None else made.mesh
        blender = find_blender(self.job.params.blender)
        kinds = (*_ALWAYS, FBX) if blender is not None else _ALWAYS
        if blender is None:
            self.context.log.info("no FBX: there is no Blender on this computer")
        write_motion_files(
            motion, folder, name=label, kinds=kinds, body=body, blender=blender,
            check_cancelled=self.context.check_cancelled,
            metres_per_unit=self.scale.metres_per_unit / self.scale.grown,
        )  # fmt: skip
        return {} if made is None else {"body": made.facts}

    def _pose(self, label: str, step: Callable[[int, int], None]) -> None:
        """Skeleton pictures and keypoint files, a picture for every frame."""
        track, lens, count = self.seen.tracks[label], self.job.camera.intrinsics, len(self.job.numbers)
        width, height = lens.width, lens.height
        pictures, points = self.shop.pictures(label), self.shop.keypoints(label)
        write_pose_pictures(pictures, track, width, height, lambda done: step(done, count))
        write_pose_json(points, track, list(self.seen.tracks).index(label), lambda done: step(done, count))
        write_tracking_metadata(points, self.seen, label, fps=self.job.fps, width=width, height=height)
