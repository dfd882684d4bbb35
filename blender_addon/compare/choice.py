"""Which pictures are compared."""

from __future__ import annotations

from pathlib import Path

import bpy

from .files import frame_file
from .settings import DIFFERENCE, OFF, ONION, RENDER, SEQUENCE, VIEWPORT, CompareSettings

_BEFORE, _AFTER = (1.0, 0.55, 0.5), (0.5, 0.7, 1.0)
_FADING = 0.6
"""Each ghost is so much fainter than the one before it."""


def render_path(scene: bpy.types.Scene) -> Path | None:
    """The file of the render that the plate is compared with; None for the viewport, and when there is none."""
    settings = scene.backlot_compare
    if settings.source == RENDER and settings.taken:
        return Path(settings.taken)
    if settings.source == SEQUENCE and settings.path:
        return frame_file(bpy.path.abspath(settings.path), scene.frame_current)
    return None


def missing(scene: bpy.types.Scene) -> str:
    """What has to be done before there is something to compare, "" when nothing has to."""
    settings = scene.backlot_compare
    if settings.mode == OFF:
        return ""
    if settings.source == VIEWPORT:
        return "A difference needs a render or files" if settings.mode == DIFFERENCE else ""
    path = render_path(scene)
    if path is None:
        return "Take the render first" if settings.source == RENDER else "Choose a frame of the files"
    if path.is_file():
        return ""
    return "Take the render again" if settings.source == RENDER else f"{path.name} is missing"


def ghosts(settings: CompareSettings, frame: int) -> list[tuple[int, float, tuple[float, float, float]]]:
    """Frame number, opacity and tint of the neighbours that are shown, the farthest first."""
    if settings.mode != ONION:
        return []
    found = []
    for away in range(settings.ghosts, 0, -1):
        opacity = 0.5 * settings.opacity * _FADING ** (away - 1)
        found += [(frame - away, opacity, _BEFORE), (frame + away, opacity, _AFTER)]
    return found
