"""Making the backend's environment, stopping that, and its log."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy_extras.io_utils import ImportHelper

from .. import runtime
from ..first_run.process import DONE, Wanted
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

    python: bpy.props.StringProperty(
        name="Python",
        description="Python 3.11 to 3.13 to make the backend's environment of; empty looks for one",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    fetch_python: bpy.props.BoolProperty(
        name="Fetch Python",
        description="Fetch Python 3.11 too, where none on this computer suits (30 MB)",
        default=True,
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return _nothing_runs(cls)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(self, width=420)

    def draw(self, _context: bpy.types.Context) -> None:
        layout, session = self.layout, runtime.session()
        layout.use_property_split = True
        column = layout.column(align=True)
        column.label(text="Python packages go to:", icon="IMPORT")
        column.label(text=str(session.home))
        if session.online and session.unfinished:
            layout.label(text="Jobs at work stop now, and go on afterwards", icon="INFO")
        layout.prop(self, "people")
        layout.prop(self, "wheels")
        if not bpy.app.online_access:
            layout.label(text="Blender may not go online: choose a folder of wheels", icon="INFO")
        else:
            layout.prop(self, "fetch_python")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        wanted = Wanted(
            offline=_path(self.wheels),
            people=self.people,
            python=_path(self.python),
            fetch_python=self.fetch_python and bpy.app.online_access and not self.wheels,
        )
        try:
            _require_source(wanted.offline)
            run = runtime.pump().first_run.start(_source(), wanted)
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


class BACKLOT_OT_choose_python(bpy.types.Operator, ImportHelper):
    """Set the backend up with a Python of your choice: 3.11, 3.12 or 3.13, not Blender's own"""

    bl_idname = "backlot.choose_python"
    bl_label = "Choose Python..."

    filter_glob: bpy.props.StringProperty(default="python*", options={"HIDDEN"})

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return _nothing_runs(cls)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        chosen = Path(bpy.path.abspath(self.filepath))
        if not self.filepath or not chosen.is_file():
            return refuse(self, InvalidRequest(f"There is no program {chosen}.", "Choose a Python's program."))
        failed = runtime.pump().first_run.run
        offline = failed.wanted.offline if failed is not None else None
        again = {
            "wheels": str(offline) if offline is not None else "",
            "people": failed is None or failed.wanted.people,
        }
        return bpy.ops.backlot.set_up_backend("EXEC_DEFAULT", python=str(chosen), **again)


def _nothing_runs(cls: type[bpy.types.Operator]) -> bool:
    if runtime.pump().first_run.running:
        cls.poll_message_set("The backend is being set up")
        return False
    return True


def _path(text: str) -> Path | None:
    return Path(bpy.path.abspath(text)) if text else None


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


CLASSES = (BACKLOT_OT_set_up_backend, BACKLOT_OT_choose_python, BACKLOT_OT_cancel_set_up, BACKLOT_OT_show_set_up_log)
