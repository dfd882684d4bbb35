"""Errors of the tree as Blender's reports."""

from __future__ import annotations

import bpy

from ..shared.errors import BacklotError

CANCELLED = {"CANCELLED"}
FINISHED = {"FINISHED"}


def refuse(operator: bpy.types.Operator, error: BacklotError) -> set[str]:
    """Reports what happened and what to do, and ends the operator."""
    operator.report({"ERROR"}, str(error))
    return CANCELLED
