"""A report to send."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import bpy

from .. import runtime
from ..shared import PROTOCOL, VERSION
from ..shared.errors import BacklotError, InvalidRequest
from .reporting import FINISHED, refuse


class BACKLOT_OT_save_diagnostics(bpy.types.Operator):
    """Write one text file with versions, engines and logs, without your name and folder, to send to developers"""

    bl_idname = "backlot.save_diagnostics"
    bl_label = "Save Diagnostics"

    filepath: bpy.props.StringProperty(name="File", description="Text file to write", subtype="FILE_PATH")
    filter_glob: bpy.props.StringProperty(default="*.txt", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        self.filepath = self.filepath or "backlot-diagnostics.txt"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        if not self.filepath:
            return refuse(self, InvalidRequest("No file is named.", "Give a filepath."))
        session, path = runtime.session(), Path(bpy.path.abspath(self.filepath))
        facts = _facts()

        def write(doctor: str) -> None:
            session.background(lambda: _write(path, session.home, facts, doctor), lambda _: None, session.show)

        if not _may_answer():
            try:
                _write(path, session.home, facts, "")
            except BacklotError as error:
                return refuse(self, error)
            return FINISHED
        session.ask("doctor", {}, lambda answer: write(_text(answer)), lambda _: write(""))
        self.report({"INFO"}, f"Writing {path.name}: the backend looks through its engines first")
        return FINISHED


def _may_answer() -> bool:
    """Whether the backend can be asked: it is there, and does not hang. A script cannot wait for it."""
    trouble = runtime.pump().troubles.backend.trouble
    return runtime.session().online and not bpy.app.background and (trouble is None or trouble.is_over)


def _text(answer: Any) -> str:
    return str(answer.get("text", ""))


def _write(path: Path, home: Path, facts: dict[str, str], doctor: str) -> None:
    """Raises `InvalidRequest`."""
    from ..diagnostics.report import write_report

    try:
        write_report(path, home, facts, doctor)
    except OSError as error:
        raise InvalidRequest(
            f"{path} cannot be written: {error.strerror or error}.", "Choose another place."
        ) from error


def _facts() -> dict[str, str]:
    session, trouble = runtime.session(), runtime.pump().troubles.backend.trouble
    failed = [job.error for job in session.jobs.values() if job.error]
    said = failed[-1] if failed else None
    return {
        "Extension": f"{VERSION}, protocol {PROTOCOL}",
        "Blender": f"{bpy.app.version_string}{' in the background' if bpy.app.background else ''}",
        "System": platform.platform(),
        "State": session.status_line,
        "Trouble": trouble.what if trouble is not None else "",
        "Error": str(session.error or ""),
        "Last failed job": f"{said.get('code')}: {said.get('message')}" if said else "",
    }


CLASSES = (BACKLOT_OT_save_diagnostics,)
