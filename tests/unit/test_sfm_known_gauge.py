"""The world from surveyed places and distances, on made-up scenes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.sfm.gauge import moved
from backend.sfm.hinted_tracks import KnownPoints
from backend.sfm.known_gauge import placed
from backend.sfm.rotations import exponential
from shared.camera_files import ARBITRARY, Gauge
from tests.unit.sfm_scene import travelling

TRUTH = travelling()
TURN = exponential(np.array([[0.3, -0.5, 0.9]]))[0]
SOLVED = moved(TRUTH, 0.37, TURN, np.array([4.0, -2.0, 1.0]))
"""The same scene in a solver's arbitrary world."""


def known(tracks: list[int], ends: list[tuple[int, int]] | None = None, factor: float = 1.0) -> KnownPoints:
    pairs = np.array(ends or [], np.int64).reshape(-1, 2)
    return KnownPoints(
        place_of=np.array(tracks, np.int64),
        places=TRUTH.points[tracks].reshape(-1, 3),
        place_sd=np.full(len(tracks), 0.01),
        ends=pairs,
        metres=factor * np.linalg.norm(TRUTH.points[pairs[:, 0]] - TRUTH.points[pairs[:, 1]], axis=1),
        metres_sd=np.full(len(pairs), 0.01),
    )


def test_three_places_say_everything() -> None:
    found = placed(SOLVED, known([3, 50, 120]))
    assert found.gauge == Gauge("picked", "two-points", "metres") and not found.notices
    assert np.allclose(found.scene.points, TRUTH.points, atol=1e-9)
    assert np.allclose(found.scene.centres, TRUTH.centres, atol=1e-9)


def test_surer_places_count_more() -> None:
    said = known([3, 50, 120, 7])
    wrong = said.places.copy()
    wrong[3] += [0.5, 0.0, 0.0]
    doubted = placed(SOLVED, replace(said, places=wrong, place_sd=np.array([0.001, 0.001, 0.001, 1.0])))
    assert np.abs(doubted.scene.points - TRUTH.points).max() < 0.01 and not doubted.notices


def test_a_wrong_place_is_named_and_left_out() -> None:
    said = known([3, 50, 120, 7])
    wrong = said.places.copy()
    wrong[3] += [0.5, 0.0, 0.0]
    found = placed(SOLVED, replace(said, places=wrong, names=("a", "b", "c", "door")))
    assert np.allclose(found.scene.points, TRUTH.points, atol=1e-9)
    assert found.notices == ("1 of 4 surveyed places disagree with the solve: door by 0.5 m. They are not used.",)
    assert found.priors is not None and found.priors.points is not None
    assert found.priors.points.track.tolist() == [3, 50, 120]


def test_of_three_places_the_wrong_one_cannot_be_told() -> None:
    said = known([3, 50, 120])
    wrong = said.places.copy()
    wrong[2] += [0.0, 0.0, 1.0]
    found = placed(SOLVED, replace(said, places=wrong))
    assert "it cannot be told which is wrong" in found.notices[0]
    assert found.priors is not None and found.priors.points is None


def test_a_distance_is_the_scale_alone() -> None:
    found = placed(SOLVED, known([], [(3, 50), (120, 7)]))
    assert found.gauge == Gauge("none", "two-points", "metres") and not found.notices
    apart = np.linalg.norm(found.scene.points[9] - found.scene.points[80])
    assert np.isclose(apart, np.linalg.norm(TRUTH.points[9] - TRUTH.points[80]), rtol=1e-9)


def test_distances_that_disagree_are_said() -> None:
    said = known([], [(3, 50), (120, 7)])
    found = placed(SOLVED, replace(said, metres=said.metres * [1.0, 1.3]))
    assert "disagree" in found.notices[0] and "number" in found.notices[0]


def test_places_in_a_line_give_their_distance() -> None:
    ab = known([3, 50])
    places = np.concatenate([ab.places, ab.places.mean(0, keepdims=True)])
    points = SOLVED.points.copy()
    points[120] = points[[3, 50]].mean(0)
    line = replace(ab, place_of=np.array([3, 50, 120]), places=places, place_sd=np.full(3, 0.01))
    found = placed(replace(SOLVED, points=points), line)
    assert found.gauge.scale_source == "two-points" and found.gauge.up_source == "none"
    apart = np.linalg.norm(found.scene.points[3] - found.scene.points[50])
    assert np.isclose(apart, np.linalg.norm(TRUTH.points[3] - TRUTH.points[50]), rtol=1e-9)
    assert "in a line" in found.notices[0]


def test_what_has_no_point_is_said_and_not_used() -> None:
    scene = replace(SOLVED, known=np.arange(len(SOLVED.known)) != 50)
    found = placed(scene, known([3, 50], [(50, 7)]))
    assert found.gauge == ARBITRARY and len(found.notices) == 2
    assert "without a solved point" in found.notices[0]


def test_nothing_known_is_a_handy_world() -> None:
    assert placed(SOLVED, known([])).gauge == ARBITRARY
