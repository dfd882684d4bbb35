"""Axes: exact round trips, and the known look of a known camera in every program."""

import math

import pytest

from shared import axes
from shared.camera_files import Matrix4

ANGLE = 0.37
POSE: Matrix4 = (
    (math.cos(ANGLE), 0.0, math.sin(ANGLE), 1.5),
    (math.sin(ANGLE), 0.0, -math.cos(ANGLE), -2.25),
    (0.0, 1.0, 0.0, 3.75),
    (0.0, 0.0, 0.0, 1.0),
)
LEVEL: Matrix4 = ((1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, -1.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))
"""A level camera at the origin that looks along our +y: right is +x, image down is -z."""


@pytest.mark.parametrize("convention", axes.CONVENTIONS, ids=lambda convention: convention.name)
def test_there_and_back_is_exact(convention: axes.Convention) -> None:
    assert axes.pose_from(convention, axes.pose_to(convention, POSE)) == POSE
    assert axes.point_from(convention, axes.point_to(convention, (1.0, 2.0, 3.0))) == (1.0, 2.0, 3.0)


@pytest.mark.parametrize("convention", axes.CONVENTIONS, ids=lambda convention: convention.name)
def test_nothing_is_mirrored(convention: axes.Convention) -> None:
    for turn in (convention.world, convention.camera):
        (a, b, c), (d, e, f), (g, h, i) = turn
        assert a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) == 1.0


@pytest.mark.parametrize("convention", axes.CONVENTIONS, ids=lambda convention: convention.name)
def test_a_point_stays_at_its_place_in_the_picture(convention: axes.Convention) -> None:
    """The point's coordinates in the camera, told in that program's camera axes, are those we know."""
    point = (0.3, 4.0, -1.2)
    ours = _in_camera(POSE, point)
    theirs = _in_camera(axes.pose_to(convention, POSE), axes.point_to(convention, point))
    assert theirs == pytest.approx(axes.apply(convention.camera, ours), abs=1e-12)


def test_a_level_camera_is_the_identity_of_y_up_programs_and_upright_in_blender() -> None:
    for convention in (axes.MAYA, axes.HOUDINI, axes.NUKE):
        # Ours looks along +y, which is their -z: where their unrotated camera looks.
        assert axes.pose_to(convention, LEVEL) == axes.pose_to(axes.BACKLOT, _IDENTITY)
    assert axes.pose_to(axes.AFTER_EFFECTS, LEVEL) == _IDENTITY
    # Blender's camera has its y axis (third row, second column) up and looks along -z, which is world +y.
    blender = axes.pose_to(axes.BLENDER, LEVEL)
    assert [row[1] for row in blender[:3]] == [0.0, 0.0, 1.0]
    assert [-row[2] for row in blender[:3]] == [0.0, 1.0, 0.0]


_IDENTITY: Matrix4 = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))


def _in_camera(pose: Matrix4, point: axes.Vector3) -> axes.Vector3:
    away = tuple(p - row[3] for p, row in zip(point, pose[:3], strict=True))
    x, y, z = (sum(pose[i][k] * away[i] for i in range(3)) for k in range(3))
    return (x, y, z)


@pytest.mark.parametrize("order", axes.ROTATION_ORDERS)
@pytest.mark.parametrize("angles", [(10.0, -20.0, 130.0), (-170.0, 60.0, 5.0), (80.0, 89.9, -45.0), (0.0, 0.0, 0.0)])
def test_rotation_orders_there_and_back(order: str, angles: axes.Vector3) -> None:
    turn = axes.euler_to_rotation(angles, order)
    again = axes.euler_to_rotation(axes.rotation_to_euler(turn, order), order)
    for row, expected in zip(again, turn, strict=True):
        assert row == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("order", axes.ROTATION_ORDERS)
def test_gimbal_lock_loses_no_rotation(order: str) -> None:
    angles = [30.0, 30.0, 30.0]
    angles["xyz".index(order[1])] = 90.0
    turn = axes.euler_to_rotation((angles[0], angles[1], angles[2]), order)
    again = axes.euler_to_rotation(axes.rotation_to_euler(turn, order), order)
    for row, expected in zip(again, turn, strict=True):
        assert row == pytest.approx(expected, abs=1e-9)


def test_the_first_named_axis_turns_first() -> None:
    # "zxy": z is applied to the vector first. +x turned by 90 about z is +y; that by 90 about x is +z.
    turn = axes.euler_to_rotation((90.0, 0.0, 90.0), "zxy")
    assert axes.apply(turn, (1.0, 0.0, 0.0)) == pytest.approx((0.0, 0.0, 1.0), abs=1e-12)


@pytest.mark.parametrize("order", axes.ROTATION_ORDERS)
def test_a_curve_of_angles_has_no_jumps(order: str) -> None:
    before = (0.0, 0.0, 0.0)
    for step in range(200):
        truth = (step * 3.7, 60.0 * math.sin(step * 0.1), -step * 2.1)
        angles = axes.rotation_to_euler(axes.euler_to_rotation(truth, "xyz"), order, near=before)
        turn, expected = axes.euler_to_rotation(angles, order), axes.euler_to_rotation(truth, "xyz")
        assert [list(row) for row in turn] == [pytest.approx(row, abs=1e-9) for row in expected]
        if order == "xyz":
            assert angles == pytest.approx(truth, abs=1e-6)
        before = angles


def test_scene_files_keep_their_camera_in_every_world() -> None:
    convention = axes.with_scene_camera(axes.OPENCV)
    assert (convention.world, convention.camera) == (axes.OPENCV.world, axes.BLENDER.camera)
    assert axes.by_name("opencv") is axes.OPENCV
