"""Hands on with the real solver: the sample clip is solved, the artist edits its tracks, and the next solve obeys."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from tests.blender.installed import CHECKOUT
from tests.blender.real_backend import real_backend
from tests.blender.test_session import home  # noqa: F401  (fixture)

METRES = 2.0
LAST = 24
"""Frame of the sample clip: the rest of it would only take time, in every version of Blender."""


def table_of(root: Path) -> Any:
    """The tracks and points that the solve wrote, by id."""
    with np.load(root / "camera/tracks.npz") as tracks, np.load(root / "camera/points.npz") as points:
        state = dict(zip(tracks["id"].tolist(), tracks["state"].tolist(), strict=True))
        held = zip(tracks["id"].tolist(), tracks["point"].tolist(), strict=True)
        places = {number: points["xyz"][row] for number, row in held if row >= 0}
        return state, places, str(tracks["key"])


def test_the_next_solve_obeys(empty: None, home: Path, tmp_path: Path) -> None:  # noqa: F811
    import bpy
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.importers.tracks import remove_tracks

    clip = tmp_path / "clip.mp4"
    shutil.copy(CHECKOUT / "assets/sample/clip.mp4", clip)
    root = tmp_path / "clip_backlot"
    scene = bpy.context.scene
    with real_backend(home):
        shot = api.solve(clip, ingest={"frame_end": LAST}, quality="fast")
        state, places, key = table_of(root)
        tracks = shot.plate.tracking.tracks
        assert 100 <= len(tracks) <= 200 and set(state.values()) <= {0, 4}
        numbers = [int(track.name[1:]) for track in tracks if int(track.name[1:]) in places]
        far = max(numbers, key=lambda number: float(np.linalg.norm(places[number] - places[numbers[0]])))
        near, gone, locked = numbers[0], [n for n in numbers if n not in (numbers[0], far)][:20], numbers[40]
        remove_tracks(shot.plate, [f"#{number}" for number in gone])
        tracks = shot.plate.tracking.tracks
        if locked not in (near, far):
            tracks[f"#{locked}"].lock = True
        bpy.ops.backlot.add_known_distance(first=f"#{near}", second=f"#{far}", metres=METRES)
        scene.backlot.solve.quality = "fast"
        scene.backlot.ingest.use_frame_end, scene.backlot.ingest.frame_end = True, LAST
        assert bpy.ops.backlot.solve_with_tracks() == {"FINISHED"}
        state, places, again = table_of(root)
    assert again == key
    assert {number for number, kind in state.items() if kind == 3} == set(gone)
    assert state[locked] == 1
    assert abs(np.linalg.norm(places[near] - places[far]) - METRES) < 0.02
    assert not {f"#{number}" for number in gone} & {track.name for track in shot.plate.tracking.tracks}
    world = scene.camera.users_collection[0]["backlot_world"]
    assert '"metres"' in world
