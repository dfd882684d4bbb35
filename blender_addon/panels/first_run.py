"""What is missing before anything can run, in one line with one button; and how far the set-up is."""

from __future__ import annotations

import bpy

from .. import preferences, runtime, wording
from ..first_run.live import MISSING, NEWER, OLDER
from ..first_run.process import FAILED

_LINES = {
    MISSING: "The backend is not set up yet: about 2 GB, a few minutes",
    OLDER: "The backend is older than this extension",
    NEWER: "The backend is newer than this extension",
}


def is_needed() -> bool:
    """Whether `draw_first_run` has something to say."""
    first_run = runtime.pump().first_run
    if first_run.running or (first_run.run is not None and first_run.run.state == FAILED):
        return True
    return first_run.record in _LINES and not runtime.session().online and preferences.backend_program().python is None


def draw_first_run(layout: bpy.types.UILayout, width: int) -> None:
    """Nothing, when all is well. width: letters."""
    first_run = runtime.pump().first_run
    run = first_run.run
    if first_run.running:
        row = layout.row(align=True)
        row.progress(factor=run.fraction, type="BAR", text=f"{round(100 * run.fraction)} %")
        row.operator("backlot.cancel_set_up", text="", icon="X")
        wording.draw_wrapped(layout.column(align=True), run.text, width)
        return
    if run is not None and run.state == FAILED:
        box = layout.box()
        wording.draw_error(box, run.error, width)
        if run.needs_python:
            box.operator("backlot.choose_python", icon="FILEBROWSER")
        row = box.row()
        row.operator("backlot.set_up_backend", text="Try Again", icon="FILE_REFRESH")
        row.operator("backlot.show_set_up_log", text="Log", icon="TEXT")
        return
    if not is_needed():
        return
    box = layout.box()
    wording.draw_wrapped(box.column(align=True), _LINES[first_run.record], width, "INFO")
    if first_run.record == NEWER:
        box.operator("backlot.update_extension", icon="IMPORT")
    else:
        text = "Set Up Backend" if first_run.record == MISSING else "Update Backend"
        box.operator("backlot.set_up_backend", text=text, icon="IMPORT")
