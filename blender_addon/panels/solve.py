"""Solving: the few settings that matter, the button, progress, and what came of it."""

from __future__ import annotations

import bpy

from .. import runtime, wording
from .stage_line import draw_import, draw_notices, draw_problems, summary_of
from .stage_panel import Fold, StagePanel, When, panels_of
from .tab import letters

_PROBLEMS = 6
"""Bad ranges that the panel lists; the timeline marks all."""


def _result(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    summary = summary_of(context)
    if summary is None or not summary.is_solved:
        return
    box = layout.box()
    column = box.column(align=True)
    for line in summary.camera:
        wording.draw_wrapped(column, line, letters(context))
    draw_problems(box, [(one.first, one.sentence) for one in summary.problems], letters(context), _PROBLEMS)
    draw_notices(context, column, "solve")
    draw_import(box, runtime.pump().importing, "backlot.update_scene")


SOLVE = StagePanel(
    stage="solve",
    label="Solve Camera",
    button="backlot.solve_camera",
    icon="CAMERA_DATA",
    main=("quality", "motion", "zoom"),
    folds=(
        Fold(
            "lens",
            "Lens",
            (
                "sensor", "sensor_mm", "focal_mm", "focal_px", "fix_focal", "focal_min_mm", "focal_max_mm",
                "focal_min_px", "focal_max_px", "distortion", "rolling_shutter", "readout_ms",
            ),
        ),
    ),
    when=(
        When("sensor_mm", "sensor", ("custom",)),
        When("readout_ms", "rolling_shutter", ("known",)),
        When("matcher", "engine", ("auto", "sfm-learned")),
    ),
    labels={
        "focal_px": "In Pixels", "readout_ms": "Readout (ms)", "focal_min_mm": "Shortest",
        "focal_max_mm": "Longest", "focal_min_px": "Shortest (px)", "focal_max_px": "Longest (px)",
    },
    result=_result,
    settings=("import_when_done", "set_scene"),
    is_open=True,
)  # fmt: skip

CLASSES = panels_of(SOLVE)
