"""`motion.npz`: what is written is read back, what is none is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shared.errors import ArtifactMissing, ShotCorrupt
from shared.motion_arrays import ABSENT, TRACKED, Motion, joints_of, read_motion, write_motion

_HALF = np.sqrt(0.5)


def _motion() -> Motion:
    """A trunk and a bent arm of two bones: the root turned about z by 90 degrees, the elbow about y by -90."""
    offsets = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.5, 0.0, 0.0]])
    same = np.array([1.0, 0.0, 0.0, 0.0])
    turned = np.stack([np.array([_HALF, 0.0, 0.0, _HALF]), np.array([_HALF, 0.0, -_HALF, 0.0]), same])
    joints = np.array([[2.0, 3.0, 1.0], [2.0, 4.0, 1.0], [2.0, 4.0, 1.5]])
    gone = np.full_like(joints, np.nan)
    return Motion(
        ("pelvis", "left_elbow", "left_wrist"), np.array([-1, 0, 1]), np.stack([joints, gone]),
        np.stack([turned, np.full_like(turned, np.nan)]), offsets, np.tile(same, (3, 1)),
        np.stack([joints[0], gone[0]]),
        np.array([[0.9] * 3, [0.0] * 3]), np.array([1001, 1002]), (TRACKED, ABSENT), (), np.zeros((2, 0)), "24000/1001",
        3, "mediapipe",
    )  # fmt: skip


def test_rotations_and_offsets_say_where_joints_are() -> None:
    motion = _motion()
    assert np.allclose(joints_of(motion)[0], motion.joints[0], atol=1e-12)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "person_00" / "motion.npz"
    write_motion(path, _motion())
    back = read_motion(path)
    assert back.joint_names == _motion().joint_names and back.state == (TRACKED, ABSENT) and back.fps == "24000/1001"
    assert (back.world_revision, back.engine, back.frames.tolist()) == (3, "mediapipe", [1001, 1002])
    assert np.array_equal(back.joints, _motion().joints, equal_nan=True) and back.contacts.shape == (2, 0)
    assert [one.name for one in path.parent.iterdir()] == ["motion.npz"]


def test_a_missing_or_broken_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ArtifactMissing, match="There is no"):
        read_motion(tmp_path / "motion.npz")
    (tmp_path / "motion.npz").write_bytes(b"PK no zip")
    with pytest.raises(ShotCorrupt, match="cannot be read"):
        read_motion(tmp_path / "motion.npz")


def test_damage_anywhere_is_told(tmp_path: Path) -> None:
    """Whatever numpy, zip and deflate raise of it."""
    path = tmp_path / "motion.npz"
    write_motion(path, _motion())
    whole = path.read_bytes()
    told = 0
    for at in range(0, len(whole), 97):
        path.write_bytes(whole[:at])
        with pytest.raises(ShotCorrupt, match="Run motion capture"):
            read_motion(path)
        path.write_bytes(whole[:at] + bytes(len(whole[at : at + 8])) + whole[at + 8 :])
        try:
            read_motion(path)  # bytes that nobody reads, such as times, may be anything
        except ShotCorrupt:
            told += 1
    assert told > len(whole) // 97 // 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"state": (TRACKED, TRACKED)}, "do not agree"),
        ({"state": (TRACKED, "lost")}, "states"),
        ({"parents": np.array([-1, 2, 1])}, "hang"),
        ({"frames": np.array([1, 3])}, "follow"),
        ({"root": np.zeros((3, 3))}, "root has the shape"),
        ({"version": 9}, "version 9"),
    ],
)
def test_a_motion_that_is_none_is_refused(change: dict[str, object], says: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=says):
        write_motion(tmp_path / "motion.npz", replace(_motion(), **change))  # type: ignore[arg-type]
