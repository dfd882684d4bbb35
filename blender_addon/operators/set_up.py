"""Making the backend's environment, stopping that, and its log."""

from __future__ import annotations

from pathlib import Path

import bpy

from .. import runtime
from ..first_run.process import DONE
from ..shared.errors import BacklotError, InvalidRequest
from .reporting import FINISHED, refuse

_LOG_NAME = "Backlot Set-up"


class BACKLOT_OT_set_up_backend(bpy.types.Operator):
    """Fetch what the backend needs into a folder of its own, outside of Blender; what is there already is used"""

    bl_idname = "backlot.set_up_backend"
    bl_label = "Set Up Backend"

    wheels: bpy.props.StringProperty(
        name="Wheels",
        description="Folder of wheels to install from, without a network; empty fetches them",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )
    people: bpy.props.BoolProperty(
        name="People",
        description="Also what finds people in pictures, for roto and motion capture (0.9 GB more)",
        default=True,
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if runtime.pump().first_run.running:
            cls.poll_message_set("The backend is being set up")
            return False
        return True

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(self, width=420)

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        column = layout.column(align=True)
        column.label(text="Python packages go to:", icon="IMPORT")
        column.label(text=str(runtime.session().home))
        layout.prop(self, "people")
        layout.prop(self, "wheels")
        if not bpy.app.online_access:
            layout.label(text="Blender may not go online: choose a folder of wheels", icon="INFO")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        offline = Path(bpy.path.abspath(self.wheels)) if self.wheels else None
        try:
            _require_source(offline)
            run = runtime.pump().first_run.start(_source(), offline=offline, people=self.people)
        except BacklotError as error:
            return refuse(self, error)
        if not bpy.app.background:
            return FINISHED
        run.wait()
        runtime.pump().first_run.forget()
        if run.state == DONE:
            return FINISHED
        assert run.error is not None
        return refuse(self, run.error)


def _source() -> Path:
    """The folder with build.py: the installed extension's own, or the checkout that it is in."""
    own = Path(__file__).parents[1]
    return own if (own / "build.py").is_file() else own.parent


def _require_source(offline: Path | None) -> None:
    """Raises `InvalidRequest` when the packages have nowhere to come from."""
    if offline is None and not bpy.app.online_access:
        raise InvalidRequest(
            "Blender may not go online.",
            "Tick Preferences > System > Allow Online Access, or choose a folder of wheels (docs/installing.md).",
        )
    if offline is not None and not any(offline.glob("*.whl")):
        raise InvalidRequest(f"There are no wheels in {offline}.", "Fill it with `build.py setup --download FOLDER`.")


class BACKLOT_OT_cancel_set_up(bpy.types.Operator):
    """Stop setting up; the next time goes on from here"""

    bl_idname = "backlot.cancel_set_up"
    bl_label = "Stop Setting Up"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if not runtime.pump().first_run.running:
            cls.poll_message_set("Nothing is being set up")
            return False
        return True

    def execute(self, _context: bpy.types.Context) -> set[str]:
        run = runtime.pump().first_run.run
        assert run is not None
        run.cancel()
        return FINISHED


class BACKLOT_OT_show_set_up_log(bpy.types.Operator):
    """Put the end of the set-up's log into a text of this file"""

    bl_idname = "backlot.show_set_up_log"
    bl_label = "Set-up Log"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 - Blender reads it as it stands

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if runtime.pump().first_run.run is None:
            cls.poll_message_set("Nothing was set up since Blender started")
            return False
        return True

    def execute(self, _context: bpy.types.Context) -> set[str]:
        run = runtime.pump().first_run.run
        assert run is not None
        text = bpy.data.texts.get(_LOG_NAME) or bpy.data.texts.new(_LOG_NAME)
        text.from_string("\n".join(run.process.lines) + "\n")
        self.report({"INFO"}, f"The log is the text {_LOG_NAME}: open it in the Text Editor")
        return FINISHED


CLASSES = (BACKLOT_OT_set_up_backend, BACKLOT_OT_cancel_set_up, BACKLOT_OT_show_set_up_log)
