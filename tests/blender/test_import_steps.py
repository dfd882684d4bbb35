"""No step of an import handles more than so much, whatever the shot's size: counted in curves, tracks and frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.blender.synthetic_mocap import Walk, write_person
from tests.blender.synthetic_roto import RotoPlan, write_roto
from tests.blender.synthetic_shot import ShotPlan, write_shot
from tests.blender.synthetic_tracks import write_tracks

MOST = {"curves": 3, "tracks": 10, "frames measured": 17, "mask keys": 4}
"""Of one step. A curve is written by one call of Blender; the lens keys three at once."""


@pytest.fixture
def done(empty: None, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What was done since it was last emptied."""
    from bl_ext.user_default.backlot.importers import animation, plate, tracks
    from bl_ext.user_default.backlot.roto import mask_import

    counted: Counter[str] = Counter()

    def count(owner: Any, name: str, what: str, size: Callable[..., int] = lambda *_: 1) -> None:
        inner = getattr(owner, name)

        def counting(*given: Any, **named: Any) -> Any:
            counted[what] += size(*given)
            return inner(*given, **named)

        monkeypatch.setattr(owner, name, counting)

    count(animation, "write_curve", "curves")
    count(tracks._Writer, "add", "tracks")
    count(plate, "distort", "frames measured")
    count(mask_import, "_insert_keys", "mask keys", lambda *given: len(given[3]))
    return counted


def most_of(steps: Iterator[Any], done: Counter[str]) -> tuple[Counter[str], Counter[str]]:
    """The most of each in one step, and the sum of all."""
    most: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    done.clear()
    for _ in steps:
        most |= done
        whole += done
        done.clear()
    return most | done, whole + done


def check(most: Counter[str], whole: Counter[str], wanted: dict[str, int]) -> None:
    for what, least in wanted.items():
        assert whole[what] >= least, (what, whole)  # the shot is big enough to tell
        assert most[what] <= MOST[what], (what, most)


def test_a_zoom_with_many_tracks(done: Counter[str], tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot.importers import contents, shot_import
    from bl_ext.user_default.backlot.importers.options import ImportOptions

    plan = ShotPlan(count=60, points=150, focal_px=(300.0, 400.0), width=64, height=36)
    write_tracks(tmp_path, write_shot(tmp_path, plan))
    read = contents.read_shot(tmp_path, 0)
    for wanted in ({"curves": 10, "tracks": 30, "frames measured": 60}, {"curves": 10, "frames measured": 60}):
        steps = shot_import.import_steps(bpy.context.scene, read, ImportOptions(track_limit=0))
        check(*most_of(steps, done), wanted)  # again: what is there is updated


def test_people(done: Counter[str], tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot.mocap import contents, scene_import

    write_shot(tmp_path, ShotPlan(count=60, points=10, plate=False))
    write_person(tmp_path, "person_00", Walk(count=60))
    most, whole = most_of(scene_import.import_steps(bpy.context.scene, contents.read_mocap(tmp_path)), done)
    assert whole["curves"] > 100 and most["curves"] <= 16  # a bone with its properties


def test_masks(done: Counter[str], tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot.roto import results, scene_import

    plan = ShotPlan(count=6, points=10, width=64, height=36)
    write_shot(tmp_path, plan)
    write_roto(tmp_path, RotoPlan(labels=("disc", "other"), radius=6.0, hole=3.0, shot=plan))
    bpy.context.scene.backlot.folder = str(tmp_path)
    steps = scene_import.import_steps(bpy.context.scene, results.read_roto(tmp_path))
    check(*most_of(steps, done), {"mask keys": 4})
