"""Frame rate, range, resolution and pixel aspect of the scene."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from .contents import ShotContents

_APPLIED = "backlot_scene_settings"
_MAX_FPS = 32767


def apply_scene_settings(scene: bpy.types.Scene, collection: bpy.types.Collection, contents: ShotContents) -> list[str]:
    """Fits the scene to the shot. A later import of the same shot changes only what the artist has left
    as it was set. Returns the names of the settings that were kept."""
    wanted = _wanted(contents)
    before: dict[str, Any] = json.loads(collection.get(_APPLIED, "{}"))
    kept = []
    for name, value in wanted.items():
        owner, attribute = _place(scene, name)
        now = getattr(owner, attribute)
        if name in before and not _same(now, before[name]):
            kept.append(name)
        else:
            setattr(owner, attribute, value)
    collection[_APPLIED] = json.dumps(wanted)
    return kept


def blender_rate(rate: Fraction) -> tuple[int, float]:
    """`fps` and `fps_base` whose quotient is the exact rate: 24000/1001 -> (24, 1.001)."""
    if rate.denominator == 1 and rate.numerator <= _MAX_FPS:
        return rate.numerator, 1.0
    whole = min(max(math.ceil(rate), 1), _MAX_FPS)
    return whole, float(whole / rate)


def _wanted(contents: ShotContents) -> dict[str, Any]:
    from .lens import pixel_aspect

    intrinsics = contents.camera.intrinsics
    aspect = pixel_aspect(intrinsics)
    fps, base = blender_rate(Fraction(intrinsics.fps))
    facts = contents.shot.facts
    return {
        "frame_start": facts.frame_start,
        "frame_end": facts.frame_end,
        "render.fps": fps,
        "render.fps_base": base,
        "render.resolution_x": intrinsics.width,
        "render.resolution_y": intrinsics.height,
        "render.resolution_percentage": 100,
        # Blender takes no aspect below 1: a narrow pixel is a high one.
        "render.pixel_aspect_x": max(aspect, 1.0),
        "render.pixel_aspect_y": max(1.0 / aspect, 1.0),
    }


def _place(scene: bpy.types.Scene, name: str) -> tuple[Any, str]:
    owner, _, attribute = name.rpartition(".")
    return (scene.render, attribute) if owner else (scene, attribute)


def _same(now: float, before: float) -> bool:
    return math.isclose(now, before, rel_tol=1e-6)
