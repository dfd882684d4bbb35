"""A trouble as every panel shows it: what happened, what to do, and the buttons that do it. No bpy here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..shared.errors import BackendStartFailed, BacklotError


@dataclass(frozen=True)
class Action:
    """A button. operator: its idname. values: of its properties."""

    operator: str
    text: str
    icon: str = "NONE"
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trouble:
    """what: one sentence. todo: another, "" where the button says it. is_over: it has mended itself, and is only
    told."""

    what: str
    todo: str = ""
    actions: tuple[Action, ...] = ()
    is_over: bool = False


START = Action("backlot.start_backend", "Start Backend", "PLAY")
RESTART = Action("backlot.restart_backend", "Restart Backend", "FILE_REFRESH")
DIAGNOSTICS = Action("backlot.save_diagnostics", "Save Diagnostics", "FILE_TEXT")
UPDATE_BACKEND = Action("backlot.set_up_backend", "Update Backend", "IMPORT")
MEND_BACKEND = Action("backlot.set_up_backend", "Set Up Backend", "IMPORT")
UPDATE_EXTENSION = Action("backlot.update_extension", "Update Extension", "IMPORT")

STARTING = Trouble("The backend is starting.", is_over=True)
WAITS = Trouble("This scene waits for a job, and the backend is not running.", "", (START,))


def of_error(error: BacklotError) -> Trouble:
    """An error as it says itself."""
    if isinstance(error, BackendStartFailed):
        told = error.remedy if error.remedy != error.default_remedy else ""  # which speaks of a terminal
        return Trouble(error.message, told, (MEND_BACKEND, DIAGNOSTICS))
    return Trouble(error.message, error.remedy)
