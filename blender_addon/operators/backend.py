"""Starting and stopping the backend."""

from __future__ import annotations

import bpy

from .. import preferences, runtime
from .reporting import FINISHED


class BACKLOT_OT_start_backend(bpy.types.Operator):
    """Start the backend, or connect to the one that runs"""

    bl_idname = "backlot.start_backend"
    bl_label = "Start Backend"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if runtime.session().online:
            cls.poll_message_set("The backend is running")
            return False
        return True

    def execute(self, _context: bpy.types.Context) -> set[str]:
        program = preferences.backend_program()
        runtime.pump().troubles.backend.forgive()
        runtime.session().start(program.python, program.source)
        return FINISHED


class BACKLOT_OT_stop_backend(bpy.types.Operator):
    """Stop the backend; running jobs continue when it starts again"""

    bl_idname = "backlot.stop_backend"
    bl_label = "Stop Backend"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if not runtime.session().online:
            cls.poll_message_set("The backend is not running")
            return False
        return True

    def execute(self, _context: bpy.types.Context) -> set[str]:
        runtime.session().stop()
        return FINISHED


CLASSES = (BACKLOT_OT_start_backend, BACKLOT_OT_stop_backend)
