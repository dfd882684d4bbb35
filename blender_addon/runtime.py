"""The extension's running parts. Panels and operators are classes that Blender makes, so what they share
has to be found somewhere: here, and nowhere else. It exists from `register` to `unregister`."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import bpy

from .later import load_numpy
from .pump import Pump
from .session import Session

_running: dict[str, Pump] = {}


def session() -> Session:
    """The connection to the backend."""
    return pump().session


def pump() -> Pump:
    return _running["pump"]


def still() -> AbstractContextManager[None]:
    """Inside, no thread of the extension runs Python."""
    running = _running.get("pump")
    return nullcontext() if running is None else running.session.still()


def register() -> None:
    _running["pump"] = Pump(Session())
    if not bpy.app.background:
        pump().start()
        session().background(load_numpy, lambda _: None, session().show)


def unregister() -> None:
    stopped = _running.pop("pump")
    stopped.stop()
    stopped.session.close()
