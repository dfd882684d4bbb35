"""What Blender knows the presets of a stage by."""

from __future__ import annotations


def subfolder(stage: str) -> str:
    """Of Blender's preset folders."""
    return f"backlot/{stage}"


def menu_name(stage: str) -> str:
    return f"BACKLOT_PT_{stage}_presets"


def add_operator(stage: str) -> str:
    return f"backlot.{stage}_preset_add"
