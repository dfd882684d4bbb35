"""The extension's running parts. Panels and operators are classes that Blender makes, so what they share
has to be found somewhere: here, and nowhere else. It exists from `register` to `unregister`."""

from __future__ import annotations

import atexit

import bpy

from .pump import Pump
from .session import Session

_running: dict[str, Pump] = {}


def session() -> Session:
    """The connection to the backend."""
    return pump().session


def pump() -> Pump:
    return _running["pump"]


def register() -> None:
    _running["pump"] = Pump(Session())
    if not bpy.app.background:
        pump().start()
    # Blender waits for threads at exit, and does not always unregister before.
    atexit.register(_close)


def unregister() -> None:
    atexit.unregister(_close)
    _close()


def _close() -> None:
    stopped = _running.pop("pump", None)
    if stopped is not None:
        stopped.stop()
        stopped.session.close()
