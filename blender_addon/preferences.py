"""Preferences: where the backend is and how it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from . import __package__ as PACKAGE
from .jobs import desktop
from .shared import connection
from .weights.manager import Program

DEVICES = (
    ("auto", "Automatic", "The fastest device that is ready"),
    ("cpu", "CPU", "Only the processor"),
    ("cuda:0", "GPU 0", "The first CUDA device"),
)


@dataclass(frozen=True)
class BackendProgram:
    """Which Python runs the backend, and the folder that holds its source; None means as set up."""

    python: Path | None
    source: Path | None


class BacklotPreferences(bpy.types.AddonPreferences):
    bl_idname = PACKAGE

    python: bpy.props.StringProperty(
        name="Python",
        description="Python of the backend's environment; empty takes the one that `build.py setup` made",
        subtype="FILE_PATH",
    )
    source: bpy.props.StringProperty(
        name="Source",
        description="Folder that holds the backend; empty takes the one that belongs to the Python above",
        subtype="DIR_PATH",
    )
    weights: bpy.props.StringProperty(
        name="Weights Folder",
        description="Folder with the weights of models; empty takes BACKLOT_WEIGHTS, or your own data folder",
        subtype="DIR_PATH",
    )
    commercial_safe: bpy.props.BoolProperty(
        name="Commercial Work Only",
        description="Refuse models whose licence forbids commercial work",
        default=True,
    )
    device: bpy.props.EnumProperty(name="Device", description="What the stages run on", items=DEVICES)

    notify_when_done: bpy.props.BoolProperty(
        name="Notify When a Job Ends",
        description="Say in the status bar and in the Info Editor that a job of this file is done or has failed",
        default=True,
    )
    show_in_status_bar: bpy.props.BoolProperty(
        name="Jobs in Status Bar",
        description="Show in the status bar what the running job does and how long it takes",
        default=True,
    )
    notify_on_desktop: bpy.props.BoolProperty(
        name="Desktop Notification",
        description="Also let the operating system tell the end of a job, for when Blender is behind other windows",
        default=False,
    )

    def draw(self, _context: bpy.types.Context) -> None:
        from . import runtime
        from .panels.first_run import draw_first_run
        from .panels.trouble import draw_banner

        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "python")
        layout.prop(self, "source")
        layout.prop(self, "device")
        self._draw_notices(layout)
        session = runtime.session()
        box = layout.box()
        box.label(text=session.status_line, icon="CHECKMARK" if session.online else "INFO")
        trouble = runtime.pump().troubles.of_scene(None)
        if trouble is not None:
            draw_banner(box, trouble, width=90)
        row = box.row()
        row.operator("backlot.start_backend")
        row.operator("backlot.stop_backend")
        draw_first_run(layout, width=90)
        box.label(text=f"State and logs: {connection.home_dir()}", icon="FILE_FOLDER")
        self._draw_models()

    def _draw_notices(self, layout: bpy.types.UILayout) -> None:
        column = layout.column(heading="Jobs")
        column.prop(self, "show_in_status_bar")
        column.prop(self, "notify_when_done")
        row = column.row()
        row.enabled = self.notify_when_done and desktop.is_available()
        row.prop(self, "notify_on_desktop")

    def _draw_models(self) -> None:
        from . import runtime
        from .weights.drawing import draw_models

        manager = runtime.pump().weights
        manager.wish(weights_program())
        box = self.layout.box()
        box.label(text="Models")
        box.prop(self, "weights")
        box.prop(self, "commercial_safe")
        draw_models(box, manager, commercial_safe=self.commercial_safe, width=90)


def current() -> BacklotPreferences | None:
    """The saved preferences; None when the extension runs without being enabled in the preferences."""
    addon = bpy.context.preferences.addons.get(PACKAGE)
    return addon.preferences if addon is not None else None


def backend_program() -> BackendProgram:
    """The backend that the preferences name. A Python without a source runs the extension's own."""
    chosen = current()
    python = Path(bpy.path.abspath(chosen.python)) if chosen is not None and chosen.python else None
    source = Path(bpy.path.abspath(chosen.source)) if chosen is not None and chosen.source else None
    bundled = Path(__file__).parent
    if python is not None and source is None and (bundled / "backend").is_dir():
        source = bundled
    return BackendProgram(python, source)


def weights_program() -> Program:
    """What lists and fetches models, and the folder it does so for."""
    chosen, program = current(), backend_program()
    folder = bpy.path.abspath(chosen.weights) if chosen is not None and chosen.weights else ""
    return Program(program.python, program.source, folder)


def model_values() -> dict[str, Any]:
    """What the preferences say of models, as parameters that every stage with networks has."""
    chosen = current()
    if chosen is None:
        return {}
    folder = {"weights": bpy.path.abspath(chosen.weights)} if chosen.weights else {}
    return folder if chosen.commercial_safe else {**folder, "allow_non_commercial": True}


def device() -> str:
    chosen = current()
    return chosen.device if chosen is not None else "auto"


def register() -> None:
    bpy.utils.register_class(BacklotPreferences)


def unregister() -> None:
    bpy.utils.unregister_class(BacklotPreferences)
