"""Cameras that stand still or turn on the spot for a while, from made-up tracks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.sfm.bundle import BundleSettings, adjust
from backend.sfm.focal_certainty import focal_deviation
from backend.sfm.frames import Floats
from backend.sfm.initial import look_at_pairs
from backend.sfm.motion_model import choose_motion
from backend.sfm.ray_rotation import fit_rotation
from backend.sfm.rotations import exponential
from backend.sfm.scene import Scene
from backend.sfm.span_borders import grown
from backend.sfm.span_search import candidate_runs, judged
from backend.sfm.spans import FREE, Spans, settled, whole_clip
from backend.sfm.still_frames import still_runs
from backend.sfm.tracks import Tracks
from backend.sfm.triangulation import triangulate
from backend.sfm.turning import turning_scene
from tests.unit.sfm_scene import LENS, aligned_error, seen, travelling

NOISE = 0.2
STOP = 16


def nothing() -> None:
    return None


def dolly_that_pans(frames: int = 32, degrees: float = 1.2, seed: int = 0) -> Scene:
    """Travels until frame STOP, then turns on the spot."""
    rng = np.random.default_rng(seed)
    moving = travelling(STOP, 500, seed=seed)
    turn = np.radians(degrees) * np.arange(1, frames - STOP + 1)
    turns = exponential(np.stack([0.1 * turn, turn, 0 * turn], 1)) @ moving.rotation[-1]
    rotation = np.concatenate([moving.rotation, turns])
    centres = np.concatenate([moving.centres, np.repeat(moving.centres[-1:], frames - STOP, 0)])
    points = np.concatenate([moving.points, rng.uniform([-12.0, -4.0, -6.0], [12.0, 4.0, 9.0], (1200, 3))])
    return Scene(
        LENS, rotation, -np.einsum("fij,fj->fi", rotation, centres), np.ones(frames, bool), points,
        np.ones(len(points), bool),
    )  # fmt: skip


def turning(frames: int, degrees: float, points: int = 400) -> Scene:
    still = travelling(frames, points, step=0.0)
    angle = np.radians(degrees) * np.arange(frames)
    return replace(still, rotation=exponential(np.stack([0.2 * angle, angle, 0 * angle], 1)))


def free_solve(truth: Scene, tracks: Tracks) -> Scene:
    """Solved as if every frame travelled."""
    scene, _ = adjust(truth, tracks, BundleSettings(iterations=10))
    return scene


def with_movers(tracks: Tracks, share: float, seed: int = 0) -> Tracks:
    """That share of the tracks belongs to four bodies that walk through the picture, each of many points that sway."""
    rng = np.random.default_rng(seed)
    body = rng.integers(0, 4, tracks.count)
    velocity = rng.uniform(1.5, 4.0, 4) * rng.choice([-1.0, 1.0], 4)
    phase = rng.uniform(0.0, 6.0, (tracks.count, 2))
    age = tracks.frame[:, None]
    sway = 4.0 * np.sin(phase[tracks.track] + 0.5 * age)
    walk = age * np.stack([velocity[body[tracks.track]], np.zeros(len(tracks.track))], 1)
    moves = rng.random(tracks.count) < share
    return replace(tracks, xy=tracks.xy + moves[tracks.track, None] * (walk + sway))


def test_a_rotation_is_found_among_many_wrong_rays() -> None:
    rng = np.random.default_rng(1)
    rays = rng.normal(size=(200, 3)) * [0.3, 0.3, 0.0] + [0.0, 0.0, 1.0]
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    turn = exponential(np.array([[0.05, -0.2, 0.1]]))[0]
    seen_rays = rays @ turn.T
    seen_rays[:90] = rng.permutation(seen_rays[:90]) + 0.05
    off = fit_rotation(rays, seen_rays) @ turn.T
    assert np.degrees(np.arccos(np.clip((np.trace(off) - 1.0) / 2.0, -1.0, 1.0))) < 0.02


def test_a_shared_centre_stays_exactly_one() -> None:
    truth = dolly_that_pans()
    tracks = seen(truth, NOISE)
    group = np.full(32, FREE)
    group[STOP - 1 :] = 0
    spans = Spans(group, np.full(32, FREE), 5.0)
    rotation, translation = settled(truth.rotation, truth.translation, truth.posed, spans)
    start = replace(truth, rotation=rotation, translation=translation, spans=spans, lens=replace(LENS, focal=620.0))
    start = triangulate(
        start, tracks, wanted=np.ones(tracks.count, bool), least_angle_deg=1.0, most_error_px=50.0
    )  # fmt: skip
    assert start.far.sum() > 50
    found, report = adjust(start, tracks, BundleSettings(iterations=30))
    assert report.converged
    assert np.ptp(found.centres[STOP - 1 :], axis=0).max() < 1e-12
    assert abs(found.lens.focal / LENS.focal - 1.0) < 0.003
    assert aligned_error(found, truth) < 0.003
    radius = np.linalg.norm(found.points[found.far & found.known] - found.centres[-1], axis=1)
    assert np.ptp(radius) < 0.01 * spans.radius


def test_a_shared_pose_stays_exactly_one() -> None:
    truth = turning(8, 0.0)
    start = replace(truth, spans=whole_clip("locked", 8))
    tracks = seen(truth, NOISE)
    start = triangulate(start, tracks, wanted=np.ones(tracks.count, bool), least_angle_deg=1.0, most_error_px=5.0)
    found, _ = adjust(start, tracks, BundleSettings(iterations=5))
    assert len({rotation.tobytes() for rotation in found.rotation}) == 1
    assert len({translation.tobytes() for translation in found.translation}) == 1


def test_rotations_and_focal_length_from_a_turn() -> None:
    truth = turning(16, 1.5)
    tracks = with_movers(seen(truth, NOISE), 0.3)
    scene = turning_scene(tracks, replace(LENS, focal=640.0), NOISE * 2.0, nothing)
    assert scene.posed.all()
    found, _ = adjust(scene, tracks, BundleSettings(iterations=20, scale_px=2.0))
    assert abs(found.lens.focal / LENS.focal - 1.0) < 0.01
    assert focal_deviation(found, tracks, BundleSettings()) < 0.01


def test_a_small_turn_does_not_tell_the_focal_length() -> None:
    truth = turning(16, 0.01)
    tracks = seen(truth, NOISE)
    scene = turning_scene(tracks, LENS, NOISE, nothing)
    assert focal_deviation(scene, tracks, BundleSettings()) > 0.05


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_stop_is_found_and_its_border_kept(seed: int) -> None:
    truth = dolly_that_pans(seed=seed)
    tracks = seen(truth, NOISE, seed=seed + 10)
    scene = free_solve(truth, tracks)
    runs = candidate_runs(scene)
    assert len(runs) == 1
    verdict = judged(scene, tracks, runs[0])
    assert verdict.holds
    assert verdict.cost < 2.0 * 3.0 * (verdict.last - verdict.first), "about one a parameter, as noise would have it"
    run, _, turned = grown(scene, tracks, runs[0], NOISE, nothing, within=(0, 31))
    assert abs(run[0] - (STOP - 1)) <= 1
    assert run[1] == 31
    assert turned[run[0] : run[1] + 1].all()


def test_a_moving_span_costs_more_than_it_saves() -> None:
    truth = dolly_that_pans()
    tracks = seen(truth, NOISE)
    assert not judged(free_solve(truth, tracks), tracks, (2, 12)).holds


@pytest.mark.parametrize("path", ["slow", "sway", "steps"])
def test_slow_and_swaying_cameras_never_stop(path: str) -> None:
    s = np.linspace(0.0, 1.0, 48)
    along = {"slow": 0.1 * s, "sway": 0.3 * np.sin(7.5 * s), "steps": np.cumsum(0.01 + 0.01 * (np.arange(48) % 2))}[
        path
    ]
    truth = travelling(48, 300, step=0.0)
    centres = np.stack([along, 0.02 * np.sin(9.0 * s), 0.01 * s], 1)
    truth = replace(truth, translation=-np.einsum("fij,fj->fi", truth.rotation, centres))
    scene = free_solve(truth, seen(truth, NOISE))
    assert candidate_runs(scene) == []


def test_still_parts_despite_walkers() -> None:
    moving = travelling(12, 400, step=0.1)
    rotation = np.concatenate([np.repeat(moving.rotation[:1], 14, 0), moving.rotation[1:]])
    translation = np.concatenate([np.repeat(moving.translation[:1], 14, 0), moving.translation[1:]])
    truth = replace(moving, rotation=rotation, translation=translation, posed=np.ones(25, bool))
    assert still_runs(with_movers(seen(truth, NOISE), 0.4), 0.35) == [(0, 13)]
    assert still_runs(seen(travelling(25, 400, step=0.0004), NOISE), 0.35) == [], "a camera that creeps"


@pytest.mark.parametrize("kind", ["locked", "nodal", "full"])
@pytest.mark.parametrize("seed", [0, 1])
def test_movers_on_two_fifths_of_the_picture_do_not_decide(kind: str, seed: int) -> None:
    truth = {"locked": turning(12, 0.0), "nodal": turning(12, 1.0), "full": travelling(12, 400)}[kind]
    tracks = with_movers(seen(truth, NOISE), 0.4, seed)
    views = look_at_pairs(tracks, list(range(0, 12, 2)), 0.35, nothing)
    assert choose_motion(tracks, views, LENS, 0.35, nothing, focal_known=False).model == kind


def test_what_kinds_a_clip_has() -> None:
    spans = Spans(np.array([FREE, 0, 0, 0, 1]), np.array([FREE, FREE, 3, 3, FREE]))
    assert spans.kinds == ["full", "nodal", "locked", "locked", "nodal"]
    groups: list[Floats] = [group.astype(float) for group in spans.groups]
    assert [group.tolist() for group in groups] == [[1, 2, 3], [4]]
