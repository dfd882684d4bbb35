"""The floor under people when nothing else tells where it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.mocap.body import Body
from backend.mocap.clip import ClipMotion
from backend.mocap.contacts import Floor
from backend.mocap.kept import KeptBody
from backend.mocap_stage.fitting import Asked, _floating
from backend.mocap_stage.ground import Ground, floor_under, up_of_people
from backend.sfm.rotations import exponential
from shared.mocap_report import read_mocap_report
from shared.motion_arrays import TRACKED
from tests.unit.mocap_scene import FPS, performance
from tests.unit.mocap_shot import run_mocap, sees, small_scene, track, write_shot

TILT = exponential(np.array([[0.3, -0.2, 0.1]]))[0]
"""The world's up axis is 20 degrees off."""


def turned(body: Body) -> Body:
    return replace(body, root=body.root @ TILT.T, turns=TILT @ body.turns)


def lying(body: Body) -> Body:
    over = exponential(np.stack([np.linspace(-3.0, 3.0, body.frames), np.zeros(body.frames), np.zeros(body.frames)], 1))
    return replace(body, turns=over[:, None] @ body.turns)


def wanderer(rise: float = 0.0) -> Body:
    """Stands at four places for half a second each, bent forward all the time."""
    body = performance(60, size=1.0).truth
    place = np.repeat([[0.0, 0.0], [0.8, 0.3], [1.5, -0.6], [0.4, -1.4]], 15, axis=0)
    return replace(body, root=body.root + np.concatenate([place, np.full((60, 1), rise)], 1))


def test_up_is_how_people_stand_and_where_their_feet_rest() -> None:
    up = up_of_people([KeptBody.of(turned(wanderer()))], 1.0, FPS)
    assert up is not None and np.degrees(np.arccos(up @ TILT[:, 2])) < 1.5
    trunk = up_of_people([KeptBody.of(turned(performance(30).truth))], 1.0, FPS)
    assert trunk is not None and np.degrees(np.arccos(trunk @ TILT[:, 2])) < 10.0


def test_who_tumbles_or_is_hardly_seen_tells_nothing() -> None:
    assert up_of_people([KeptBody.of(lying(performance(60).truth))], 1.0, FPS) is None
    assert up_of_people([KeptBody.of(performance(6).truth)], 1.0, FPS) is None


def test_who_stands_on_a_roof_does_not_lift_the_floor() -> None:
    people = [KeptBody.of(wanderer(rise)) for rise in (2.3, 0.05, 0.0)]
    for some, height in ((people, 0.025), (people[:2], 0.05), (people[:1], 2.3)):
        floor = floor_under(some, np.array([0.0, 0.0, 1.0]), 1.0)
        assert floor is not None and abs(floor.offset - height) < 0.02


def test_feet_are_held_where_not_even_up_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.mocap_stage.outputs.find_blender", lambda _: None)
    scene = small_scene(14, up_source="none")
    shot = write_shot(tmp_path / "shot", scene)
    run_mocap(shot, sees(track(scene)), monkeypatch)
    report = read_mocap_report(shot)
    person = report.people["person_00"]
    assert report.floor == "feet" and person.slide_mm is not None and person.slide_mm < 1.0


def test_a_floor_known_from_sizes_has_no_say_against_them() -> None:
    up = np.array([0.0, 0.0, 1.0])
    people = {name: _fitted(size) for name, size in (("usual", 1.0), ("giant", 1.3))}
    asked = Asked(FPS, None, True)
    for source, floating in (("feet", ("giant",)), ("world", ())):
        assert _floating(people, Ground(Floor(up, 0.0), up, source), 1.0, asked) == floating


def _fitted(size: float) -> ClipMotion:
    body = KeptBody.of(performance(4, size=size).truth)
    return ClipMotion(body, None, (TRACKED,) * 4, np.ones((4, len(body.skeleton)), np.float32), None)
