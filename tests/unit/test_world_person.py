"""The scale of a world from a person of known height."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.cli.world import _request, add_world
from backend.export.lens_distortion import lens_of
from backend.world.answer import answer
from backend.world.constraints import Plane
from backend.world.person import Ray, standing_height
from shared.camera_files import read_camera
from shared.errors import InvalidRequest
from shared.similarity import move_point
from shared.world_messages import Pick, WorldRequest
from tests.unit.test_world_constraints import CORNERS, SOLVED, check_true, seen, tilted_shot
from tests.unit.world_shot import whole_shot

FLOOR = Plane(np.zeros(3), np.array([0.0, 0.0, 1.0]))
SOLE, CROWN = (0.4, 0.3, 0.0), (0.4, 0.3, 1.8)


def pixel(root: Path, point: tuple[float, float, float], index: int = 1) -> Pick:
    """Where a frame of the shot sees a place of the true world."""
    camera = read_camera(root)
    inner, outer = camera.intrinsics.frames[index], camera.extrinsics.frames[index]
    pose = np.array(outer.world_from_camera)
    x, y, z = (np.array(move_point(SOLVED, point)) - pose[:3, 3]) @ pose[:3, :3]
    assert z > 0
    u, v = lens_of(camera.intrinsics).distort(np.array([[x / z, y / z]]))[0]
    return Pick(frame=inner.frame, x=inner.fx * u + inner.cx, y=inner.fy * v + inner.cy)


def looking(eye: tuple[float, float, float], point: tuple[float, float, float]) -> Ray:
    away = np.subtract(point, eye)
    return Ray(np.array(eye), away / np.linalg.norm(away))


def test_two_pixels_and_a_height_give_the_true_world(tmp_path: Path) -> None:
    truth = tilted_shot(tmp_path)
    reply = answer(
        WorldRequest(
            str(tmp_path),
            floor=tuple(map(seen, CORNERS[:3])),
            origin=seen((0.0, 0.0, 0.0)),
            axis="x", axis_points=(seen((-1.0, 0.5, 0.0)), seen((2.0, 0.5, 0.0))),
            person_height=1.8, person_points=(pixel(tmp_path, CROWN), pixel(tmp_path, SOLE)),
        )
    )  # fmt: skip
    check_true(tmp_path, truth, reply)
    assert reply.scale_source == "person-height"


def test_the_height_itself() -> None:
    eye = (4.0, -3.0, 2.2)
    assert np.isclose(standing_height(FLOOR, looking(eye, CROWN), looking(eye, SOLE)), 1.8)
    # A little off the vertical, as picks are, costs a little.
    leaning = standing_height(FLOOR, looking(eye, (0.42, 0.31, 1.8)), looking(eye, SOLE))
    assert abs(leaning - 1.8) < 0.02


@pytest.mark.parametrize(
    ("head", "foot", "word"),
    [(SOLE, CROWN, "below the foot"), (CROWN, (0.4, 30.0, 2.2), "horizon"), (CROWN, (0.4, 3.0, 4.0), "horizon")],
)
def test_picks_that_make_no_sense_are_refused(head: tuple, foot: tuple, word: str) -> None:
    eye = (4.0, -3.0, 2.2)
    with pytest.raises(InvalidRequest, match=word):
        standing_height(FLOOR, looking(eye, head), looking(eye, foot))


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    tilted_shot(tmp_path)
    shot, picks = str(tmp_path), (pixel(tmp_path, CROWN), pixel(tmp_path, SOLE))
    floor = tuple(map(seen, CORNERS))
    with pytest.raises(InvalidRequest, match="needs a floor"):
        answer(WorldRequest(shot, person_height=1.8, person_points=picks))
    with pytest.raises(InvalidRequest, match="without a height"):
        answer(WorldRequest(shot, floor=floor, person_points=picks))
    with pytest.raises(InvalidRequest, match="different frames"):
        other = pixel(tmp_path, SOLE, index=2)
        answer(WorldRequest(shot, floor=floor, person_height=1.8, person_points=(picks[0], other)))
    with pytest.raises(InvalidRequest, match="head and the foot"):
        answer(WorldRequest(shot, floor=floor, person_height=1.8))
    with pytest.raises(InvalidRequest, match="a person"):
        answer(WorldRequest(shot, floor=floor, person_height=1.8, person_points=picks, camera_height=1.6))
    for label in ("nobody", "../mocap/person", ""):
        with pytest.raises(InvalidRequest):
            answer(WorldRequest(shot, floor=floor, person_height=1.8, person=label))
    assert read_camera(tmp_path).world.revision == 1


def test_motion_capture_gives_the_height_along_the_bones(tmp_path: Path) -> None:
    whole_shot(tmp_path)
    names = ["pelvis", "neck", "head_top"] + [f"{s}_{p}" for s in ("left", "right") for p in ("hip", "ankle", "heel")]
    heights = [1.0, 1.5, 1.9] + 2 * [1.0, 0.1, 0.0]
    joints = np.zeros((3, len(names), 3), np.float32)
    joints[:, :, 2] = heights
    folder = tmp_path / "mocap/dancer"
    folder.mkdir(parents=True)
    np.savez(folder / "motion.npz", joint_names=np.array(names), joints=joints, state=np.array(["tracked"] * 3))
    answer(WorldRequest(str(tmp_path), axis="z", axis_points=(Pick((0.0, 0.0, 0.0)), Pick((0.0, 0.0, 1.0)))))
    reply = answer(WorldRequest(str(tmp_path), person_height=1.71, person="dancer"))
    assert np.isclose(reply.by.scale, 0.9) and reply.scale_source == "person-height" and reply.units == "metres"


def test_the_command_line_knows_it() -> None:
    import argparse

    parser = argparse.ArgumentParser()
    add_world(parser)
    given = _request(parser.parse_args(["s", "--person-height", "3@10,20; 3@11,90", "1.8"]), "/s")
    assert given.person_height == 1.8 and given.person_points == (Pick(frame=3, x=10, y=20), Pick(frame=3, x=11, y=90))
    given = _request(parser.parse_args(["s", "--person-height", "dancer", "1.8"]), "/s")
    assert (given.person, given.person_points) == ("dancer", ())
