"""Every operator, called as it stands, in every mode: it works or says in a sentence why it does not."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.blender.synthetic_shot import ShotPlan, write_shot

WAIT_S = 120.0
MODES = ("EMPTY", "OBJECT", "EDIT_MESH", "EDIT_ARMATURE", "POSE", "LINKED")
LEFT_OUT = {"backlot.open_folder"}
"""Opens another program's window."""


def operators() -> list[str]:
    import bpy

    return sorted(f"backlot.{name}" for name in dir(bpy.ops.backlot) if f"backlot.{name}" not in LEFT_OUT)


@pytest.fixture(params=MODES)
def scene(
    request: pytest.FixtureRequest, empty: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A scene with an imported shot, in a mode; EMPTY has nothing at all, LINKED has the shot from another file."""
    import bpy
    from bl_ext.user_default.backlot import api, runtime

    monkeypatch.setenv("BACKLOT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(runtime.session(), "home", tmp_path / "home")
    mode = request.param
    if mode != "EMPTY":
        write_shot(tmp_path / "clip_backlot", ShotPlan(count=3, points=10))
        api.import_shot(tmp_path / "clip_backlot")
    if mode == "LINKED":
        path = str(tmp_path / "other.blend")
        bpy.ops.wm.save_as_mainfile(filepath=path)
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        with bpy.data.libraries.load(path, link=True) as (there, here):
            here.collections = list(there.collections)
        for collection in here.collections:
            if collection is not None:
                bpy.context.scene.collection.children.link(collection)
        bpy.context.scene.backlot.folder = str(tmp_path / "clip_backlot")
    elif mode.startswith("EDIT") or mode == "POSE":
        _enter(mode)
    yield mode
    if bpy.context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    _end_work(runtime.session())


def _end_work(session: Any) -> None:
    """What the operators left to the thread ends here, and not in the tests of other files."""
    concurrent.futures.wait([work.future for work in session._work], timeout=WAIT_S)
    session._finish_work()
    session.error = None


def _enter(mode: str) -> None:
    import bpy

    if mode == "EDIT_MESH":
        bpy.ops.mesh.primitive_cube_add()
        bpy.ops.object.mode_set(mode="EDIT")
    else:
        bpy.ops.object.armature_add()
        bpy.ops.object.mode_set(mode="EDIT" if mode == "EDIT_ARMATURE" else "POSE")


def test_none_ends_in_a_traceback(scene: str) -> None:
    import bpy

    assert len(operators()) > 40
    said: dict[str, str] = {}
    for name in operators():
        operator: Any = getattr(bpy.ops.backlot, name.partition(".")[2])
        try:
            if operator.poll():
                assert operator("EXEC_DEFAULT") <= {"FINISHED", "CANCELLED", "PASS_THROUGH"}, name
        except RuntimeError as refused:
            said[name] = str(refused)
    faults = {name: text for name, text in said.items() if "Traceback" in text or not text.strip().endswith(".")}
    assert not faults
