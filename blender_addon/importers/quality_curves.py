"""How good the solve is, where the artist looks for it: curves on the camera, markers in the timeline.

The curves are animated custom properties of the camera object, beside its poses: `solve_error_px` (mean reprojection
error), `solve_confidence` (0..1), `solve_points` (how many the frame sees), `camera_speed` (units a second) and,
once the export has analysed the motion, `camera_shake_px`. Drivers can read them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np

from ..shared.solve_report import Problem
from . import animation, ownership
from .quality import HELP, SPEED, SolveQuality

_MARKS = "backlot_markers"
_END = "end of "


def import_quality(
    scene: bpy.types.Scene, collection: bpy.types.Collection, camera: bpy.types.Object, quality: SolveQuality
) -> Iterator[None]:
    """Writes curves and markers; those of the import before are replaced. A step for each curve."""
    action = ownership.recall(collection, ownership.CAMERA_ACTION)
    curves = animation.channels(action, camera)
    for name, text in HELP.items():
        channel = quality.channels.get(name)
        if channel is None:
            animation.remove_curve(curves, f'["{name}"]')
            continue
        camera[name] = float(channel.values[0])
        camera.id_properties_ui(name).update(description=text)
        marks = animation.gap_marks(channel.frames)
        kinds = np.full(len(channel.frames), animation.KEYFRAME)
        animation.write_curve(curves, f'["{name}"]', 0, channel.frames, channel.values, marks, kinds)
        yield
    _mark(scene, collection, quality.problems)


def scale_speed(curves: Any, factor: float) -> None:
    """The speed curve after the world was scaled."""
    curve = curves.find(f'["{SPEED}"]')
    if curve is not None:
        keys = np.empty(2 * len(curve.keyframe_points), np.float32)
        curve.keyframe_points.foreach_get("co", keys)
        keys[1::2] *= factor
        curve.keyframe_points.foreach_set("co", keys)
        curve.update()


def _mark(scene: bpy.types.Scene, collection: bpy.types.Collection, problems: tuple[Problem, ...]) -> None:
    """Markers at the first and last frame of every bad range. Of the import before, those are replaced that still
    have their name and frame: others the artist has made his own."""
    ours = {(name, frame) for name, frame in json.loads(collection.get(_MARKS, "[]"))}
    for marker in [marker for marker in scene.timeline_markers if (marker.name, marker.frame) in ours]:
        scene.timeline_markers.remove(marker)
    made = []
    for problem in problems:
        made.append(scene.timeline_markers.new(problem.sentence, frame=problem.first))
        if problem.last != problem.first:
            made.append(scene.timeline_markers.new(f"{_END}{problem.kind}", frame=problem.last))
    collection[_MARKS] = json.dumps([(marker.name, marker.frame) for marker in made])


def problem_starts(collection: bpy.types.Collection) -> list[int]:
    """The first frames of the bad ranges that the last import marked."""
    marks = json.loads(collection.get(_MARKS, "[]"))
    return sorted({int(frame) for name, frame in marks if not name.startswith(_END)})
