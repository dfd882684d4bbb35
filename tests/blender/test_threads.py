"""The extension's threads and Blender's operators: they must not meet (see blender_addon/overriding.py)."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

from tests.blender.installed import CHECKOUT
from tests.blender.test_session import home, pump, run_until  # noqa: F401  (fixtures)

ADDON = CHECKOUT / "blender_addon"


def test_only_one_place_overrides_the_context() -> None:
    uses = re.compile(r"\btemp_override\(")
    users = {str(path.relative_to(ADDON)) for path in ADDON.rglob("*.py") if uses.search(path.read_text("utf-8"))}
    assert users == {"overriding.py"}


def test_undo_steps_while_a_thread_works(pump: Any) -> None:  # noqa: F811
    """With the context overridden, Blender before 5.1 corrupts its memory within these."""
    import bpy
    from bl_ext.user_default.backlot.pump import _undo_step

    text = json.dumps([{"pose": [number, number * 2.5, str(number)]} for number in range(2000)])
    ended = threading.Event()
    read = [0]

    def read_on() -> None:
        while True:  # once at least, however busy the computer is
            json.loads(text)
            read[0] += 1
            if ended.is_set():
                return

    reader = threading.Thread(target=read_on)
    reader.start()
    try:
        for number in range(300):
            _undo_step(f"step {number}")
    finally:
        ended.set()
        reader.join()
    assert read[0] > 0 and bpy.ops.ed.undo.poll()


def test_background_work_stands_still(pump: Any, tmp_path: Path) -> None:  # noqa: F811
    from bl_ext.user_default.backlot import runtime

    heard: list[str] = []
    worked = threading.Event()
    with runtime.still():
        pump.session.background(lambda: worked.set() or "done", heard.append, lambda error: heard.append(str(error)))
        assert not worked.wait(0.2)
    run_until(pump, lambda: bool(heard))
    assert worked.is_set() and heard == ["done"]


def test_without_the_extension_nothing_has_to_stand_still(pump: Any) -> None:  # noqa: F811
    import bpy
    from bl_ext.user_default.backlot import runtime
    from bl_ext.user_default.backlot.overriding import overridden

    held = runtime._running.pop("pump")
    try:
        with overridden(window=bpy.context.window_manager.windows[0]):
            assert bpy.ops.ed.undo_push.poll()
    finally:
        runtime._running["pump"] = held
