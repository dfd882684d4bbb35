"""The body solver: its algebra, and what it makes of an unsure detector."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.mocap.band import Normals
from backend.mocap.body import Body
from backend.mocap.contacts import Floor
from backend.mocap.evidence import Cameras
from backend.mocap.sightings import shape_rows
from backend.mocap.skeleton import STATURE_M, Floats, human
from backend.mocap.solver import MotionSettings, solve_motion
from backend.mocap.terms import Contacts, State, add_bends, add_contacts, add_growth, add_motion, add_turning
from backend.sfm.rotations import exponential
from tests.unit.mocap_scene import FPS, collars, detected, performance

FLOOR = Floor(np.array([0.0, 0.0, 1.0]), 0.0)


def test_the_rest_pose_stands_as_tall_as_it_says() -> None:
    skeleton = human()
    body = Body(skeleton, np.zeros((1, 3)), np.tile(np.eye(3), (1, len(skeleton.segments), 1, 1)), skeleton.rest, 1.0)
    height = np.ptp(body.joints()[0, :, 2])
    assert height == pytest.approx(STATURE_M, abs=0.01)
    left, right = (body.joints()[0, skeleton.index(f"{side}_wrist")] for side in ("left", "right"))
    assert left == pytest.approx(right * [-1.0, 1.0, 1.0])


def test_joints_answer_to_every_number_as_the_slopes_say() -> None:
    body = performance(4).truth
    own, shared = body.slopes()
    rng = np.random.default_rng(1)
    step, across = rng.normal(0.0, 1e-5, (4, body.per_frame)), rng.normal(0.0, 1e-5, body.shared)
    moved = body.moved(step, across).joints() - body.joints()
    foretold = np.einsum("tjap,tp->tja", own, step) + np.einsum("tjag,g->tja", shared, across)
    assert np.abs(moved - foretold).max() < 1e-8


def test_a_banded_step_is_the_dense_one() -> None:
    rng = np.random.default_rng(2)
    frames, own, shared = 6, 4, 3
    normals = Normals.empty(frames, own, shared)
    rows, dense = [], []
    for reach in (1, 2, 3):
        count = frames - reach + 1
        slopes = {k: rng.normal(size=(count, 5, own)) for k in range(reach)}
        across, off, weight = rng.normal(size=(count, 5, shared)), rng.normal(size=(count, 5)), rng.random((count, 5))
        normals.add(off, weight, slopes, across)
        for t in range(count):
            row = np.zeros((5, frames * own + shared))
            for k, slope in slopes.items():
                row[:, (t + k) * own : (t + k + 1) * own] = slope[t]
            row[:, frames * own :] = across[t]
            rows.append(row * np.sqrt(weight[t])[:, None])
            dense.append(off[t] * np.sqrt(weight[t]))
    step, all_frames = normals.solve(0.0)
    expected = np.linalg.lstsq(np.concatenate(rows), -np.concatenate(dense), rcond=None)[0]
    assert np.concatenate([step.ravel(), all_frames]) == pytest.approx(expected, abs=2e-5)
    assert normals.cost == pytest.approx(0.5 * sum(float((d**2).sum()) for d in dense), rel=1e-6)


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_a_smooth_path_is_not_had_by_shrinking(scale: float) -> None:
    """The same body, all of it larger or smaller, costs the same by everything but its size."""
    shown = performance(8)
    body, evidence = replace(shown.truth, measure=1.0), detected(shown, dropped=0.0)
    grown = replace(
        body, root=body.root * scale, rest=body.rest * scale, size=body.size * scale, measure=body.measure * scale
    )
    contacts = Contacts((17, 18), np.ones((8, 2)), np.zeros(2), FLOOR.normal, -100.0, height_sd_m=1e9)
    costs = []
    for one in (body, grown):
        normals, state = Normals.empty(8, one.per_frame, one.shared), State.of(one)
        add_motion(normals, state, FPS)
        add_turning(normals, state, FPS)
        add_bends(normals, state)
        shape_rows(state, shown.cameras, evidence).add_to(normals)
        add_contacts(normals, state, contacts)
        costs.append(normals.cost)
    assert costs[1] == pytest.approx(costs[0], rel=1e-6)
    sized = Normals.empty(8, body.per_frame, body.shared)
    add_growth(sized, grown, (body.size, 0.05))
    assert sized.cost > 1.0


def test_the_floor_tells_how_tall_somebody_is() -> None:
    """From 1 px and 60 mm of noise with a tenth of the joints lost, and a detector that takes the person for another
    size."""
    shown = performance()
    found = solve_motion(
        shown.truth.skeleton, shown.cameras, detected(shown, measure=0.9), MotionSettings(FPS, FLOOR, iterations=15)
    )
    assert found.body.size == pytest.approx(shown.truth.size, abs=0.03)
    off = _seen_joints(found.body.joints() - shown.joints)
    assert np.linalg.norm(off, axis=-1).mean() < 0.06
    from_hips = off - off[:, list(shown.truth.skeleton.hips)].mean(1, keepdims=True)
    assert np.linalg.norm(from_hips, axis=-1).mean() < 0.025
    assert found.contacts is not None
    assert found.contacts.touching.mean() > 0.9
    feet = found.body.joints()[:, list(found.contacts.joints)]
    assert np.linalg.norm(np.diff(feet, axis=0), axis=-1).mean() < 0.001


def test_a_given_height_sets_the_size_without_a_floor() -> None:
    shown = performance(16)
    height = shown.truth.size * STATURE_M
    settings = MotionSettings(FPS, None, height, iterations=15)
    found = solve_motion(shown.truth.skeleton, shown.cameras, detected(shown), settings)
    assert found.body.size == pytest.approx(shown.truth.size, abs=0.02)
    assert found.contacts is None


@pytest.mark.parametrize("measure", [0.85, 1.2])
def test_a_camera_that_stands_leaves_the_size_to_what_people_are(measure: float) -> None:
    moving = performance(16, size=1.0)
    still = Cameras(*(np.repeat(one[:1], 16, axis=0) for one in vars(moving.cameras).values()))
    shown = replace(moving, cameras=still)
    body = solve_motion(human(), still, detected(shown, measure=measure, metres=0.03), MotionSettings(FPS)).body
    assert body.size == pytest.approx(0.98, abs=0.05)
    seen, true = (still.project(still.seen(one)) for one in (body.joints(), shown.joints))
    assert np.median(np.linalg.norm(seen - true, axis=-1)) < 2.0


def test_a_gap_is_bridged() -> None:
    shown = performance()
    evidence = detected(shown)
    evidence.sd_px[12:18] = np.inf
    evidence.sd_m[12:18] = np.inf
    found = solve_motion(shown.truth.skeleton, shown.cameras, evidence, MotionSettings(FPS, FLOOR, iterations=15))
    off = np.linalg.norm(_seen_joints(found.body.joints() - shown.joints), axis=-1)
    assert off[12:18].mean() < 0.12


def test_a_person_who_is_never_seen_is_not_invented() -> None:
    shown = performance(5)
    with pytest.raises(ValueError, match="no frame shows enough joints"):
        solve_motion(shown.truth.skeleton, shown.cameras, detected(shown, dropped=1.1), MotionSettings(FPS, FLOOR))


def test_cameras_project_as_their_slope_says() -> None:
    shown = performance(3)
    camera = shown.cameras.seen(shown.joints)
    step = np.random.default_rng(3).normal(0.0, 1e-6, camera.shape)
    moved = shown.cameras.project(camera + step) - shown.cameras.project(camera)
    foretold = np.einsum("tjab,tjb->tja", shown.cameras.project_slope(camera), step)
    assert np.abs(moved - foretold).max() < 1e-6
    assert isinstance(shown.cameras, Cameras)


def _seen_joints(values: Floats) -> Floats:
    return np.delete(values, collars(human()), axis=1)


def test_who_turns_on_the_spot_is_not_wrung() -> None:
    """A body that turns as one, and fast, turns against nothing it hangs on."""
    shown = performance(6).truth
    spin = exponential(np.outer(0.6 * np.arange(6), [0.0, 0.0, 1.0]))
    stiff = replace(shown, turns=np.repeat(spin[:, None], len(shown.skeleton.segments), axis=1))
    normals = Normals.empty(6, stiff.per_frame, stiff.shared)
    add_turning(normals, State.of(stiff), FPS)
    root = Normals.empty(6, stiff.per_frame, stiff.shared)
    add_turning(root, State.of(replace(stiff, turns=np.tile(np.eye(3), (6, len(shown.skeleton.segments), 1, 1)))), FPS)
    assert root.cost == pytest.approx(0.0, abs=1e-9)
    by_segment = np.abs(normals.right.reshape(6, -1, 3)[:, 2:]).max()
    assert by_segment < 1e-3 * np.abs(normals.right[:, 3:6]).max()
