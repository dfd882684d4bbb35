"""Frames that see no point of the map yet are reached through those between."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.sfm.mapper import MapperSettings, register_rest
from backend.sfm.tracks import Tracks, build_tracks
from tests.unit.sfm_scene import seen, travelling

FRAMES, MAPPED, LIFE = 20, 7, 6
NOISE_PX = 0.2


def nothing() -> None:
    return None


def short_lived(tracks: Tracks) -> Tracks:
    """Every point is a new track every LIFE frames, begun at its own time: people pass in front of the set."""
    piece = (tracks.frame + tracks.track % LIFE) // LIFE
    number = np.unique(tracks.track * 100 + piece, return_inverse=True)[1]
    order = np.lexsort((tracks.frame, number))
    return build_tracks(number[order], tracks.frame[order], tracks.xy[order], tracks.sigma[order], tracks.frames)


def test_a_map_of_short_tracks_reaches_the_end_of_the_clip() -> None:
    truth = travelling(FRAMES, 400, seed=2)
    tracks = short_lived(seen(truth, NOISE_PX, 2))
    begun = truth.posed & (np.arange(FRAMES) < MAPPED)
    empty = replace(truth, posed=begun, points=np.zeros((tracks.count, 3)), known=np.zeros(tracks.count, bool))
    settings = MapperSettings(noise_px=0.35, free_focal=False, focal_prior=None, seed=0)
    found = register_rest(empty, tracks, settings, nothing)
    assert found.posed.all()
    turn = np.einsum("tij,tkj->tik", found.rotation, truth.rotation)
    angle = np.degrees(np.arccos(np.clip((np.trace(turn, axis1=1, axis2=2) - 1.0) / 2.0, -1.0, 1.0)))
    assert (angle - angle[0]).max() < 0.3
    path = np.linalg.norm(truth.centres[-1] - truth.centres[0])
    assert np.linalg.norm(found.centres - truth.centres, axis=1).max() < 0.03 * path
