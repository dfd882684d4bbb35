"""Tracks on things that move by themselves, before and after the camera is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .job import Job
from .motion_masks import MotionMasks
from .refine import Refined
from .result import CameraSolve
from .track_motion import judge_tracks


def with_masks(result: CameraSolve, refined: Refined, job: Job) -> CameraSolve:
    """The result with the masks of what moves, made while they are read."""
    if not job.settings.find_movers:
        return result
    everything = refined.everything
    diagonal = float(np.hypot(job.frames.width, job.frames.height))
    motion = judge_tracks(refined.scene, everything, job.px, diagonal)
    tracks = None if result.tracks is None else result.tracks.marked(motion.moving)
    return replace(result, tracks=tracks, moving=MotionMasks(job.frames, refined.scene, everything, motion, job.steps))
