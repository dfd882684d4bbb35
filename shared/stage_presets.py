"""Presets of stages that Backlot brings: named sets of parameters, validated like any others.

What a preset does not name is as declared, so that the same preset always means the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .params import specs
from .stages import stage_info

OF_A_SHOT = ("frame_start", "frame_end", "labels", "views", "weights", "body_model", "command", "blender", "chunk")
"""Parameters that belong to a shot or a computer: presets leave them as they are."""


@dataclass(frozen=True)
class Preset:
    """help: when to take it, without a full stop."""

    name: str
    help: str
    values: Mapping[str, Any]


PRESETS: Mapping[str, tuple[Preset, ...]] = {
    "solve": (
        Preset(
            "Fast Preview",
            "Is this shot solvable at all? At most 640 pixels wide, no look for moving things",
            {"quality": "fast", "no_movers": True, "depth_prior": "off"},
        ),
        Preset("Best Quality", "The final camera: the plate's own resolution, most refinement", {"quality": "best"}),
        Preset(
            "Locked Camera",
            "A camera that does not move at all, with one focal length",
            {"motion": "locked", "zoom": "fixed"},
        ),
        Preset(
            "Tripod Pan",
            "A camera that only turns, on a tripod's head; the zoom is found out",
            {"motion": "nodal", "quality": "high"},
        ),
        Preset(
            "Handheld Phone",
            "A phone in the hand: a sensor that is read row by row, a lens that bends lines, one focal length",
            {"rolling_shutter": "auto", "distortion": "radial", "zoom": "fixed", "motion": "full"},
        ),
        Preset(
            "Zoom Lens",
            "The focal length changes during the shot",
            {"zoom": "free", "quality": "high"},
        ),
        Preset(
            "Hardly Moving",
            "Little camera movement: the densest features and the longest tracks",
            {"quality": "slow"},
        ),
    ),
    "roto": (
        Preset("Painted Hints", "Follows what was painted or clicked, without a network", {"engine": "flow"}),
        Preset("People", "Finds people by themselves and follows them", {"engine": "person"}),
        Preset(
            "For Compositing",
            "Splines for Nuke and After Effects, and a Cryptomatte, besides the masks",
            {"splines": True, "cryptomatte": True, "nuke": True, "after_effects": True},
        ),
    ),
    "matte": (
        Preset("Soft Edges", "Hair, fur and motion blur: a wide band about the outline", {"band": 2.0}),
        Preset("Hard Edges", "Cars, props and architecture: a narrow band about the outline", {"band": 0.5}),
        Preset(
            "For Compositing",
            "The object's own colours without the background, premultiplied, besides the matte",
            {"foreground": True},
        ),
    ),
    "depth": (
        Preset(
            "Fast Preview",
            "A quarter of the pixels, one round of consistency, no normals",
            {"resolution": "half", "iterations": 1, "normals": False},
        ),
        Preset(
            "Best Quality",
            "All pixels, also where neighbouring frames are brought into agreement",
            {"consistency_resolution": "full", "iterations": 8},
        ),
        Preset("Set as Mesh", "One cloud and one mesh of the whole set", {"dense": True, "mesh": True}),
        Preset("Only Measured", "Nothing is filled in where depth was not measured", {"holes": "keep"}),
    ),
    "mocap": (
        Preset("Fast Preview", "The fewest looks at each person", {"pose_mode": "lightweight"}),
        Preset("Best Quality", "Many looks at each person; the middle one counts", {"pose_mode": "performance"}),
        Preset(
            "Textured Double",
            "A plain body about the bones, painted with the plate's pixels",
            {"mesh": "proxy", "textures": True},
        ),
    ),
    "export": (
        Preset("Nuke", "Nuke's axes and order of rotations", {"axes": "nuke", "rotation_order": "zxy"}),
        Preset("Maya", "Maya's axes and order of rotations", {"axes": "maya", "rotation_order": "xyz"}),
        Preset("Houdini", "Houdini's axes and order of rotations", {"axes": "houdini", "rotation_order": "xyz"}),
    ),
}  # fmt: skip


def preset_values(stage: str, preset: Preset | None) -> dict[str, Any]:
    """Every parameter of a stage that presets set, with its value: the preset's, or as declared (None: all so)."""
    own = preset.values if preset is not None else {}
    return {
        spec.name: own.get(spec.name, spec.default)
        for spec in specs(stage_info(stage).params)
        if spec.name not in OF_A_SHOT
    }


def find_preset(stage: str, name: str) -> Preset | None:
    return next((preset for preset in PRESETS.get(stage, ()) if preset.name == name), None)
