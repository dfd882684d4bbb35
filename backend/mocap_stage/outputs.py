"""The files of one person, in the workshop, and what is made of the motion for other programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backend.export.blender_process import find_blender
from backend.mocap.clip import ClipMotion
from backend.mocap.motion import motion_of
from backend.motion_analysis.report import write_report
from backend.motion_export.bvh import write_bvh
from backend.motion_export.fbx import write_fbx
from backend.motion_export.skin import Skin
from backend.motion_export.usd import write_usd_skeleton
from backend.pipeline.atomic import disk_errors
from backend.pipeline.context import StageContext
from backend.pose import PoseResult
from backend.pose.writers import write_pose_json, write_pose_pictures, write_tracking_metadata
from shared.motion_arrays import MOTION_FILE, Motion, write_motion

from .bodies import make_skin
from .fitting import resized
from .job import MocapJob
from .publish import Workshop
from .scale import Scale

BVH_FILE, FBX_FILE, USD_FILE = "motion.bvh", "motion.fbx", "motion.usda"


@dataclass(frozen=True)
class Writer:
    """Writes people. seen: everybody's keypoints. step(done, total): frames written of one person; raises to stop."""

    shop: Workshop
    job: MocapJob
    seen: PoseResult
    scale: Scale
    context: StageContext

    def person(self, label: str, solved: ClipMotion, step: Callable[[int, int], None]) -> Motion:
        """solved: in the world as it was when the stage began. What is written is in the world as it is now. Raises
        `EngineUnavailable`, `DiskFull`, `ShotReadOnly`, `JobCancelled`."""
        person = resized(solved, self.scale.grown)
        motion = motion_of(
            person.body, np.array(self.job.numbers, np.int64), person.state, person.confidence, person.contacts,
            fps=self.job.fps, world_revision=self.scale.revision, engine=self.seen.engine,
        )  # fmt: skip
        with disk_errors(self.shop.person(label)):
            write_motion(self.shop.person(label) / MOTION_FILE, motion)
        self._pose(label, step)
        self.derived(label, motion)
        return motion

    def derived(self, label: str, motion: Motion) -> None:
        """What is made from `motion.npz` alone, or from it and the plate. Raises as `person`."""
        folder, check = self.shop.person(label), self.context.check_cancelled
        folder.mkdir(parents=True, exist_ok=True)
        skin = make_skin(label, motion, self.job, folder, self.context)
        check()
        write_bvh(motion, folder / BVH_FILE)
        write_usd_skeleton(motion, folder / USD_FILE, name=label, skin=skin)
        write_report(folder, motion, metres_per_unit=self.scale.metres_per_unit / self.scale.grown)
        check()
        self._fbx(label, motion, skin)

    def _fbx(self, label: str, motion: Motion, skin: Skin | None) -> None:
        """By Blender, where there is one: whoever has none has no use for it today, and may import motion.npz later."""
        blender = find_blender(self.job.params.blender)
        if blender is None:
            self.context.log.info("no FBX: there is no Blender on this computer")
            return
        path = self.shop.person(label) / FBX_FILE
        check = self.context.check_cancelled
        write_fbx(motion, path, blender=blender, check_cancelled=check, name=label, skin=skin)

    def _pose(self, label: str, step: Callable[[int, int], None]) -> None:
        """Skeleton pictures and keypoint files, a picture for every frame."""
        track, lens, count = self.seen.tracks[label], self.job.camera.intrinsics, len(self.job.numbers)
        width, height = lens.width, lens.height
        pictures, points = self.shop.pictures(label), self.shop.keypoints(label)
        write_pose_pictures(pictures, track, width, height, lambda done: step(done, count))
        write_pose_json(points, track, list(self.seen.tracks).index(label), lambda done: step(done, count))
        write_tracking_metadata(points, self.seen, label, fps=self.job.fps, width=width, height=height)
