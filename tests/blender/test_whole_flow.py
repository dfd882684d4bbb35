"""One artist's session without a window, with the real backend, in every version of Blender: a clip is opened, a job
cancelled, the camera solved; the artist edits tracks and the next solve obeys; an object is hinted and propagated, a
person imported, undone and redone; the file is saved, opened in another process, solved again and updated."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.blender.installed import CHECKOUT, PACKAGE
from tests.blender.real_backend import real_backend
from tests.blender.synthetic_mocap import Walk, write_person
from tests.blender.test_session import home  # noqa: F401  (fixture)

METRES = 2.0
FOCAL_MM = 30.0
LAST = 24
"""Frame of the sample clip: the rest of it would only take time, in every version of Blender."""

_NEXT_DAY = """
import json, sys
import bpy
bpy.ops.preferences.addon_enable(module=PACKAGE)
bpy.ops.wm.open_mainfile(filepath=BLEND)
scene = bpy.context.scene
found = {"camera": scene.camera.name, "lens": round(scene.camera.data.lens, 3), "masks": len(scene.backlot_roto.results), "tracks": len(bpy.data.movieclips[0].tracking.tracks)}
settings = scene.backlot.solve
settings.use_focal_mm, settings.focal_mm = True, FOCAL_MM
settings.use_sensor_mm, settings.sensor_mm, settings.fix_focal = True, 36.0, True
assert bpy.ops.backlot.solve_camera() == {"FINISHED"}
camera = scene.camera
found["after"] = [camera.name, round(camera.data.lens, 3), [c.name for c in camera.constraints]]
found["people"] = sum("backlot_person" in thing for thing in scene.objects)
print("FOUND" + json.dumps(found), flush=True)
bpy.ops.preferences.addon_disable(module=PACKAGE)
"""  # noqa: E501


def test_a_session(empty: None, home: Path, tmp_path: Path) -> None:  # noqa: F811
    import bpy

    clip, root, blend = tmp_path / "clip.mp4", tmp_path / "clip_backlot", tmp_path / "session.blend"
    shutil.copy(CHECKOUT / "assets/sample/clip.mp4", clip)
    scene = bpy.context.scene
    with real_backend(home):
        assert bpy.ops.backlot.open_clip(filepath=str(clip)) == {"FINISHED"}
        scene.backlot.ingest.use_frame_end, scene.backlot.ingest.frame_end = True, LAST
        scene.backlot.solve.quality = "fast"
        _cancel_one(home, scene)
        assert not (root / "camera" / "extrinsics.json").exists() and scene.camera is None
        assert bpy.ops.backlot.solve_camera() == {"FINISHED"}
        assert (scene.frame_start, scene.frame_end) == (1, LAST) and scene.camera is not None
        _hands_on(root)
        _mask(scene)
        _people(root)
        scene = bpy.context.scene  # undo has made another one
        scene.camera.name = "Hero"
        scene.camera.constraints.new("LIMIT_ROTATION").name = "Mine"
        bpy.ops.wm.save_as_mainfile(filepath=str(blend))
        found = _next_day(blend, home)
    assert (found["camera"], found["masks"], found["people"]) == ("Hero", 1, 1) and found["tracks"] >= 50
    assert found["lens"] != FOCAL_MM and found["after"] == ["Hero", FOCAL_MM, ["Mine"]]


def _cancel_one(home: Path, scene: Any) -> None:  # noqa: F811
    from bl_ext.user_default.backlot.requests import solve_request
    from bl_ext.user_default.backlot.shared.client import Client
    from bl_ext.user_default.backlot.shared.errors import JobCancelled

    with Client(home, name="test", start=False) as client:
        job = client.submit(solve_request(scene)).id
        client.cancel(job)
        with pytest.raises(JobCancelled):
            client.wait(job)


def _mask(scene: Any) -> None:
    """A stroke on the vase; masks of all frames come in."""
    import bpy

    bpy.ops.backlot.roto_hint(path="312,180;310,192;312,202", kind="STROKE")
    scene.backlot_roto.objects[0].moving = False  # the next solve need not track anew
    assert bpy.ops.backlot.roto_propagate() == {"FINISHED"}
    (result,) = scene.backlot_roto.results
    assert result.mask_image.filepath.endswith("frame_0001.png")


def _people(root: Path) -> None:
    import bpy

    def people() -> int:
        return sum("backlot_person" in thing for thing in bpy.context.scene.objects)

    world = json.loads((root / "camera" / "world.json").read_text(encoding="utf-8"))
    write_person(root, "person_00", Walk(first=1, count=LAST, revision=world["revision"]))
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.backlot.import_mocap() == {"FINISHED"}
    bpy.ops.ed.undo_push(message="Import Motion")
    counts = [people()]
    for change in (bpy.ops.ed.undo, bpy.ops.ed.redo):
        change()
        counts.append(people())
    assert counts == [1, 0, 1]


def _hands_on(root: Path) -> None:
    """The artist deletes and locks tracks and knows a distance: the next solve obeys."""
    import bpy
    from bl_ext.user_default.backlot.importers.tracks import remove_tracks

    plate = bpy.data.movieclips[0]
    state, places, key = table_of(root)
    tracks = plate.tracking.tracks
    assert 100 <= len(tracks) <= 200 and set(state.values()) <= {0, 4}
    numbers = [int(track.name[1:]) for track in tracks if int(track.name[1:]) in places]
    far = max(numbers, key=lambda number: float(np.linalg.norm(places[number] - places[numbers[0]])))
    near, gone, locked = numbers[0], [n for n in numbers if n not in (numbers[0], far)][:20], numbers[40]
    remove_tracks(plate, [f"#{number}" for number in gone])
    tracks = plate.tracking.tracks
    if locked not in (near, far):
        tracks[f"#{locked}"].lock = True
    bpy.ops.backlot.add_known_distance(first=f"#{near}", second=f"#{far}", metres=METRES)
    assert bpy.ops.backlot.solve_with_tracks() == {"FINISHED"}
    state, places, again = table_of(root)
    assert again == key
    assert {number for number, kind in state.items() if kind == 3} == set(gone)
    assert state[locked] == 1
    assert abs(np.linalg.norm(places[near] - places[far]) - METRES) < 0.02


def table_of(root: Path) -> Any:
    """The tracks and points that the solve wrote, by id."""
    with np.load(root / "camera/tracks.npz") as tracks, np.load(root / "camera/points.npz") as points:
        state = dict(zip(tracks["id"].tolist(), tracks["state"].tolist(), strict=True))
        held = zip(tracks["id"].tolist(), tracks["point"].tolist(), strict=True)
        places = {number: points["xyz"][row] for number, row in held if row >= 0}
        return state, places, str(tracks["key"])


def _next_day(blend: Path, home: Path) -> dict[str, Any]:  # noqa: F811
    script = f"PACKAGE, BLEND, FOCAL_MM = {PACKAGE!r}, {str(blend)!r}, {FOCAL_MM!r}\n{_NEXT_DAY}"
    variables = {**os.environ, "BACKLOT_HOME": str(home)}
    done = subprocess.run([sys.executable, "-c", script], env=variables, timeout=300, capture_output=True, text=True,
                          check=False)  # fmt: skip
    said = next((line for line in done.stdout.splitlines() if line.startswith("FOUND")), "")
    assert said and done.returncode == 0, (done.returncode, done.stdout[-500:], done.stderr[-2000:])
    found: dict[str, Any] = json.loads(said.removeprefix("FOUND"))
    return found
