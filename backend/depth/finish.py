"""Finished maps: the static scene as the passes found it, with the depth of what moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .frame import UNKNOWN
from .job import DepthJob
from .movers import WatchedFrame, watched, with_movers
from .passes import Final
from .store import DepthStore


def finished(job: DepthJob, numbers: Sequence[int], maps: DepthStore, raw: DepthStore | None) -> Final:
    """What gives the finished map of a plate number. Looks at all frames once, for where their movers stand. raw: the
    maps of an engine that sees the shape of what moves, if it does."""
    indices = {number: index for index, number in enumerate(job.pictures.numbers)}

    def watch(number: int) -> WatchedFrame:
        index = indices[number]
        pose, moving, still = job.poses[index], job.pictures.moving(index), maps.read(number)
        assert pose is not None
        if moving.any():
            depth, sure = (np.where(moving, np.float32(UNKNOWN), plane) for plane in (still.depth, still.confidence))
            still = replace(still, depth=depth, confidence=sure)
        engine = None if raw is None else raw.read(number)
        return WatchedFrame(still, moving, pose, job.pictures.things(index), engine)

    movers = watched(map(watch, numbers), job.checkpoint)
    return lambda number: with_movers(watch(number), movers)
