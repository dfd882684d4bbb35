"""Which start, and which map, is believed: the one that most of the tracks stand still in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.sfm.initial import attempt, look_at_pairs
from backend.sfm.mapper import MapperSettings
from backend.sfm.mapping import still_observations
from backend.sfm.scene import empty_scene
from tests.unit.sfm_scene import LENS, seen, shaken, travelling

FRAMES = 12
NOISE_PX = 0.2
MAPPER = MapperSettings(noise_px=0.35, free_focal=False, focal_prior=None, seed=0)


def nothing() -> None:
    return None


def test_a_start_of_few_tracks_is_judged_by_all() -> None:
    """Every third track slides, each in its own direction: a start that is right leaves just those in disagreement."""
    tracks = seen(travelling(FRAMES, 300, seed=2), NOISE_PX, 2)
    sliding = tracks.track % 3 == 0
    heading = 2.0 * np.pi * np.random.default_rng(3).random(tracks.count)[tracks.track]
    slide = 3.0 * tracks.frame[:, None] * np.stack([np.cos(heading), np.sin(heading)], 1)
    tracks = replace(tracks, xy=tracks.xy + np.where(sliding[:, None], slide, 0.0))
    keys = [0, 4, 8, 11]
    view = look_at_pairs(tracks, keys, MAPPER.noise_px, nothing)[0]
    trial = attempt(tracks, keys, view, empty_scene(LENS, FRAMES, tracks.count), MAPPER, nothing)
    assert trial is not None
    assert 0.6 < trial.agreeing < 0.75
    still = attempt(
        tracks.select(~sliding), keys, view, empty_scene(LENS, FRAMES, tracks.count), MAPPER, nothing
    )  # fmt: skip
    assert still is not None
    assert still.agreeing > 0.95
    assert still.merit > trial.merit


def test_a_sound_half_is_worth_more_than_a_wrong_whole() -> None:
    truth = travelling(FRAMES, 300, seed=2)
    tracks = seen(truth, NOISE_PX, 2)
    half = replace(truth, posed=np.arange(FRAMES) < FRAMES // 2)
    wrong = shaken(truth, amount=0.1)
    found = [still_observations(scene, tracks, MAPPER) for scene in (truth, half, wrong)]
    assert found[0] > 0.95 * len(tracks.frame)
    assert found[0] > found[1] > 2 * found[2]
