"""Motion onto other rigs, and the bone maps for it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import bpy
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..mocap import bone_map
from ..shared.errors import BacklotError, InvalidRequest
from .mocap import person_of
from .reporting import FINISHED, refuse

_SUFFIX = ".json"


def rig_of(context: bpy.types.Context) -> bpy.types.Object | None:
    """The rig that is chosen, or else the active armature if it is nobody captured."""
    chosen = context.scene.backlot_retarget.rig
    active = context.object
    if chosen is not None:
        return chosen
    is_rig = active is not None and active.type == "ARMATURE" and active != person_of(context)
    return active if is_rig else None


def bones_of(settings: bpy.types.PropertyGroup, rig: bpy.types.Object) -> dict[str, str]:
    """The bone map of a rig: guessed when the one in the panel is another rig's."""
    from ..mocap.retargeting import guessed

    if settings.bones_of != rig.name or not settings.bones:
        show_bones(settings, rig, guessed(rig))
    return {item.name: item.bone for item in settings.bones if item.bone}


def show_bones(settings: bpy.types.PropertyGroup, rig: bpy.types.Object, bones: dict[str, str]) -> None:
    """Fills the panel's table."""
    settings.bones.clear()
    for slot in bone_map.SLOTS:
        item = settings.bones.add()
        item.name, item.bone = slot, bones.get(slot, "")
    settings.bones_of = rig.name


class _NeedsRig:
    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        rig = rig_of(context)
        if rig is None or rig.type != "ARMATURE":
            cls.poll_message_set("Choose the rig that gets the motion")
            return False
        return True


class BACKLOT_OT_retarget_motion(_NeedsRig, bpy.types.Operator):
    """Key the person's motion on the rig's own bones, in an action of its own. Rest poses, bone rolls and proportions
    may differ; hands and feet go where the person's are, scaled by the legs"""

    bl_idname = "backlot.retarget_motion"
    bl_label = "Retarget Motion"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if person_of(context) is None and context.scene.backlot_retarget.person is None:
            cls.poll_message_set("Import the motion of a person first")
            return False
        return super().poll(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..mocap.retarget import Options
        from ..mocap.retargeting import retarget_steps

        settings = context.scene.backlot_retarget
        rig = rig_of(context)
        options = Options(hands=settings.hands, feet=settings.feet, on_floor=settings.on_floor)
        shown = context.window_manager
        shown.progress_begin(0, 1)
        try:
            bones = bones_of(settings, rig)
            outcome = None
            person = settings.person or person_of(context)
            for done, outcome in enumerate(retarget_steps(person, rig, bones, options, settings.scale_rig)):  # noqa: B007
                shown.progress_update(done % 2)
            assert outcome is not None
            self.report({"INFO"}, outcome.summary)
        except BacklotError as error:
            return refuse(self, error)
        finally:
            shown.progress_end()
        return FINISHED


class BACKLOT_OT_guess_bone_map(_NeedsRig, bpy.types.Operator):
    """Find the bones of the rig by their names, and by where they are"""

    bl_idname = "backlot.guess_bone_map"
    bl_label = "Guess Bone Map"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..mocap.retargeting import guessed

        rig = rig_of(context)
        found = guessed(rig)
        show_bones(context.scene.backlot_retarget, rig, found)
        missing = [slot for slot in bone_map.SLOTS if slot not in found]
        if missing:
            self.report({"WARNING"}, f"No bone was found for {', '.join(missing)}. Choose them in the bone map")
        return FINISHED


class BACKLOT_OT_save_bone_map(_NeedsRig, bpy.types.Operator, ExportHelper):
    """Write the bone map to a file, for other shots with this kind of rig"""

    bl_idname = "backlot.save_bone_map"
    bl_label = "Save Bone Map"
    filename_ext = _SUFFIX
    filter_glob: bpy.props.StringProperty(default=f"*{_SUFFIX}", options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        rig, path = rig_of(context), Path(bpy.path.abspath(self.filepath))
        text = bone_map.as_text(bones_of(context.scene.backlot_retarget, rig), rig.name)
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as bad:
            return refuse(self, InvalidRequest(f"{path} cannot be written: {bad.strerror}.", "Choose another place."))
        self.report({"INFO"}, f"Wrote {path}")
        return FINISHED


class BACKLOT_OT_load_bone_map(_NeedsRig, bpy.types.Operator, ImportHelper):
    """Take the bone map from a file"""

    bl_idname = "backlot.load_bone_map"
    bl_label = "Load Bone Map"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}
    filename_ext = _SUFFIX
    filter_glob: bpy.props.StringProperty(default=f"*{_SUFFIX}", options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        rig, path = rig_of(context), Path(bpy.path.abspath(self.filepath))
        try:
            bones = bone_map.from_text(path.read_text(encoding="utf-8"), path)
        except (OSError, UnicodeDecodeError) as bad:
            return refuse(self, InvalidRequest(f"{path} cannot be read: {bad}.", "Choose another file."))
        except BacklotError as error:
            return refuse(self, error)
        show_bones(context.scene.backlot_retarget, rig, bones)
        gone = [bone for bone in bones.values() if bone not in rig.data.bones]
        if gone:
            self.report({"WARNING"}, f"{rig.name} has no {', '.join(gone)}")
        return FINISHED


CLASSES = (
    BACKLOT_OT_retarget_motion,
    BACKLOT_OT_guess_bone_map,
    BACKLOT_OT_save_bone_map,
    BACKLOT_OT_load_bone_map,
)
