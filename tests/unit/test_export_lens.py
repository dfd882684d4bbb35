"""The lens: distortion and its inverse, ST maps against Nuke's convention, the undistorted plate."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import OpenEXR
import pytest

from backend.export.lens_distortion import Lens
from backend.export.undistorted_picture import undistorted_picture
from shared.camera_files import Intrinsics, read_camera
from shared.errors import JobCancelled
from shared.shot import read_document
from tests.blender.synthetic_shot import ShotPlan, distort, write_shot
from tests.unit.export_shot import Recorder, run_export

BARREL = (-0.18, 0.05, 0.002, -0.001)
PINCUSHION = (0.09, -0.01, -0.001, 0.0015)
WIDE = ShotPlan(width=640, height=360, focal_px=(520.0, 520.0), distortion=BARREL, count=3, plate=False)


def read_map(path: Path) -> np.ndarray:
    """[H,W,2] red and green; the file must be 32-bit float."""
    channels = OpenEXR.File(str(path), separate_channels=True).channels()
    assert {name: channel.pixels.dtype.name for name, channel in channels.items()} == dict.fromkeys("BGR", "float32")
    return np.stack((channels["R"].pixels, channels["G"].pixels), axis=-1)


def nuke_stmap(source: np.ndarray, st: np.ndarray) -> np.ndarray:
    """What Nuke's STMap node does: red and green are the place in the source, 0..1 from its lower left
    corner, pixel centres at halves; bilinear."""
    height, width = source.shape[:2]
    x, y = st[..., 0] * width - 0.5, (1.0 - st[..., 1]) * height - 0.5
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = (x - left)[..., None], (y - top)[..., None]
    out = np.zeros((*st.shape[:2], source.shape[2]))
    for dx, dy, weight in ((0, 0, (1 - fx) * (1 - fy)), (1, 0, fx * (1 - fy)), (0, 1, (1 - fx) * fy), (1, 1, fx * fy)):
        column, row = left + dx, top + dy
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        out += weight * np.where(inside[..., None], source[row.clip(0, height - 1), column.clip(0, width - 1)], 0.0)
    return out


@pytest.mark.parametrize("coefficients", [BARREL, PINCUSHION, (0.3, 0.1, 0.0, 0.0), (0.0, 0.0, 0.003, 0.004)])
def test_undistort_is_the_inverse_of_an_independent_distort(coefficients: tuple[float, float, float, float]) -> None:
    rng = np.random.default_rng(3)
    ideal = rng.uniform((-0.62, -0.4), (0.62, 0.4), (2000, 2))
    bent = np.stack(distort(ideal[:, 0], ideal[:, 1], coefficients), axis=-1)
    lens = Lens(*coefficients)
    assert np.abs(lens.distort(ideal) - bent).max() < 1e-14
    assert np.abs(lens.undistort(bent) - ideal).max() < 1e-10


def test_points_beyond_the_lens_have_no_place() -> None:
    lens = Lens(-0.3, 0.0, 0.0, 0.0)
    assert lens.reach == pytest.approx((1 / 0.9) ** 0.5)
    assert np.isnan(lens.distort(np.array([[1.2, 0.0]]))).all()
    assert np.isnan(lens.undistort(np.array([[0.9, 0.0]]))).all()  # the model reaches 0.70
    assert np.isfinite(lens.undistort(np.array([[0.69, 0.0]]))).all()


@pytest.mark.parametrize("coefficients", [BARREL, PINCUSHION])
@pytest.mark.parametrize("overscan", ["on", "off"])
def test_maps_go_there_and_back(tmp_path: Path, coefficients: tuple[float, float, float, float], overscan: str) -> None:
    """Plate px -> redistort map -> undistorted px -> bilinear look-up in the undistort map -> the same plate px."""
    plan = ShotPlan(**{**WIDE.__dict__, "distortion": coefficients})
    write_shot(tmp_path, plan)
    result, _ = run_export(tmp_path, formats="stmap", overscan=overscan)
    undistort, redistort = (read_map(tmp_path / f"camera/stmap/{name}.exr") for name in ("undistort", "redistort"))
    width, height = result.facts["width"], result.facts["height"]
    assert undistort.shape == (height, width, 2) and redistort.shape == (plan.height, plan.width, 2)
    centres = np.stack(np.meshgrid(np.arange(plan.width) + 0.5, np.arange(plan.height) + 0.5), axis=-1)
    back = nuke_stmap(undistort.astype(np.float64), redistort.astype(np.float64))
    places = np.stack((back[..., 0] * plan.width, (1.0 - back[..., 1]) * plan.height), axis=-1)
    inside = ((redistort > 1.0 / width) & (redistort < 1.0 - 1.0 / width)).all(axis=-1)
    error = np.linalg.norm(places - centres, axis=-1)[inside]
    assert error.max() < 0.02
    if overscan == "on":
        assert redistort.min() > 0.0 and redistort.max() < 1.0, "overscan keeps every pixel of the plate"
        assert inside.mean() > 0.98


def test_an_undistort_map_straightens_a_picture_in_nuke(tmp_path: Path) -> None:
    """A smooth picture of the distorted plate, warped as Nuke would, must match the same scene seen without
    the lens: this fixes the map's direction, its origin and its pixel centres at once."""
    write_shot(tmp_path, WIDE)
    run_export(tmp_path, formats="stmap")
    camera = read_camera(tmp_path)
    k = camera.intrinsics.frames[0]
    picture = undistorted_picture(camera.intrinsics, overscan=True)

    def scene(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Three waves over normalised ideal coordinates, different in x and y and not symmetrical."""
        return np.stack((np.sin(9 * x + 1) * np.cos(4 * y), np.sin(7 * y - 0.3), x + 0.5 * y), axis=-1)

    u, v = np.meshgrid(np.arange(WIDE.width) + 0.5, np.arange(WIDE.height) + 0.5)
    bent = np.stack(((u - k.cx) / k.fx, (v - k.cy) / k.fy), axis=-1)
    ideal = bent.copy()
    for _ in range(200):  # the inverse by plain iteration, not by the code under test
        moved = np.stack(distort(ideal[..., 0], ideal[..., 1], BARREL), axis=-1)
        ideal -= moved - bent
    plate = scene(ideal[..., 0], ideal[..., 1])
    straight = nuke_stmap(plate, read_map(tmp_path / "camera/stmap/undistort.exr").astype(np.float64))
    u, v = np.meshgrid(np.arange(picture.width) + 0.5 - picture.pad_x, np.arange(picture.height) + 0.5 - picture.pad_y)
    wanted = scene((u - k.cx) / k.fx, (v - k.cy) / k.fy)
    inner = (slice(picture.pad_y + 12, -picture.pad_y - 12), slice(picture.pad_x + 12, -picture.pad_x - 12))
    assert np.abs(straight - wanted)[inner].max() < 2e-3
    again = nuke_stmap(wanted, read_map(tmp_path / "camera/stmap/redistort.exr").astype(np.float64))
    assert np.abs(again - plate)[8:-8, 8:-8].max() < 2e-3


def test_maps_of_a_straight_lens_are_the_identity(tmp_path: Path) -> None:
    write_shot(tmp_path, ShotPlan(plate=False))
    run_export(tmp_path, formats="stmap")
    for name in ("undistort", "redistort"):
        st = read_map(tmp_path / f"camera/stmap/{name}.exr")
        assert st[-1, 0] == pytest.approx((0.5 / 320, 0.5 / 180), abs=1e-7)
        assert st[0, -1] == pytest.approx((319.5 / 320, 179.5 / 180), abs=1e-7)


def test_a_zoom_has_a_pair_of_maps_for_each_frame(tmp_path: Path) -> None:
    plan = ShotPlan(**{**WIDE.__dict__, "focal_px": (520.0, 700.0)})
    write_shot(tmp_path, plan)
    result, _ = run_export(tmp_path, formats="stmap")
    for name in ("undistort", "redistort"):
        assert sorted(p.name for p in (tmp_path / "camera/stmap" / name).iterdir()) == [
            f"frame_{n}.exr" for n in (1001, 1002, 1003)
        ]
    assert [a.frames for a in result.artifacts] == [(1001, 1003)] * 2


def test_undistorted_plate_shows_points_at_their_pinhole_places(tmp_path: Path) -> None:
    plan = ShotPlan(**{**WIDE.__dict__, "plate": True, "points": 150})
    truth = write_shot(tmp_path, plan)
    result, _ = run_export(tmp_path, formats="undistorted")
    folder = tmp_path / "camera/undistorted"
    lens = read_document(folder / "intrinsics.json", Intrinsics)
    assert (lens.model, lens.k1, lens.width) == ("PINHOLE", 0.0, result.facts["width"])
    image = cv2.imread(str(folder / "frame_1002.png"))
    assert image.shape[:2] == (lens.height, lens.width)
    pad = (lens.width - plan.width) // 2, (lens.height - plan.height) // 2
    orange = cv2.inRange(image, (0, 90, 205), (60, 150, 235))
    found = np.argwhere(orange)[:, ::-1] + 0.5
    assert (image[0, 0] == 0).all(), "black where the plate has nothing"
    wanted = truth.project(1, truth.xyz[75:]) + pad
    distance = np.linalg.norm(found[:, None] - wanted[None], axis=-1)
    assert distance.min(axis=0).max() < 2.0 and distance.min(axis=1).max() < 4.0


def test_sixteen_bits_stay_sixteen(tmp_path: Path) -> None:
    plan = ShotPlan(**{**WIDE.__dict__, "plate": True})
    write_shot(tmp_path, plan)
    path = tmp_path / "source/frames/frame_1001.png"
    cv2.imwrite(str(path), cv2.imread(str(path)).astype(np.uint16) * 257)
    run_export(tmp_path, formats="undistorted")
    assert cv2.imread(str(tmp_path / "camera/undistorted/frame_1001.png"), cv2.IMREAD_UNCHANGED).dtype == np.uint16


def test_a_cancelled_undistortion_goes_on_where_it_stopped(tmp_path: Path) -> None:
    plan = ShotPlan(**{**WIDE.__dict__, "plate": True, "count": 6})
    write_shot(tmp_path, plan)
    with pytest.raises(JobCancelled):
        run_export(tmp_path, Recorder(cancel_at=4), formats="undistorted")
    half = tmp_path / ".backlot/checkpoints/export/key/undistorted"
    stamps = {path.name: path.stat().st_mtime_ns for path in half.iterdir()}
    assert len(stamps) == 4 and not (tmp_path / "camera/undistorted").exists()
    run_export(tmp_path, formats="undistorted")
    final = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "camera/undistorted").glob("*.png")}
    assert len(final) == 6 and stamps.items() <= final.items()


def test_a_lens_that_folds_back_is_told(tmp_path: Path) -> None:
    plan = ShotPlan(**{**WIDE.__dict__, "distortion": (-0.6, 0.0, 0.0, 0.0)})
    write_shot(tmp_path, plan)
    _, notices = run_export(tmp_path, formats="stmap")
    assert any("corners" in notice for notice in notices)
    redistort = read_map(tmp_path / "camera/stmap/redistort.exr")
    assert (redistort[0, 0] == -1.0).all() and (redistort[180, 320] > 0.0).all()


def test_the_camera_file_of_the_overscan_says_so(tmp_path: Path) -> None:
    write_shot(tmp_path, WIDE)
    wide, _ = run_export(tmp_path, formats="csv", overscan="on")
    narrow, _ = run_export(tmp_path, formats="csv", overscan="off")
    assert wide.facts["focal_mm"] == narrow.facts["focal_mm"]
    assert narrow.facts["film_width_mm"] == 36.0 and narrow.facts["width"] == 640
    assert wide.facts["film_width_mm"] == pytest.approx(36.0 * wide.facts["width"] / 640, abs=1e-4)
    assert json.dumps(wide.facts)
