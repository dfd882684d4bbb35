"""What a stage's panel says of its engine: whether it can run here, its licences, and where models come from."""

from __future__ import annotations

import bpy

from .. import preferences, runtime, wording
from ..shared.messages import EngineStatus
from ..shared.params import specs
from ..shared.stages import stage_info
from .tab import letters

_LEARNED = "learned"


def draw_engine_notice(layout: bpy.types.UILayout, context: bpy.types.Context, stage: str) -> None:
    """Why the chosen engine cannot run, with the button that helps; nothing for one that can."""
    status = _chosen(context, stage)
    if status is None or status.ready:
        return
    box, width = layout.box(), letters(context)
    column = box.column(align=True)
    wording.draw_wrapped(column, status.reason, width, "ERROR")
    if status.kind == _LEARNED:
        box.operator("backlot.show_models", icon="IMPORT")
    elif status.remedy:
        wording.draw_wrapped(column, status.remedy, width, "INFO")


def draw_models(layout: bpy.types.UILayout, context: bpy.types.Context, stage: str) -> None:
    """Below what chooses them: the engines that are ready, licences of the chosen one, and the commercial switch."""
    width, column = letters(context), layout.column(align=True)
    status = _chosen(context, stage)
    if status is not None:
        _draw_licence(column, status, width)
    else:
        for one in runtime.pump().engines.of_stage(stage):
            column.label(text=_label(one), icon="CHECKMARK" if one.ready else "REMOVE")
    if not runtime.pump().engines.engines:
        wording.draw_wrapped(column, _why_unknown(), width)
    chosen = preferences.current()
    if chosen is not None:
        layout.prop(chosen, "commercial_safe")
    layout.operator("backlot.show_models", icon="PREFERENCES")


def _why_unknown() -> str:
    """What engines there are."""
    if not runtime.session().online:
        return "Start the backend to see which engines are ready"
    error = runtime.pump().engines.error
    return error.message if error is not None else "Looking which engines are ready"


def _chosen(context: bpy.types.Context, stage: str) -> EngineStatus | None:
    """The engine that the panel names; None for "auto", and while the backend has not said."""
    engines = runtime.pump().engines
    engines.wish()
    return engines.find(stage, getattr(getattr(context.scene.backlot, stage), "engine", ""))


def _label(status: EngineStatus) -> str:
    """As the list of engines calls it."""
    choices = next((spec.choices for spec in specs(stage_info(status.stage).params) if spec.name == "engine"), ())
    return next((wording.title(one.label) for one in choices if one.value == status.engine), status.engine)


def _draw_licence(column: bpy.types.UILayout, status: EngineStatus, width: int) -> None:
    column.label(text="Ready" if status.ready else "Not Ready", icon="CHECKMARK" if status.ready else "ERROR")
    wording.draw_wrapped(column, f"Code: {status.code_licence}", width)
    if status.weights_licence:
        wording.draw_wrapped(column, f"Weights: {status.weights_licence}", width)
    if not status.commercial:
        wording.draw_wrapped(column, "Not for commercial work", width, "ERROR")
