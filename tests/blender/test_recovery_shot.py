"""A shot folder that moved, vanished, was emptied or may not be written, and a clip that moved: what panels say, and
what the buttons do."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.blender.synthetic_shot import SHOT_ID, ShotPlan, write_shot

WAIT_S = 120.0
SMALL = ShotPlan(count=3, points=10)


@pytest.fixture
def project(empty: None, tmp_path: Path) -> Iterator[Path]:
    """A folder with a clip and its shot, which is imported; the extension's own troubles are as new."""
    import bpy
    from bl_ext.user_default.backlot import api, runtime

    folder = tmp_path / "Projekt Ä 影"
    folder.mkdir()
    (folder / "clip.mp4").write_bytes(b"")
    write_shot(folder / "clip_backlot", SMALL)
    settings = bpy.context.scene.backlot
    settings.clip = str(folder / "clip.mp4")
    api.import_shot(folder / "clip_backlot")
    runtime.session().error = None
    yield folder
    runtime.pump().troubles.look_again()


def said() -> Any:
    """The trouble of the scene's places, once they were looked at anew."""
    import bpy
    from bl_ext.user_default.backlot import runtime
    from bl_ext.user_default.backlot.trouble.moving import sought_of

    troubles, session = runtime.pump().troubles, runtime.session()
    troubles.look_again()
    sought = sought_of(bpy.context.scene)
    troubles.of_scene(sought)
    deadline = time.monotonic() + WAIT_S
    while troubles._looking:
        assert time.monotonic() < deadline
        session._finish_work()
        time.sleep(0.005)  # the event loop's own pause between two turns
    return troubles.of_scene(sought)


def buttons(trouble: Any) -> list[str]:
    return [action.text for action in trouble.actions]


def press(trouble: Any, text: str, **values: Any) -> None:
    import bpy

    action = next(action for action in trouble.actions if action.text == text)
    operator = getattr(bpy.ops.backlot, action.operator.partition(".")[2])
    assert operator("EXEC_DEFAULT", **{**action.values, **values}) == {"FINISHED"}


def files_used() -> set[Path]:
    import bpy

    kinds = (bpy.data.movieclips, bpy.data.images)
    return {Path(bpy.path.abspath(one.filepath)) for kind in kinds for one in kind if one.filepath}


def test_all_is_well(project: Path) -> None:
    assert said() is None


def test_a_folder_that_moved_is_found_by_hand_and_what_was_imported_follows(project: Path, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot.importers import ownership

    used = files_used()
    assert used and all(project in path.parents for path in used)
    new = tmp_path / "elsewhere" / "renamed"
    shutil.move(project / "clip_backlot", new)
    trouble = said()
    assert "clip_backlot was moved or deleted" in trouble.what and buttons(trouble) == ["Find Shot Folder...", "Forget"]
    write_shot(tmp_path / "other", SMALL, "another shot's id")
    with pytest.raises(RuntimeError, match="is another shot"):
        press(trouble, "Find Shot Folder...", filepath=str(tmp_path / "other" / "shot.json"))
    press(trouble, "Find Shot Folder...", filepath=str(new / "shot.json"))
    assert said() is None
    assert all(new in path.parents and path.exists() for path in files_used()) and len(files_used()) == len(used)
    assert [c[ownership.SHOT_FOLDER] for c in ownership.shot_collections(bpy.context.scene)] == [str(new)]
    assert bpy.ops.backlot.update_scene() == {"FINISHED"}
    assert len(ownership.shot_collections(bpy.context.scene)) == 1


def test_a_project_on_another_computer_is_found_beside_its_blender_file(project: Path, tmp_path: Path) -> None:
    import bpy

    (project / "scenes").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(project / "scenes" / "shot.blend"), check_existing=False)
    there = tmp_path / "D" / "work"
    there.parent.mkdir()
    shutil.move(project, there)
    bpy.ops.wm.open_mainfile(filepath=str(there / "scenes" / "shot.blend"))
    trouble = said()
    assert buttons(trouble) == ["Use That Folder", "Forget"] and str(there) in trouble.what
    press(trouble, "Use That Folder")
    assert said() is None and bpy.context.scene.backlot.clip == str(there / "clip.mp4")
    assert all(there in path.parents and path.exists() for path in files_used())


def test_a_disk_that_is_not_connected_is_named(project: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot.trouble.shot_place import Sought, look

    lost = look(Sought(Path("/media/RAID 7/show/clip_backlot"), shot=SHOT_ID))
    assert lost is not None and lost.what == "The disk RAID 7 of the shot is not connected."
    gone = look(Sought(project / "a" / "b", shot=SHOT_ID))
    assert gone is not None and gone.what == f"The folder {project / 'a'} is gone, with the shot in it."
    assert look(Sought(project / "new_backlot", project / "clip.mp4")) is None, "a shot that was never made is none"
    settings = bpy.context.scene.backlot
    settings.folder = str(project / "clip_backlot")
    shutil.rmtree(project / "clip_backlot")
    press(said(), "Forget")
    assert said() is None and settings.folder == settings.clip == "" and bpy.context.scene.camera is not None


def test_an_emptied_folder_and_another_shot_in_its_place(project: Path) -> None:
    import bpy

    (project / "clip_backlot" / "shot.json").unlink()
    assert "no shot.json" in said().what
    write_shot(project / "clip_backlot", SMALL, "made anew, of the same clip")
    bpy.context.scene.backlot.clip = ""
    bpy.context.scene.backlot.folder = str(project / "clip_backlot")
    assert "Another shot lies in clip_backlot" in said().what


def test_a_folder_that_may_not_be_written_to(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "clip_backlot")
    assert "may not be written to" in said().what


def test_a_clip_that_moved_leaves_the_results_usable(project: Path, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot.properties import folder_path
    from bl_ext.user_default.backlot.requests import solve_request

    settings = bpy.context.scene.backlot
    (tmp_path / "clips").mkdir()
    shutil.move(project / "clip.mp4", tmp_path / "clips" / "clip.mp4")
    trouble = said()
    assert "clip.mp4 was moved or deleted" in trouble.what and "stays usable" in trouble.todo
    assert solve_request(bpy.context.scene).footage == "", "the plate stands for it"
    press(trouble, "Find Clip...", filepath=str(tmp_path / "clips" / "clip.mp4"))
    assert said() is None and settings.clip == str(tmp_path / "clips" / "clip.mp4")
    assert folder_path(settings) == project / "clip_backlot"
    assert solve_request(bpy.context.scene).footage == settings.clip


def test_paths_of_other_systems_are_understood(empty: None) -> None:
    from bl_ext.user_default.backlot.trouble.shot_place import path_parts

    assert path_parts(r"D:\Shows\Größe 影\clip_backlot")[-2:] == ("Größe 影", "clip_backlot")
    assert path_parts(r"\\server\share\show\clip_backlot")[-2:] == ("show", "clip_backlot")
    assert path_parts("/Volumes/RAID/show/clip_backlot") == ("Volumes", "RAID", "show", "clip_backlot")
    assert path_parts(r"/home/a/D:\Shows\clip_backlot")[-1] == "clip_backlot"
