"""What two frames and many frames say about the camera's movement, from made-up tracks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.sfm.focal_vote import growth_votes, vote_focal
from backend.sfm.gauge import MEDIAN_DEPTH, handy_world, moved
from backend.sfm.initial import initialise, look_at_pairs
from backend.sfm.keyframes import choose_keyframes
from backend.sfm.mapper import MapperSettings, grow, register_rest
from backend.sfm.motion_model import choose_motion
from backend.sfm.rotations import exponential
from backend.sfm.scene import Scene
from backend.sfm.tracks import Tracks, pair_of
from backend.sfm.two_view import look_at_pair
from tests.unit.sfm_scene import LENS, aligned_error, seen, travelling

NOISE = 0.2


def nothing() -> None:
    return None


def turning(frames: int = 12, degrees: float = 1.0) -> Scene:
    """A camera on a tripod."""
    still = travelling(frames, step=0.0)
    angle = np.radians(degrees) * np.arange(frames)
    return replace(still, rotation=exponential(np.stack([0.2 * angle, angle, 0 * angle], 1)))


def pairs(tracks: Tracks) -> list[int]:
    return list(range(0, tracks.frames, 2))


def test_gric_tells_a_rotation_from_a_movement() -> None:
    for scene, full in ((travelling(points=300), True), (turning(degrees=1.0), False)):
        _, a, b = pair_of(seen(scene, NOISE), 0, 8)
        assert look_at_pair(0, 8, a, b, NOISE).full is full


def test_focal_length_is_voted_from_fundamental_matrices() -> None:
    tracks = seen(travelling(points=300, turn=0.03), NOISE)
    views = look_at_pairs(tracks, pairs(tracks), NOISE, nothing)
    assert abs(vote_focal(views, LENS)[0] / 600.0 - 1.0) < 0.15


def test_the_growth_of_a_zoom_is_voted_from_fundamental_matrices() -> None:
    still = travelling(frames=24, points=400, turn=0.03)
    tracks = seen(still.with_focals(600.0 * np.exp(np.linspace(0.0, 0.6, 24))), NOISE)
    views = look_at_pairs(tracks, list(range(0, 24, 2)), NOISE, nothing)
    pair = max(views, key=lambda view: view.second - view.first)
    votes = growth_votes(views, [600.0, 900.0], LENS, pair)
    assert [focal for focal, _ in votes] == [600.0, 900.0]
    assert all(abs(rate * 23 - 0.6) < 0.2 for _, rate in votes)
    assert growth_votes([], [600.0], LENS, pair) == [(600.0, 0.0)]


@pytest.mark.parametrize("focal_known", [True, False])
def test_motion_is_chosen_over_the_whole_clip(focal_known: bool) -> None:
    cases = {"full": travelling(points=300), "nodal": turning(degrees=1.0), "locked": turning(degrees=0.0)}
    for model, scene in cases.items():
        tracks = seen(scene, NOISE)
        views = look_at_pairs(tracks, pairs(tracks), NOISE, nothing)
        chosen = choose_motion(tracks, views, LENS, NOISE, nothing, focal_known=focal_known)
        assert chosen.model == model
        if model != "full":
            assert chosen.gric_turning < chosen.gric_travelling


def test_a_person_who_walks_does_not_make_a_tripod_travel() -> None:
    tracks = seen(turning(degrees=0.0), NOISE)
    walker = tracks.track < 40
    steps = tracks.frame[:, None] * np.array([2.0, 0.3]) + np.sin(tracks.track[:, None] + tracks.frame[:, None] / 2.0)
    tracks = replace(tracks, xy=tracks.xy + walker[:, None] * steps)
    views = look_at_pairs(tracks, pairs(tracks), NOISE, nothing)
    assert choose_motion(tracks, views, LENS, NOISE, nothing, focal_known=False).model == "locked"


def test_mapping_places_every_frame_without_a_focal_length() -> None:
    truth = travelling(frames=24, points=400)
    tracks = seen(truth, NOISE)
    keys = choose_keyframes(tracks, 734.0)
    settings = MapperSettings(NOISE, True, None, 0)
    views = look_at_pairs(tracks, keys, NOISE, nothing)
    guess = replace(LENS, focal=768.0)
    trial = initialise(tracks, keys, views, guess, settings, nothing, focal_known=False)
    assert trial is not None
    scene = grow(trial.scene, tracks, keys, settings, nothing)
    scene = register_rest(scene, tracks, settings, nothing)
    assert scene.posed.all()
    assert abs(scene.lens.focal / 600.0 - 1.0) < 0.05
    assert aligned_error(scene, truth) < 0.03


def test_key_frames_follow_the_movement() -> None:
    fast = choose_keyframes(seen(travelling(frames=24, step=0.3)), 734.0)
    slow = choose_keyframes(seen(travelling(frames=24, step=0.001, turn=0.0)), 734.0)
    assert fast[0] == slow[0] == 0
    assert fast[-1] == slow[-1] == 23
    assert len(fast) > len(slow) >= 8


def test_a_world_change_leaves_the_pictures_alone() -> None:
    truth = travelling()
    turn = exponential(np.array([[0.4, -0.2, 1.0]]))[0]
    changed = moved(truth, 2.5, turn, np.array([1.0, -2.0, 3.0]))
    assert np.allclose(seen(changed).xy, seen(truth).xy, atol=1e-6)
    assert np.allclose(changed.centres, 2.5 * truth.centres @ turn.T + [1.0, -2.0, 3.0])


def test_the_handy_world_is_upright_and_sized() -> None:
    world = handy_world(moved(travelling(), 0.01, exponential(np.array([[1.0, 2.0, 0.5]]))[0], np.zeros(3)))
    up = -world.rotation[:, 1].mean(0)
    assert up[2] > 0.98 * np.linalg.norm(up)
    away = np.linalg.norm(world.points[None] - world.centres[:, None], axis=2)
    assert abs(np.median(away) / MEDIAN_DEPTH - 1.0) < 0.05
    assert world.rotation[0, 2, 1] > 0.9, "the first camera looks along +y"
    assert np.allclose(np.linalg.det(world.rotation), 1.0)
