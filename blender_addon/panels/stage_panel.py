"""Panels of stages are declared, not designed: this makes them from a `StagePanel`.

Every one has, in this order: what must be there first, the stage's own rows, the few parameters that matter, its state
(`stage_line.py`), its button, and what came of it. The other parameters are in closed subpanels: those that the
declaration groups, what chooses engines and their models, and the rest. The header has the presets.
docs/architecture.md shows how to add one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import bpy

from .. import declared
from ..shared.params import ParamSpec, specs
from ..shared.stages import stage_info
from ..stage_states import RUNNING
from .engine_line import draw_engine_notice, draw_models
from .job_state import current_job
from .stage_line import draw_header, draw_state
from .tab import BacklotTab

Draw = Callable[[bpy.types.UILayout, bpy.types.Context], None]
Poll = Callable[[bpy.types.Context], bool]

MODELS = ("engine", "matcher", "model", "weights", "body_model", "allow_non_commercial", "command", "chunk", "blender")
"""Parameters that say what runs rather than what comes out."""

LABELS = {"allow_non_commercial": "Non-commercial"}
"""Shorter than the declared ones: half the sidebar is for the value."""


@dataclass(frozen=True)
class Fold:
    """A subpanel, closed at first. name: the end of its id. params: of the stage. draw: rows below them. header: in
    its header, before the title. under: the name of another fold that it belongs to."""

    name: str
    label: str
    params: tuple[str, ...] = ()
    draw: Draw | None = None
    poll: Poll | None = None
    header: Draw | None = None
    is_open: bool = False
    under: str = ""


@dataclass(frozen=True)
class When:
    """A parameter that has an effect only while another one has one of these values; else it is grey."""

    param: str
    other: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class StagePanel:
    """The panel of a stage.

    stage: of `shared/stages.py`. button: the operator that runs it. main: the parameters above the button. folds:
    closed subpanels; parameters that are nowhere are in Advanced. labels: parameter -> a shorter label than the
    declared one. hidden: parameters that rows of the panel show themselves. missing: rows instead of the panel's, and
    True, while something has to be done first. above: rows at the top. result: rows below the button. settings: of the
    scene's shot, at the end of Advanced. name: end of the ids, if not the stage's. where: editor and tab, if not the
    sidebar of the 3D viewport. under: the id of a panel that it is a subpanel of. text: on the button, if not the
    operator's label.
    """

    stage: str
    label: str
    button: str
    icon: str
    main: tuple[str, ...]
    folds: tuple[Fold, ...] = ()
    when: tuple[When, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    missing: Callable[[bpy.types.UILayout, bpy.types.Context], bool] | None = None
    above: Draw | None = None
    result: Draw | None = None
    settings: tuple[str, ...] = ()
    is_open: bool = False
    text: str = ""
    name: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    under: str = ""

    @property
    def idname(self) -> str:
        return f"BACKLOT_PT_{self.name or self.stage}"


def panels_of(declaration: StagePanel) -> tuple[type[bpy.types.Panel], ...]:
    """The classes, parents first, not registered yet."""
    where = declaration.where or {
        "bl_space_type": BacklotTab.bl_space_type,
        "bl_region_type": BacklotTab.bl_region_type,
        "bl_category": BacklotTab.bl_category,
    }
    main = _main_panel(declaration, where)
    return (main, *(_fold_panel(declaration, fold, where) for fold in _all_folds(declaration)))


def group_of(context: bpy.types.Context, stage: str) -> bpy.types.PropertyGroup:
    """The scene's settings of a stage."""
    return getattr(context.scene.backlot, stage)


def draw_params(
    layout: bpy.types.UILayout, context: bpy.types.Context, declaration: StagePanel, names: tuple[str, ...]
) -> None:
    """A row for each of the named parameters, grey while a job of the shot runs."""
    job = current_job(context)
    column = layout.column()
    column.use_property_split, column.use_property_decorate = True, False
    column.enabled = job is None or job.is_over
    group = group_of(context, declaration.stage)
    known = {spec.name: spec for spec in specs(stage_info(declaration.stage).params)}
    for name in names:
        label = declaration.labels.get(name, "") or LABELS.get(name, "")
        declared.draw(column, group, known[name], _has_effect(declaration, group, known[name]), label)


def _has_effect(declaration: StagePanel, group: bpy.types.PropertyGroup, spec: ParamSpec) -> bool:
    return all(getattr(group, rule.other) in rule.values for rule in declaration.when if rule.param == spec.name)


def _main_panel(declaration: StagePanel, where: Mapping[str, str]) -> type[bpy.types.Panel]:
    def draw(self: bpy.types.Panel, context: bpy.types.Context) -> None:
        _draw_main(self.layout, context, declaration)

    def draw_header_preset(self: bpy.types.Panel, context: bpy.types.Context) -> None:
        draw_header(self.layout, context, declaration.stage)

    members = {
        **where,
        "bl_idname": declaration.idname,
        "bl_label": declaration.label,
        "bl_options": set() if declaration.is_open else {"DEFAULT_CLOSED"},
        "draw": draw,
        "draw_header_preset": draw_header_preset,
    }
    if declaration.under:
        members["bl_parent_id"] = declaration.under
    return type(declaration.idname, (bpy.types.Panel,), members)


def _draw_main(layout: bpy.types.UILayout, context: bpy.types.Context, declaration: StagePanel) -> None:
    if declaration.missing is not None and declaration.missing(layout, context):
        return
    if declaration.above is not None:
        declaration.above(layout, context)
    draw_params(layout, context, declaration, declaration.main)
    draw_engine_notice(layout, context, declaration.stage)
    state = draw_state(context, layout, declaration.stage)
    if state.kind == RUNNING:
        return
    row = layout.row()
    row.scale_y = 1.6
    words = {"text": declaration.text} if declaration.text else {}
    row.operator(declaration.button, icon=declaration.icon, **words)
    if declaration.result is not None:
        declaration.result(layout, context)


def _all_folds(declaration: StagePanel) -> tuple[Fold, ...]:
    """Those that are declared, then the engine's, then what is left."""
    known = [spec.name for spec in specs(stage_info(declaration.stage).params) if spec.name not in declaration.hidden]
    placed = {*declaration.main, *(name for fold in declaration.folds for name in fold.params)}
    models = tuple(name for name in MODELS if "engine" in known and name in known and name not in placed)
    rest = tuple(name for name in known if name not in placed and name not in models)
    found = list(declaration.folds)
    if models:
        found.append(Fold("engine", "Engine and Models", models, _models_rows(declaration)))
    if rest or declaration.settings:
        found.append(Fold("advanced", "Advanced", rest, _settings_rows(declaration)))
    return tuple(found)


def _models_rows(declaration: StagePanel) -> Draw:
    return lambda layout, context: draw_models(layout, context, declaration.stage)


def _settings_rows(declaration: StagePanel) -> Draw | None:
    if not declaration.settings:
        return None

    def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
        column = layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        for name in declaration.settings:
            column.prop(context.scene.backlot, name)

    return draw


def _fold_panel(declaration: StagePanel, fold: Fold, where: Mapping[str, str]) -> type[bpy.types.Panel]:
    def draw(self: bpy.types.Panel, context: bpy.types.Context) -> None:
        if fold.params:
            draw_params(self.layout, context, declaration, fold.params)
        if fold.draw is not None:
            fold.draw(self.layout, context)

    name = f"{declaration.idname}_{fold.name}"
    members: dict[str, Any] = {
        **where,
        "bl_idname": name,
        "bl_label": fold.label,
        "bl_parent_id": f"{declaration.idname}_{fold.under}" if fold.under else declaration.idname,
        "bl_options": set() if fold.is_open else {"DEFAULT_CLOSED"},
        "draw": draw,
    }
    if fold.poll is not None:
        members["poll"] = classmethod(_poll(fold.poll))
    if fold.header is not None:
        members["draw_header"] = _header(fold.header)
    return type(name, (bpy.types.Panel,), members)


def _poll(wanted: Poll) -> Callable[[type[bpy.types.Panel], bpy.types.Context], bool]:
    """Blender counts the arguments of what it calls, defaults too."""
    return lambda _cls, context: wanted(context)


def _header(rows: Draw) -> Callable[[bpy.types.Panel, bpy.types.Context], None]:
    return lambda self, context: rows(self.layout, context)
