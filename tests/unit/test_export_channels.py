"""Channel files read by parsers written here from the formats' descriptions, and compared with the truth by
what counts: where points land in the picture, and where the camera stands."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.blender.synthetic_shot import ShotPlan, Truth, write_shot
from tests.unit.export_shot import run_export

ORDERS = ("xyz", "xzy", "yxz", "yzx", "zxy", "zyx")
GL = np.diag((1.0, -1.0, -1.0))
CV = np.eye(3)
Y_UP = np.array(((1.0, 0, 0), (0, 0, 1), (0, -1, 0)))
Y_DOWN = np.array(((1.0, 0, 0), (0, 0, -1), (0, 1, 0)))
WORLDS = {
    "blender": (np.eye(3), GL), "maya": (Y_UP, GL), "houdini": (Y_UP, GL), "nuke": (Y_UP, GL),
    "usd": (np.eye(3), GL), "opencv": (Y_DOWN, CV),
}  # fmt: skip
"""Axes -> (their world from ours, their camera from OpenCV's)."""
CENTRED = ShotPlan(principal=(0.0, 0.0), plate=False)


def rotation(degrees: list[float], order: str) -> np.ndarray:
    """The first letter's turn is applied first."""
    whole = np.eye(3)
    for letter in order:
        i = "xyz".index(letter)
        c, s = math.cos(math.radians(degrees[i])), math.sin(math.radians(degrees[i]))
        a, b = (i + 1) % 3, (i + 2) % 3
        turn = np.eye(3)
        turn[a, a], turn[a, b], turn[b, a], turn[b, b] = c, -s, s, c
        whole = turn @ whole
    return whole


def read_chan(path: Path) -> dict[int, list[float]]:
    rows = [line.split() for line in path.read_text().splitlines()]
    assert all(len(row) == 8 for row in rows)
    return {int(row[0]): [float(cell) for cell in row[1:]] for row in rows}


def read_csv(path: Path) -> dict[int, dict[str, str]]:
    with path.open(newline="") as file:
        return {int(row["frame"]): row for row in csv.DictReader(file)}


def read_clip(path: Path) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Houdini's nested braces: a header of `name = value` lines, then one block for each track."""
    text = path.read_text()
    assert text.count("{") == text.count("}")
    head, *blocks = re.split(r"\{", text.strip()[1:])
    header = {key: float(value) for key, value in re.findall(r"(\w+)\s*=\s*(\S+)", head)}
    tracks = {}
    for block in blocks:
        name, data = re.fullmatch(r"\s*name = (\S+)\s+data = ([^}]*?)\s*\}\s*\}?\s*", block).groups()
        tracks[name] = [float(value) for value in data.split()]
    assert len(tracks) == header["tracks"]
    assert all(len(values) == header["tracklength"] for values in tracks.values())
    return header, tracks


def expected(truth: Truth, index: int, axes: str) -> tuple[np.ndarray, np.ndarray]:
    world, camera = WORLDS[axes]
    pose = truth.poses[index]
    return world @ pose[:3, :3] @ camera.T, world @ pose[:3, 3]


def assert_pose(truth: Truth, index: int, axes: str, position: list[float], turn: np.ndarray) -> None:
    wanted_turn, wanted_place = expected(truth, index, axes)
    assert np.abs(np.array(position) - wanted_place).max() < 1e-6
    assert math.degrees(np.linalg.norm(turn - wanted_turn)) < 1e-5


def test_nuke_sees_points_where_the_plate_shows_them(tmp_path: Path) -> None:
    """The defaults: y up, ZXY, the vertical field of view; a centred pinhole camera that looks along -z."""
    truth = write_shot(tmp_path, CENTRED)
    run_export(tmp_path, formats="chan")
    rows = read_chan(tmp_path / "camera/camera.chan")
    assert sorted(rows) == truth.frames.tolist()
    width, height = CENTRED.width, CENTRED.height
    for index, number in enumerate(truth.frames.tolist()):
        *position, rx, ry, rz, vfov = rows[number]
        seen = (truth.xyz @ Y_UP.T - position) @ rotation([rx, ry, rz], "zxy")
        focal = height / 2 / math.tan(math.radians(vfov) / 2)
        pixels = np.stack(
            (width / 2 - focal * seen[:, 0] / seen[:, 2], height / 2 + focal * seen[:, 1] / seen[:, 2]), 1
        )
        assert np.abs(pixels - truth.project(index, truth.xyz)).max() < 1e-3


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("axes", WORLDS)
def test_every_order_in_every_axes(tmp_path: Path, axes: str, order: str) -> None:
    truth = write_shot(tmp_path, CENTRED)
    run_export(tmp_path, formats="chan, csv,clip", axes=axes, rotation_order=order)
    chan, table = read_chan(tmp_path / "camera/camera.chan"), read_csv(tmp_path / "camera/camera.csv")
    header, clip = read_clip(tmp_path / "camera/camera.clip")
    assert header["start"] == truth.frames[0] - 1
    for index, number in enumerate(truth.frames.tolist()):
        *position, rx, ry, rz, _ = chan[number]
        assert_pose(truth, index, axes, position, rotation([rx, ry, rz], order))
        row = table[number]
        assert (row["axes"], row["rotation_order"]) == (axes, order)
        position, angles = (
            [float(row[key]) for key in keys] for keys in (("tx", "ty", "tz"), ("rx_deg", "ry_deg", "rz_deg"))
        )
        assert_pose(truth, index, axes, position, rotation(angles, order))
        position, angles = ([clip[key][index] for key in keys] for keys in (("tx", "ty", "tz"), ("rx", "ry", "rz")))
        assert_pose(truth, index, axes, position, rotation(angles, order))


def test_lens_columns_agree_with_the_intrinsics(tmp_path: Path) -> None:
    plan = ShotPlan(focal_px=(300.0, 420.0), pixel_aspect=2.0, plate=False)
    truth = write_shot(tmp_path, plan)
    run_export(tmp_path, formats="csv,clip", film_back_mm=24.0)
    rows, (_, clip) = read_csv(tmp_path / "camera/camera.csv"), read_clip(tmp_path / "camera/camera.clip")
    for index, number in enumerate(truth.frames.tolist()):
        fx, fy, cx, cy = truth.k[index]
        row = {key: float(value) for key, value in rows[number].items() if key.endswith(("_mm", "_px", "_deg"))}
        assert row["focal_mm"] == pytest.approx(fx / plan.width * 24.0, abs=1e-6)
        assert row["film_height_mm"] / row["focal_mm"] == pytest.approx(plan.height / fy, rel=1e-9)
        assert (row["fx_px"], row["fy_px"], row["cx_px"], row["cy_px"]) == pytest.approx((fx, fy, cx, cy), rel=1e-9)
        assert math.tan(math.radians(row["vfov_deg"] / 2)) == pytest.approx(plan.height / 2 / fy, rel=1e-8)
        assert clip["focal"][index] == pytest.approx(row["focal_mm"]) and clip["aperture"][index] == 24.0
        assert clip["winx"][index] == pytest.approx(-plan.principal[0] / plan.width)
        assert clip["winy"][index] == pytest.approx(plan.principal[1] / plan.height)


def test_failed_frames_have_no_key_anywhere(tmp_path: Path) -> None:
    plan = ShotPlan(failed=(1001, 1005, 1006), plate=False)
    truth = write_shot(tmp_path, plan)
    result, notices = run_export(tmp_path, formats="chan,csv,clip,nk")
    solved = [number for number in truth.frames.tolist() if number not in plan.failed]
    assert sorted(read_chan(tmp_path / "camera/camera.chan")) == solved
    rows = read_csv(tmp_path / "camera/camera.csv")
    assert [n for n, row in rows.items() if row["state"] == "failed" and row["tx"] == row["rz_deg"] == ""] == [
        1001,
        1005,
        1006,
    ]
    _, clip = read_clip(tmp_path / "camera/camera.clip")
    assert clip["solved"] == [float(number in solved) for number in truth.frames.tolist()]
    assert clip["tx"][4] == clip["tx"][5] == clip["tx"][3]
    keys = re.findall(r"\bx(\d+) ", (tmp_path / "camera/camera.nk").read_text())
    assert set(map(int, keys)) == set(solved)
    assert result.facts["frames_without_pose"] == 3
    assert any("1001, 1005-1006" in notice for notice in notices)
    assert any(".clip" in notice for notice in notices)


def test_offset_rate_and_scale(tmp_path: Path) -> None:
    truth = write_shot(tmp_path, CENTRED)
    run_export(tmp_path, formats="csv,clip,chan", frame_offset=-1000, fps="25", scale=100.0)
    rows = read_csv(tmp_path / "camera/camera.csv")
    assert sorted(rows) == list(range(1, 13))
    assert float(rows[12]["time_s"]) == pytest.approx(11 / 25)
    assert [float(rows[1][k]) for k in ("tx", "ty", "tz")] == pytest.approx((truth.poses[0, :3, 3] * 100).tolist())
    header, _ = read_clip(tmp_path / "camera/camera.clip")
    assert (header["rate"], header["start"]) == (25.0, 0.0)


@pytest.mark.parametrize("read", [read_chan])
def test_a_turning_camera_has_no_jumps_of_360_degrees(
    tmp_path: Path, read: Callable[[Path], dict[int, list[float]]]
) -> None:
    plan = ShotPlan(plate=False, count=24, travel=60.0)
    write_shot(tmp_path, plan)
    run_export(tmp_path, formats="chan")
    angles = np.array([row[3:6] for row in read(tmp_path / "camera/camera.chan").values()])
    assert np.abs(np.diff(angles, axis=0)).max() < 90.0


def test_nuke_script_holds_the_same_camera(tmp_path: Path) -> None:
    truth = write_shot(tmp_path, ShotPlan(plate=False))
    run_export(tmp_path, formats="nk")
    text = (tmp_path / "camera/camera.nk").read_text()
    assert text.count("{") == text.count("}") and " rot_order ZXY\n" in text
    rows = {}
    for knob in ("translate", "rotate"):
        line = re.search(rf"^ {knob} \{{(.*)\}}$", text, re.MULTILINE)[1]
        parts = re.findall(r"\{curve ([^}]*)\}|(\S+)", line)
        rows[knob] = [
            {int(f): float(v) for f, v in re.findall(r"x(\d+) (\S+)", curve)} if curve else float(single)
            for curve, single in parts
        ]
    for index, number in enumerate(truth.frames.tolist()):
        position, angles = (
            [part[number] if isinstance(part, dict) else part for part in rows[knob]]
            for knob in ("translate", "rotate")
        )
        assert_pose(truth, index, "nuke", position, rotation(angles, "zxy"))
    # Half widths, of a lens whose centre is 4 px right of and 3 px above the picture's.
    shift = [float(v) for v in re.search(r"win_translate \{(\S+) (\S+)\}", text).groups()]
    assert shift == pytest.approx([-2 * 4 / 320, -2 * 3 / 320], abs=1e-9)
