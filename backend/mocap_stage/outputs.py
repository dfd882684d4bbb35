"""The files of one person, in the workshop."""

from __future__ import annotations

import numpy as np

from backend.mocap.clip import ClipMotion
from backend.mocap.motion import motion_of
from backend.pipeline.atomic import disk_errors
from backend.pose import PersonTrack
from shared.motion_arrays import MOTION_FILE, Motion, write_motion

from .fitting import resized
from .job import MocapJob
from .publish import Workshop
from .scale import Scale


def write_person(
    shop: Workshop, label: str, track: PersonTrack, solved: ClipMotion, job: MocapJob, scale: Scale, engine: str
) -> Motion:
    """solved: in the world as it was when the stage began. What is written is in the world as it is now."""
    person = resized(solved, scale.grown)
    motion = motion_of(
        person.body, np.array(job.numbers, np.int64), person.state, person.confidence, person.contacts, fps=job.fps,
        world_revision=scale.revision, engine=engine,
    )  # fmt: skip
    with disk_errors(shop.person(label)):
        write_motion(shop.person(label) / MOTION_FILE, motion)
    return motion
