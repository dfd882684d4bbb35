"""The table of models in the preferences."""

from __future__ import annotations

import bpy

from .. import wording
from .manager import ModelRow, WeightsManager

_MB = 1e6


def draw_models(layout: bpy.types.UILayout, manager: WeightsManager, *, commercial_safe: bool, width: int) -> None:
    """width: letters."""
    if manager.error is not None:
        wording.draw_error(layout.box(), manager.error, width)
    if manager.models is None:
        layout.label(text="Reading the list ..." if manager.busy else "The list comes when the backend is set up")
        return
    layout.label(text=manager.folder, icon="FILE_FOLDER")
    for engine in dict.fromkeys(row.engine for row in manager.models):
        column = layout.column(align=True)
        column.label(text=engine)
        for row in manager.models:
            if row.engine == engine:
                _draw_row(column, manager, row, commercial_safe)


def _draw_row(layout: bpy.types.UILayout, manager: WeightsManager, row: ModelRow, commercial_safe: bool) -> None:
    line = layout.split(factor=0.42, align=True)
    line.label(text=row.name, icon="CHECKMARK" if row.ready else "BLANK1")
    rest = line.split(factor=0.62, align=True)
    refused = commercial_safe and not row.commercial
    rest.label(text=row.licence, icon="CANCEL" if refused else "NONE")
    end = rest.row(align=True)
    if manager.fetching == row.name:
        end.progress(factor=_fraction(manager), type="BAR", text=_amount(manager))
        end.operator("backlot.cancel_weights", text="", icon="X")
        return
    end.label(text=f"{row.bytes / _MB:,.0f} MB" if row.bytes else "")
    if row.ready:
        end.operator("backlot.delete_weights", text="", icon="TRASH").model = row.name
    else:
        end.operator("backlot.fetch_weights", text="", icon="IMPORT").model = row.name


def _fraction(manager: WeightsManager) -> float:
    return manager.done / manager.total if manager.total else 0.0


def _amount(manager: WeightsManager) -> str:
    there = f"{manager.done / _MB:,.0f}"
    return f"{there} of {manager.total / _MB:,.0f} MB" if manager.total else f"{there} MB"
