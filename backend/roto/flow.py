"""Engine `flow`: hints become masks, and optical flow carries them through the clip. No model weights."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

from .job import RotoJob
from .propagation import FrameMasks, PropagationSettings


def roto_frames(job: RotoJob) -> Iterator[FrameMasks]:
    """Every number of the job once, ascending. Raises `InvalidRequest` for hints that lead nowhere."""
    propagation: Any = importlib.import_module("backend.roto.propagation")
    frames: Iterator[FrameMasks] = propagation.clip_masks(
        job.picture, job.numbers, job.hints, job.store, PropagationSettings(), job.checkpoint
    )
    return frames
