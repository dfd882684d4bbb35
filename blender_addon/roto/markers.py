"""Frames that need a look, as markers of the timeline."""

from __future__ import annotations

import json

import bpy

from ..shared.roto_report import RotoReport
from . import objects

_MOST = 100


def place_markers(scene: bpy.types.Scene, report: RotoReport | None) -> int:
    """Replaces the markers of the import before; one that the artist has moved or renamed is his own. Returns how many
    there are now."""
    state = objects.of_scene(scene)
    for name, frame in json.loads(state.markers or "[]"):
        old = next((m for m in scene.timeline_markers if m.name == name and m.frame == frame), None)
        if old is not None:
            scene.timeline_markers.remove(old)
    placed: list[tuple[str, int]] = []
    for problem in report.problems[:_MOST] if report is not None else ():
        of = f"{problem.label} " if problem.label else ""
        span = f" to {problem.last}" if problem.last > problem.first else ""
        name = f"{of}{problem.kind.replace('-', ' ')}{span}"
        scene.timeline_markers.new(name, frame=problem.first)
        placed.append((name, problem.first))
    state.markers = json.dumps(placed)
    return len(placed)
