"""Backlot: solve the camera of a clip and stand it in the scene.

A thin client of the Backlot backend: properties, operators, panels, importers, and the pump between the
backend's events and Blender's main thread.
"""

import atexit

import addon_utils

from . import file_handler, gizmos, operators, panels, preferences, properties, runtime
from .roto import tools

_PARTS = (preferences, properties, operators, panels, file_handler, tools, runtime, gizmos)


def register() -> None:
    for part in _PARTS:
        part.register()
    atexit.register(_leave)


def unregister() -> None:
    atexit.unregister(_leave)
    for part in reversed(_PARTS):
        part.unregister()


def _leave() -> None:
    """Blender disables its extensions when it quits. As a module of another Python it does so too late: 4.2
    crashes over classes that are still registered, and waits for threads."""
    addon_utils.disable(__package__)
