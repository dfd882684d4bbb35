"""Presets of stages: taking one of Backlot's, and keeping own ones as Blender keeps all presets."""

from __future__ import annotations

from typing import ClassVar

import bpy
from bl_operators.presets import AddPresetBase

from .. import declared
from ..shared.errors import BacklotError, InvalidRequest
from ..shared.params import specs
from ..shared.stage_presets import OF_A_SHOT, PRESETS, find_preset, preset_values
from ..shared.stages import STAGES, stage_info
from .reporting import FINISHED, refuse


def subfolder(stage: str) -> str:
    """Of Blender's preset folders."""
    return f"backlot/{stage}"


def menu_name(stage: str) -> str:
    return f"BACKLOT_PT_{stage}_presets"


def add_operator(stage: str) -> str:
    return f"backlot.{stage}_preset_add"


class BACKLOT_OT_use_preset(bpy.types.Operator):
    """Set the stage's parameters to a preset; frame ranges, labels and folders stay as they are"""

    bl_idname = "backlot.use_preset"
    bl_label = "Use Backlot Preset"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    stage: bpy.props.EnumProperty(
        name="Stage", description="Whose parameters are set",
        items=tuple((info.name, info.label, info.help) for info in STAGES), default="solve",
    )  # fmt: skip
    preset: bpy.props.StringProperty(
        name="Preset", description="Name of one of Backlot's presets; empty sets everything to its default"
    )

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        found = find_preset(properties.stage, properties.preset)
        return found.help if found is not None else "Every parameter of the stage as it was at first"

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            use_preset(context.scene, self.stage, self.preset)
        except BacklotError as error:
            return refuse(self, error)
        return FINISHED


def use_preset(scene: bpy.types.Scene, stage: str, name: str) -> None:
    """Raises `InvalidRequest` for a preset that there is not."""
    found = find_preset(stage, name)
    if name and found is None:
        known = ", ".join(preset.name for preset in PRESETS.get(stage, ()))
        raise InvalidRequest(f"{stage_info(stage).label} has no preset {name!r}.", f"It has: {known or 'none'}.")
    group, params = getattr(scene.backlot, stage), stage_info(stage).params
    declared.reset(group, params, keep=OF_A_SHOT)
    if found is not None:
        declared.assign(group, params, preset_values(stage, found))


def _add(stage: str, label: str) -> type[bpy.types.Operator]:
    """Writing and removing the artist's own presets of a stage."""
    params = stage_info(stage).params
    kept = [spec for spec in specs(params) if spec.name not in OF_A_SHOT]
    names = [name for spec in kept for name in ([declared.switch_name(spec)] if declared.has_switch(spec) else [])]
    names += [spec.name for spec in kept]
    members = {
        "__doc__": f"Keep the parameters of {label} as a preset, or remove the chosen one",
        "bl_idname": add_operator(stage),
        "bl_label": f"Add {label} Preset",
        "bl_options": {"REGISTER", "INTERNAL"},
        "preset_menu": menu_name(stage),
        "preset_values": [f"bpy.context.scene.backlot.{stage}.{name}" for name in names],
        "preset_subdir": subfolder(stage),
    }
    return type(f"BACKLOT_OT_{stage}_preset_add", (AddPresetBase, bpy.types.Operator), members)


CLASSES = (BACKLOT_OT_use_preset, *(_add(info.name, info.label) for info in STAGES))
