"""Operators in another context than the current one. The only place that may use `bpy.context.temp_override`.

Blender releases Python's lock (GIL) while an operator runs. If the context is overridden then, it looks into the
override's dictionary, and asks before whether it must take the lock by asking whether *any* thread has Python's state
(`PyC_IsInterpreterActive`): up to Python 3.11, the state of all threads is one variable, so while another thread runs
Python, Blender works on Python's objects without the lock, and corrupts its memory. Blender 4.2 to 5.0 crash so within
some hundred operators; without an override they do not. So the extension's own threads stand still meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy


@contextmanager
def overridden(**members: Any) -> Iterator[None]:
    """`bpy.context.temp_override(**members)` for an operator. Waits for the thread that reads files.

    A scene beside a window does not count for Blender (it takes the window's), so it goes into an override inside of
    the other."""
    from . import runtime  # it imports the importers, which import this

    inner = {name: members.pop(name) for name in ("scene", "view_layer", "edit_mask") if name in members}
    with runtime.still(), bpy.context.temp_override(**members):
        if not inner:
            yield
            return
        with bpy.context.temp_override(**inner):
            yield
