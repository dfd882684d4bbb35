"""Backlot: solve the camera of a clip and stand it in the scene.

A thin client of the Backlot backend: properties, operators, panels, importers, and the pump between the
backend's events and Blender's main thread.
"""

import atexit
from types import ModuleType

import addon_utils

from .later import uncollected


def register() -> None:
    with uncollected():
        for part in _parts():
            part.register()
    atexit.register(_leave)


def unregister() -> None:
    atexit.unregister(_leave)
    for part in reversed(_parts()):
        part.unregister()


def _parts() -> tuple[ModuleType, ...]:
    """In the order in which they need each other."""
    from . import file_handler, gizmos, menus, operators, panels, preferences, properties, runtime
    from .roto import tools

    return preferences, properties, operators, panels, menus, file_handler, tools, runtime, gizmos


def _leave() -> None:
    """Blender disables its extensions when it quits. As a module of another Python it does so too late: 4.2
    crashes over classes that are still registered, and waits for threads."""
    addon_utils.disable(__package__)
