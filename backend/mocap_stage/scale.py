"""A shot without a scale gets one from its people."""

from __future__ import annotations

from dataclasses import dataclass, replace

from backend.pipeline.context import StageContext
from backend.world.change import WorldStep, move_held
from shared.camera_files import UNCHANGED

from .fitting import Fitted
from .job import PERSON, MocapJob

_SAME = 0.005
"""Difference of sizes for which a world in metres, with all that is in it, is not moved."""


@dataclass(frozen=True)
class Scale:
    """metres_per_unit: of the world as it was when the stage began. grown: how much larger the world is now. revision:
    of the world now. source: as `MocapReport.scale` has it."""

    metres_per_unit: float
    grown: float
    revision: int
    source: str


def set_scale(job: MocapJob, fitted: Fitted, context: StageContext) -> Scale:
    """Makes the shot's world metric when it is not and the user lets it. Raises as `change_world`."""
    revision, metres = job.camera.world.revision, fitted.metres_per_unit
    if job.metric:
        return Scale(1.0, 1.0, revision, "solve")
    if job.camera.extrinsics.units == "metres" and abs(metres - 1.0) < _SAME:
        return Scale(1.0, 1.0, revision, "solve")
    source = _source(job, fitted)
    if job.params.set_scale == "off":
        context.notice(
            f"The solve has no scale, and none was set: by the people, a unit of the world is {metres:.3g} m."
        )
        return Scale(metres, 1.0, revision, source)
    tall = f"{job.params.height_m:.2f} m" if job.params.height_m is not None else "as tall as people mostly are"
    context.notice(f"The shot's scale was set from its people, taken to be {tall}: a unit was {metres:.3g} m.")
    said = job.camera.extrinsics
    step = WorldStep(replace(UNCHANGED, scale=metres), said.up_source, PERSON, "metres")
    moved = move_held(job.shot, job.camera, step, context.check_cancelled, keep=context.stage)
    return Scale(metres, metres, moved.world.revision, source)


def _source(job: MocapJob, fitted: Fitted) -> str:
    """What the people's size was measured against."""
    if job.params.height_m is not None or not (job.cameras.travels or fitted.ground.floor):
        return "height"
    return "floor" if fitted.ground.floor is not None else "motion"
