"""Fetching and deleting models."""

from __future__ import annotations

import bpy

from .. import preferences, runtime, wording
from ..shared.errors import BacklotError, InvalidRequest
from ..weights.manager import ModelRow
from .reporting import FINISHED, refuse


class _ModelOperator:
    """model: its name in the list."""

    model: bpy.props.StringProperty(name="Model", description="Name of the model", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if runtime.pump().weights.busy:
            cls.poll_message_set("Something is on its way already")
            return False
        return True

    def row(self) -> ModelRow | None:
        """The model's row, None when the list is not there or does not have it."""
        return next((row for row in runtime.pump().weights.models or () if row.name == self.model), None)


class BACKLOT_OT_fetch_weights(_ModelOperator, bpy.types.Operator):
    """Fetch the model's weights; a download that broke off goes on"""

    bl_idname = "backlot.fetch_weights"
    bl_label = "Fetch Model"

    accept_licence: bpy.props.BoolProperty(
        name="I accept: no commercial work",
        description="The model's licence forbids commercial work; what is made with it must not be commercial",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        row = self.row()
        if row is not None and row.commercial:
            return self.execute(context)
        return context.window_manager.invoke_props_dialog(self, width=420)

    def draw(self, _context: bpy.types.Context) -> None:
        row = self.row()
        if row is not None:
            wording.draw_wrapped(self.layout, f"{row.title}: {row.licence}. {row.note}", 60, "INFO")
        self.layout.prop(self, "accept_licence")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        manager = runtime.pump().weights
        try:
            if not bpy.app.online_access:
                raise InvalidRequest(
                    "Blender may not go online.",
                    "Tick Preferences > System > Allow Online Access, or put the files into the weights folder.",
                )
            manager.fetch(self.model, preferences.weights_program(), accept_licence=self.accept_licence)
            if bpy.app.background:
                manager.wait()
        except BacklotError as error:
            return refuse(self, error)
        return FINISHED


class BACKLOT_OT_delete_weights(_ModelOperator, bpy.types.Operator):
    """Delete the model's weights from the weights folder"""

    bl_idname = "backlot.delete_weights"
    bl_label = "Delete Model"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        manager = runtime.pump().weights
        try:
            manager.delete(self.model, preferences.weights_program())
            if bpy.app.background:
                manager.wait()
        except BacklotError as error:
            return refuse(self, error)
        return FINISHED


class BACKLOT_OT_cancel_weights(bpy.types.Operator):
    """Stop fetching; the next time goes on from here"""

    bl_idname = "backlot.cancel_weights"
    bl_label = "Stop Fetching"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if not runtime.pump().weights.fetching:
            cls.poll_message_set("No model is on its way")
            return False
        return True

    def execute(self, _context: bpy.types.Context) -> set[str]:
        runtime.pump().weights.cancel()
        return FINISHED


class BACKLOT_OT_show_models(bpy.types.Operator):
    """Show the preferences with the models: their licences, sizes, and what is missing"""

    bl_idname = "backlot.show_models"
    bl_label = "Manage Models"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        if preferences.current() is None:
            return refuse(self, InvalidRequest("The extension is not enabled in the preferences.", "Enable it there."))
        runtime.pump().engines.forget()
        if bpy.app.background:  # without a window there are no preferences to show
            return FINISHED
        return bpy.ops.preferences.addon_show(module=preferences.PACKAGE)


CLASSES = (BACKLOT_OT_show_models, BACKLOT_OT_fetch_weights, BACKLOT_OT_delete_weights, BACKLOT_OT_cancel_weights)
