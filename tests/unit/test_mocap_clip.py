"""One person through a whole clip: gaps, cuts, windows, worlds without a scale, and what is stored of it."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest

import backend.mocap.clip as clip
from backend.mocap.clip import ClipMotion, ClipSettings, frame_states, solve_clip
from backend.mocap.contacts import Floor
from backend.mocap.evidence import Cameras
from backend.mocap.footage import Footage
from backend.mocap.kept import KeptBody
from backend.mocap.motion import motion_of
from backend.mocap.skeleton import STATURE_M
from backend.mocap.swaps import exchanged, put_right
from shared.motion_arrays import ABSENT, BRIDGED, TRACKED, joints_of
from tests.unit.mocap_scene import FPS, Performance, detected, performance

FLOOR = Floor(np.array([0.0, 0.0, 1.0]), 0.0)
SETTINGS = ClipSettings(FPS, FLOOR)
SIDES = ("left", "right")


def test_states_of_frames() -> None:
    enough = np.ones(100, bool)
    enough[:5] = enough[20:30] = enough[50:80] = enough[99:] = False
    states = frame_states(enough, replace(SETTINGS, cuts=(25,)))
    assert states[:5] == (ABSENT,) * 5
    assert states[5:20] == (TRACKED,) * 15
    assert states[20:30] == (ABSENT,) * 10, "nothing is carried over a cut"
    assert states[30:50] == (TRACKED,) * 20
    assert states[50:80] == (ABSENT,) * 30
    assert states[99] == ABSENT
    assert frame_states(enough, SETTINGS)[20:30] == (BRIDGED,) * 10


def test_a_long_absence_stays_empty_and_a_short_one_is_bridged() -> None:
    shown = performance(34)
    evidence = detected(shown)
    for sd in (evidence.sd_px, evidence.sd_m):
        sd[5:8] = np.inf
        sd[13:23] = np.inf
    found = solve_clip(shown.truth.skeleton, shown.cameras, evidence, replace(SETTINGS, bridge_s=0.25))
    assert set(found.state[5:8]) == {BRIDGED}
    assert set(found.state[13:23]) == {ABSENT}
    assert np.isnan(found.body.root[13:23]).all()
    assert (found.confidence[13:23] == 0.0).all()
    kept = [t for t, state in enumerate(found.state) if state != ABSENT]
    assert _off(found, shown)[kept].mean() < 0.08


def test_windows_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = performance(36)
    monkeypatch.setattr(clip, "_WINDOW", 20)
    monkeypatch.setattr(clip, "_AHEAD", 8)
    monkeypatch.setattr(clip, "_BONE_WINDOWS", 2)
    monkeypatch.setattr(clip, "_BONE_FRAMES", 12)
    found = solve_clip(shown.truth.skeleton, shown.cameras, detected(shown), SETTINGS)
    assert set(found.state) == {TRACKED}
    assert _off(found, shown).mean() < 0.07
    jerk = np.linalg.norm(np.diff(found.body.joints(), 3, axis=0), axis=-1).mean(1)
    assert jerk.max() < 2.5 * np.median(jerk)


@pytest.mark.parametrize("floor", [True, False])
def test_a_person_tells_how_long_a_unit_is(floor: bool) -> None:
    shown = performance(12)
    unit = 0.25
    cameras = Cameras(shown.cameras.matrix, shown.cameras.rotation, shown.cameras.translation / unit)
    settings = ClipSettings(FPS, FLOOR if floor else None, shown.truth.size * STATURE_M, metric=False)
    found = solve_clip(shown.truth.skeleton, cameras, detected(shown), settings)
    assert found.metres_per_unit == pytest.approx(unit, rel=0.04)
    stored = motion_of(
        found.body, np.arange(1, 13), found.state, found.confidence, found.contacts,
        fps="24", world_revision=1, engine="test",
    )  # fmt: skip
    off = np.linalg.norm(stored.joints * unit - shown.joints, axis=-1)
    assert off.mean() < 0.3


def test_stored_rotations_give_the_joints() -> None:
    shown = performance(12)
    states = (TRACKED,) * 10 + (ABSENT,) * 2
    sure = np.ones((12, len(shown.truth.skeleton)))
    kept = KeptBody.of(shown.truth)
    motion = motion_of(kept, np.arange(1001, 1013), states, sure, None, fps="24", world_revision=3, engine="x")
    assert np.abs(joints_of(motion)[:10] - motion.joints[:10]).max() < 1e-9
    assert np.abs(motion.joints[:10] - shown.joints[:10]).max() < 1e-6
    assert np.isnan(motion.joints[10:]).all()
    assert (np.sum(motion.rotations[1:10] * motion.rotations[:9], -1) > 0.0).all()


def test_a_joint_that_is_never_seen_is_not_sure() -> None:
    shown = performance(8)
    evidence = detected(shown, dropped=0.0)
    legs = [shown.truth.skeleton.index(f"left_{name}") for name in ("knee", "ankle", "heel", "foot_index")]
    evidence.sd_px[:, legs] = evidence.sd_m[:, legs] = np.inf
    found = solve_clip(shown.truth.skeleton, shown.cameras, evidence, SETTINGS)
    assert found.confidence[:, legs[1:]].max() < 0.3
    assert found.confidence[:, shown.truth.skeleton.index("right_ankle")].min() > 0.7


def test_left_and_right_are_put_in_their_places() -> None:
    shown = performance(20)
    skeleton, evidence = shown.truth.skeleton, detected(shown, dropped=0.05)
    arms = [[skeleton.index(f"{side}_{part}") for part in ("shoulder", "elbow", "wrist", "hand")] for side in SIDES]
    clean = deepcopy(evidence)
    assert not exchanged(skeleton, evidence.part, 20, FPS).any()
    for array in (evidence.xy, evidence.sd_px, evidence.relative, evidence.sd_m):
        array[np.ix_(range(7, 11), arms[0] + arms[1])] = array[np.ix_(range(7, 11), arms[1] + arms[0])]
    wrong = exchanged(skeleton, evidence.part, 20, FPS)
    again = put_right(skeleton, evidence, wrong)
    assert np.nonzero(wrong[:, 0])[0].tolist() == [7, 8, 9, 10]
    assert not wrong[:, 1].any()
    assert np.array_equal(again.xy, clean.xy)
    assert np.array_equal(again.sd_m, clean.sd_m)


def test_a_detector_without_depth_will_do() -> None:
    shown = performance(8)
    evidence = replace(detected(shown), sd_m=np.full((8, len(shown.truth.skeleton)), np.inf))
    found = solve_clip(shown.truth.skeleton, shown.cameras, evidence, SETTINGS)
    assert set(found.state) == {TRACKED}
    assert _off(found, shown).mean() < 0.2


def test_two_views_of_a_moment_tell_more_than_one() -> None:
    shown = performance(6)
    turn = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])
    centre = np.array([4.5, 4.0, 1.5])
    side = Cameras(shown.cameras.matrix, np.tile(turn, (6, 1, 1)), np.tile(-turn @ centre, (6, 1)))
    beside = Footage(side, detected(replace(shown, cameras=side), seed=1))
    evidence = detected(shown)
    one = solve_clip(shown.truth.skeleton, shown.cameras, evidence, SETTINGS)
    both = solve_clip(shown.truth.skeleton, shown.cameras, evidence, SETTINGS, views=[beside])
    assert _off(both, shown).mean() < 0.02
    assert _off(both, shown).mean() < _off(one, shown).mean()


def _off(found: ClipMotion, shown: Performance) -> np.ndarray:
    seen = [j for j, name in enumerate(shown.truth.skeleton.names) if "collar" not in name]
    found_joints = found.body.joints()
    off: np.ndarray = np.linalg.norm(found_joints - shown.joints, axis=-1)[:, seen]
    return off
