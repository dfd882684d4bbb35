"""Cameras that turn or stand still, with something moving in front: solved as what they are, or said why not."""

from __future__ import annotations

import numpy as np
import pytest

from backend.sfm.result import CameraSolve
from backend.sfm.settings import SfmSettings
from backend.sfm.solver import solve
from shared.errors import SolveDiverged
from tests.benchmarks.scoring import Array
from tests.quality.moving_blob import with_blob
from tests.quality.synthetic_set import Footage, courtyard, intrinsics, look, render

SIZE = (480, 270)
FOCAL = 430.0
EYE = np.array([0.0, 0.2, 1.5])


def facing(angle: float, tilt: float = -0.05) -> Array:
    """A pose at EYE that looks `angle` radians to the right."""
    return look(EYE, EYE + np.array([np.sin(angle), np.cos(angle), tilt]))


def filmed(poses: list[Array], seed: int, k1: float = 0.0) -> Footage:
    rng = np.random.default_rng(seed)
    footage = render(courtyard(rng), np.stack(poses), intrinsics(FOCAL, *SIZE), SIZE, rng, k1=k1)
    return with_blob(footage, rng)


def pan(degrees: float, count: int, seed: int, k1: float = 0.0) -> Footage:
    reach = np.radians(degrees) / 2.0
    return filmed([facing(a, -0.05 + 0.1 * np.sin(3 * a)) for a in np.linspace(-reach, reach, count)], seed, k1)


def turn_errors_deg(result: CameraSolve, truth: Array) -> Array:
    """Rotation error [N], degrees, after one rotation of the world."""
    poses = np.stack([frame.world_from_camera for frame in result.frames])  # type: ignore[misc]
    between = poses[:, :3, :3] @ truth[:, :3, :3].transpose(0, 2, 1)
    u, _, vt = np.linalg.svd(between.sum(0))
    left = np.einsum("ij,njk->nik", (u @ vt).T, between)
    return np.degrees(np.arccos(np.clip((np.trace(left, axis1=1, axis2=2) - 1.0) / 2.0, -1.0, 1.0)))


def centres(result: CameraSolve) -> set[bytes]:
    """The different camera centres, bit by bit."""
    return {frame.world_from_camera[:, 3].tobytes() for frame in result.frames if frame.world_from_camera is not None}


def test_a_pan_tells_rotation_and_focal_length() -> None:
    footage = pan(40.0, 20, 7)
    result = solve(footage, SfmSettings())
    assert {frame.state for frame in result.frames} == {"solved"}
    assert {frame.motion for frame in result.frames} == {"nodal"}
    assert turn_errors_deg(result, footage.poses).max() < 0.05
    assert abs(result.lens.focal / FOCAL - 1.0) < 0.01
    assert result.focal_source == "solved"
    assert len(centres(result)) == 1
    assert result.motion_evidence["criterion"] == "GRIC"


def test_what_a_pan_sees_has_no_depth() -> None:
    result = solve(pan(40.0, 12, 8), SfmSettings(quality="low"))
    pose = result.frames[0].world_from_camera
    assert pose is not None
    assert result.cloud.at_infinity.all()
    radius = np.linalg.norm(result.cloud.xyz - pose[:3, 3], axis=1)
    assert np.ptp(radius) < 1e-6 * radius.mean()


def test_distortion_is_told_by_a_pan() -> None:
    footage = pan(50.0, 20, 9, k1=-0.12)
    result = solve(footage, SfmSettings())
    assert {frame.motion for frame in result.frames} == {"nodal"}
    assert abs(result.lens.k1 + 0.12) < 0.01
    assert abs(result.lens.focal / FOCAL - 1.0) < 0.01
    assert turn_errors_deg(result, footage.poses).max() < 0.1


def test_a_locked_camera_is_one_pose() -> None:
    result = solve(filmed([facing(0.2)] * 12, 10), SfmSettings(quality="low"))
    assert {frame.motion for frame in result.frames} == {"locked"}
    assert len({frame.world_from_camera.tobytes() for frame in result.frames}) == 1  # type: ignore[union-attr]
    assert result.focal_source == "assumed"
    assert any("assumed" in notice and "frames 1001-1012" in notice for notice in result.notices)
    noise = result.motion_evidence["locked_noise_deg"]
    assert isinstance(noise, float)
    assert noise < 0.02


def test_a_locked_camera_keeps_the_focal_length_it_was_given() -> None:
    given = SfmSettings(quality="low", focal_px=455.0, focal_source="metadata")
    result = solve(filmed([facing(0.2)] * 8, 11), given)
    assert (result.lens.focal, result.focal_source) == (455.0, "metadata")
    assert not any("assumed" in notice for notice in result.notices)


def test_a_tiny_turn_does_not_invent_a_focal_length() -> None:
    result = solve(pan(0.2, 12, 12), SfmSettings(quality="low"))
    assert {frame.motion for frame in result.frames} <= {"nodal", "locked"}
    assert result.focal_source == "assumed"
    assert result.lens.focal == 1.2 * SIZE[0]


@pytest.mark.parametrize("kind", ["nodal", "locked"])
def test_the_kind_of_motion_can_be_forced(kind: str) -> None:
    result = solve(pan(0.15, 8, 13), SfmSettings(quality="low", motion=kind))
    assert {frame.motion for frame in result.frames if frame.state == "solved"} == {kind}


def test_a_turning_camera_cannot_be_forced_to_be_locked() -> None:
    with pytest.raises(SolveDiverged, match="locked camera was asked for") as caught:
        solve(pan(20.0, 8, 14), SfmSettings(quality="low", motion="locked"))
    assert "Automatic" in caught.value.remedy
