"""Backlot: solve the camera of a clip and stand it in the scene.

A thin client of the Backlot backend: properties, operators, panels, importers, and the pump between the
backend's events and Blender's main thread.
"""

from . import file_handler, operators, panels, preferences, properties, runtime

_PARTS = (preferences, properties, operators, panels, file_handler, runtime)


def register() -> None:
    for part in _PARTS:
        part.register()


def unregister() -> None:
    for part in reversed(_PARTS):
        part.unregister()
