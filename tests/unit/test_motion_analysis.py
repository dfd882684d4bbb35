"""The analysis of motions against walks whose numbers are known."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from backend.motion_analysis.analysis import analyse
from backend.motion_analysis.report import write_report
from backend.motion_export.bvh import write_bvh
from backend.motion_export.bvh_reader import read_bvh
from shared.errors import ArtifactMissing
from shared.motion_arrays import Floats, Motion, joints_of, multiply, rotate
from tests.unit.walking import own_axes, walk, without


def _shaken(motion: Motion, noise: Floats) -> Motion:
    """The whole body is shifted by noise [T,3]."""
    moved = replace(motion, root=motion.root + noise)
    return replace(moved, joints=joints_of(moved))


@pytest.mark.parametrize("says_contacts", [True, False])
@pytest.mark.parametrize(("speed", "stride", "fps"), [(1.2, 1.3, "24000/1001"), (1.6, 1.5, "25"), (0.8, 1.0, "60")])
def test_strides_and_speed_of_a_walk(speed: float, stride: float, fps: str, says_contacts: bool) -> None:
    motion = own_axes(walk(150 if fps == "60" else 96, fps, speed=speed, stride=stride, heading_deg=35.0))
    if not says_contacts:
        motion = replace(motion, contact_joints=(), contacts=np.zeros((len(motion), 0)))
    found = analyse(motion)
    assert found.contacts_from == ("motion" if says_contacts else "found")
    assert found.mean_speed == pytest.approx(speed, rel=1e-6) and found.walking_speed == pytest.approx(speed, rel=0.03)
    assert found.stride_m == pytest.approx(stride, abs=0.01)
    assert found.cadence == pytest.approx(120.0 * speed / stride, rel=0.05)
    assert found.path_m == pytest.approx(speed * (len(motion) - 1) / float(Fraction(fps)), rel=1e-6)
    for side, foot in found.feet.items():
        assert foot.standing == pytest.approx(0.6, abs=0.09), side
        assert foot.slide_mm is not None and foot.slide_mm < 1.0


def test_contacts_are_told_in_plate_numbers() -> None:
    motion = walk(60, "24")  # a stride is 26 frames: the left foot stands in the first 0.6 of each
    left = analyse(motion).feet["left"]
    assert [(one.first, one.last) for one in left.contacts[:2]] == [(1001, 1016), (1027, 1042)]
    assert left.contacts[1].place[1] - left.contacts[0].place[1] == pytest.approx(-1.3)
    assert [(one.first, one.last) for one in left.strides] == [(1027, 1053)]


def test_contacts_are_found_on_a_floor_that_is_not_level() -> None:
    motion = walk(200, "24")
    tilt = np.array([np.cos(0.015), np.sin(0.015), 0.0, 0.0])  # 0.03 rad about x, 0.3 m over the way
    turns = motion.rotations.copy()
    turns[:, 0] = multiply(tilt, turns[:, 0])
    bare = replace(motion, rotations=turns, root=rotate(np.tile(tilt, (200, 1)), motion.root))
    found = analyse(replace(bare, joints=joints_of(bare), contact_joints=(), contacts=np.zeros((200, 0))))
    truth = analyse(motion)
    for side in ("left", "right"):
        assert len(found.feet[side].strides) == len(truth.feet[side].strides) > 5
        assert found.feet[side].standing == pytest.approx(truth.feet[side].standing, abs=0.06)
    assert found.stride_m == pytest.approx(1.3, abs=0.01)


def test_slide_and_jitter_are_measured() -> None:
    noise = np.random.default_rng(5).normal(0.0, 0.01, (120, 3))
    still, shaken = analyse(walk(120)), analyse(_shaken(walk(120), noise))
    assert still.slide_mm is not None and still.slide_mm < 1e-6
    assert shaken.slide_mm == pytest.approx(1e3 * np.linalg.norm(np.diff(noise, axis=0), axis=1).mean(), rel=0.1)
    third = np.linalg.norm(np.diff(noise, 3, axis=0), axis=1)
    assert still.jerk_mm is not None and still.jerk_mm < 3.0
    assert shaken.jerk_mm == pytest.approx(1e3 * np.median(third), rel=0.1)
    assert shaken.jitter == pytest.approx(third.mean() * (24000 / 1001) ** 3, rel=0.1)


def test_bones_stature_and_angles() -> None:
    motion = walk(40, height=1.6)
    found = analyse(motion)
    assert max(bone.sd for bone in found.bones_m.values()) < 1e-9
    assert found.stature_m is not None and found.stature_m.mean == pytest.approx(1.6, abs=0.04)
    assert found.bends_deg["left_knee"].most > 40.0 and found.bends_deg["left_elbow"].most < 1e-3
    assert found.turns_deg["left_knee"][0][1] == pytest.approx(found.bends_deg["left_knee"].most, abs=0.1)
    grown = replace(motion, joints=motion.joints * np.linspace(1.0, 1.1, 40)[:, None, None])
    assert analyse(grown).bones_m["left_knee"].sd / analyse(grown).bones_m["left_knee"].mean > 0.02


def test_the_world_s_unit_is_taken_into_account() -> None:
    motion = walk(72)
    small = replace(motion, **{n: getattr(motion, n) * 0.1 for n in ("joints", "root", "rest_offsets")})
    found, truth = analyse(small, metres_per_unit=10.0), analyse(motion)
    assert (found.stride_m, found.mean_speed, found.jerk_mm) == pytest.approx(
        (truth.stride_m, truth.mean_speed, truth.jerk_mm)
    )


def test_states_and_gaps() -> None:
    motion = without(walk(60), slice(20, 26), slice(26, 30))
    found = analyse(motion)
    assert found.frames_in_state == {"tracked": 50, "bridged": 4, "absent": 6}
    assert [(run.state, run.first, run.last) for run in found.states] == [
        ("tracked", 1001, 1020), ("absent", 1021, 1026), ("bridged", 1027, 1030), ("tracked", 1031, 1060),
    ]  # fmt: skip
    gone = found.frames[22]
    assert (gone.position, gone.speed, gone.slide_mm, gone.jerk_mm, gone.bends_deg) == (None, None, None, None, {})
    assert found.frames[19].jerk_mm is None and found.frames[16].jerk_mm is not None
    with pytest.raises(ArtifactMissing, match="no frame with a pose"):
        analyse(without(walk(5), slice(0, 5)))


def test_the_report_can_be_read(tmp_path: Path) -> None:
    write_report(tmp_path, without(walk(60), slice(20, 26)))
    numbers = json.loads((tmp_path / "analysis.json").read_text())
    assert len(numbers["frames"]) == 60 and numbers["feet"]["left"]["strides"] == []
    drawn = ElementTree.parse(tmp_path / "analysis.svg").getroot()
    said = " ".join(node.text or "" for node in drawn.iter("{http://www.w3.org/2000/svg}text"))
    assert (
        "way from above" in said
        and "slide of standing feet" in said
        and "nan" not in ElementTree.tostring(drawn).decode()
    )


def test_short_and_poor_motions_are_analysed(tmp_path: Path) -> None:
    """One frame; no feet; a BVH of another origin."""
    one = analyse(walk(1))
    assert one.mean_speed is None and one.stride_m is None and one.jerk_mm is None
    write_report(tmp_path, walk(1))
    motion = walk(72)
    write_bvh(motion, tmp_path / "walk.bvh")
    (tmp_path / "walk.bvh.json").unlink()
    found = analyse(read_bvh(tmp_path / "walk.bvh"))
    assert found.contacts_from == "found" and found.stride_m == pytest.approx(1.3, abs=0.01)
