"""What the artist says becomes true, all of it at once."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from backend.world.answer import answer
from backend.world.constraints import fit_floor, shortest_turn
from backend.world.sizes import scale_from_depth, scale_from_person
from shared.camera_files import UNCHANGED, Similarity, read_camera
from shared.errors import InvalidRequest
from shared.shot import ShotFolder
from shared.similarity import move_point, orthonormal
from shared.world_messages import Pick, WorldReply, WorldRequest
from tests.blender.synthetic_shot import ShotPlan, Truth, write_shot
from tests.unit.test_export_colmap import shot_with_model
from tests.unit.world_shot import check_pixels

TILT = orthonormal(((0.9, 0.3, -0.2), (-0.3, 0.9, 0.1), (0.0, 0.0, 1.0)))
SOLVED = Similarity(0.4, TILT, (3.0, -1.0, 0.7))
"""The world as a solver might leave it: tilted, shifted and of another size than the truth."""

CORNERS = ((-2.0, 1.0, 0.0), (2.0, 1.5, 0.0), (0.5, -1.0, 0.0), (1.0, 2.0, 0.0), (-1.0, -0.5, 0.0), (0.3, 0.4, 0.0))


def tilted_shot(root: Path, **plan: object) -> Truth:
    """The synthetic shot in the solver's tilted world."""
    truth = write_shot(root, ShotPlan(plate=False, **plan))  # type: ignore[arg-type]
    answer(WorldRequest(str(root), world_from_solve=SOLVED, up_source="none", scale_source="none"))
    return truth


def seen(point: tuple[float, float, float]) -> Pick:
    """A place of the true world as it lies in the solver's."""
    return Pick(xyz=move_point(SOLVED, point))


def pose(root: Path, index: int = 0) -> np.ndarray:
    return np.array(read_camera(root).extrinsics.frames[index].world_from_camera)


def check_true(root: Path, truth: Truth, reply: WorldReply) -> None:
    """The world is the truth again: poses and points."""
    for index in range(truth.plan.count):
        assert np.allclose(pose(root, index), truth.poses[index], atol=1e-6)
    with np.load(ShotFolder(root).cloud) as stored:
        assert np.allclose(stored["xyz"], truth.xyz, atol=1e-5)
    assert reply.units == "metres"


def test_all_together_give_the_true_world(tmp_path: Path) -> None:
    truth = tilted_shot(tmp_path)
    reply = answer(
        WorldRequest(
            str(tmp_path),
            floor=tuple(map(seen, CORNERS[:3])),
            origin=seen((0.0, 0.0, 0.8)),  # over the true origin: the floor keeps its height
            axis="x", axis_points=(seen((-1.0, 0.5, 0.2)), seen((2.0, 0.5, 0.9))),
            distance=1.5, distance_points=(seen((0.0, 0.0, 0.0)), seen((0.0, 1.5, 0.0))),
        )
    )  # fmt: skip
    check_true(tmp_path, truth, reply)
    assert (reply.up_source, reply.scale_source) == ("picked", "two-points")


def test_one_after_the_other_gives_it_too(tmp_path: Path) -> None:
    truth = tilted_shot(tmp_path)
    shot = str(tmp_path)

    def now(point: tuple[float, float, float]) -> Pick:
        return Pick(xyz=move_point(read_camera(tmp_path).world.world_from_solve, point))

    answer(WorldRequest(shot, floor=tuple(map(now, CORNERS))))
    answer(WorldRequest(shot, axis="-y", axis_points=(now((0.0, 1.0, 0.0)), now((0.0, -1.0, 0.0)))))
    answer(WorldRequest(shot, origin=now((0.0, 0.0, 0.0))))
    height = float(np.median(truth.poses[:, 2, 3]))
    reply = answer(WorldRequest(shot, camera_height=height))
    check_true(tmp_path, truth, reply)
    assert (reply.up_source, reply.scale_source, reply.revision) == ("picked", "camera-height", 5)


def test_each_alone_leaves_the_rest(tmp_path: Path) -> None:
    truth = tilted_shot(tmp_path)
    with np.load(ShotFolder(tmp_path).cloud) as stored:
        before = stored["xyz"].astype(float)
    shot = str(tmp_path)
    ends = (seen((0.0, 0.0, 0.0)), seen((0.0, 0.0, 2.0)))
    size = answer(WorldRequest(shot, preview=True, distance=2.0, distance_points=ends, of_object=True))
    assert np.isclose(size.by.scale, 2.5) and size.by.rotation == UNCHANGED.rotation
    assert size.by.translation == (0.0, 0.0, 0.0) and size.scale_source == "object"
    level = answer(WorldRequest(shot, preview=True, floor=tuple(map(seen, CORNERS))))
    assert level.by.scale == 1.0 and level.units == "arbitrary" and level.scale_source == "none"
    floor = before[: truth.plan.points // 2]
    assert max(abs(move_point(level.by, tuple(map(float, point)))[2]) for point in floor) < 1e-6
    turned = answer(WorldRequest(shot, preview=True, axis="y", axis_points=ends))
    assert np.allclose(turned.by.rotation[2], (0, 0, 1)) and turned.up_source == "none"
    shifted = answer(WorldRequest(shot, preview=True, origin=seen((1.0, 1.0, 1.0))))
    assert shifted.by.rotation == UNCHANGED.rotation and shifted.by.scale == 1.0
    assert read_camera(tmp_path).world.revision == 1


def test_a_vertical_axis_says_what_up_is(tmp_path: Path) -> None:
    tilted_shot(tmp_path)
    reply = answer(WorldRequest(str(tmp_path), axis="-z", axis_points=(seen((0, 0, 2)), seen((0, 0, 1)))))
    up = np.array(reply.world_from_solve.rotation) @ (0.0, 0.0, 1.0)
    assert np.allclose(up, (0, 0, 1)) and reply.up_source == "picked"


@pytest.mark.parametrize("said", ["floor+z", "two sizes", "line", "two picks", "same", "above", "no floor", "nan"])
def test_contradictions_and_poor_picks_are_refused(tmp_path: Path, said: str) -> None:
    tilted_shot(tmp_path)
    shot = str(tmp_path)
    up = (seen((0, 0, 0)), seen((0, 0, 1)))
    floor = tuple(map(seen, CORNERS))
    requests = {
        "floor+z": WorldRequest(shot, floor=floor, axis="z", axis_points=up),
        "two sizes": WorldRequest(shot, floor=floor, camera_height=1.0, distance=1.0, distance_points=up),
        "line": WorldRequest(shot, floor=(seen((0, 0, 0)), seen((1, 1, 0)), seen((2, 2, 0)))),
        "two picks": WorldRequest(shot, floor=floor[:2]),
        "same": WorldRequest(shot, distance=1.0, distance_points=(up[0], up[0])),
        "above": WorldRequest(shot, floor=floor, axis="x", axis_points=up),
        "no floor": WorldRequest(shot, camera_height=1.6),
        "nan": WorldRequest(shot, distance=float("nan"), distance_points=up),
    }
    with pytest.raises(InvalidRequest) as refused:
        answer(requests[said])
    assert refused.value.remedy and read_camera(tmp_path).world.revision == 1


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_floor_of_many_picks_ignores_a_wrong_one(noise: float) -> None:
    rng = np.random.default_rng(3)
    places = [np.array(corner) + rng.normal(0, noise, 3) for corner in CORNERS] + [np.array((0.0, 0.0, 0.9))]
    plane = fit_floor(places, np.array([[0.0, -4.0, 1.6]]))
    assert plane.normal @ (0, 0, 1) > np.cos(np.radians(0.01 if noise == 0.0 else 1.5))


def test_a_wrong_pick_is_named(tmp_path: Path) -> None:
    tilted_shot(tmp_path)
    floor = (*map(seen, CORNERS), seen((0.0, 0.0, 0.9)))
    reply = answer(WorldRequest(str(tmp_path), floor=floor, preview=True))
    assert reply.notices == ("Picked places off the floor that the others agree on: number 7.",)


def test_the_floor_faces_the_cameras() -> None:
    for order in itertools.permutations(CORNERS[:3]):
        plane = fit_floor([np.array(corner) for corner in order], np.array([[0.0, -4.0, 1.6]]))
        assert np.allclose(plane.normal, (0, 0, 1))


def test_the_shortest_turn() -> None:
    rng = np.random.default_rng(0)
    for up in (*rng.normal(size=(20, 3)), np.array([0, 0, -1.0]), np.array([0, 0, 1.0])):
        up = up / np.linalg.norm(up)
        turn = shortest_turn(up)
        assert np.allclose(turn @ up, (0, 0, 1)) and np.allclose(turn @ turn.T, np.eye(3))
        assert np.isclose(np.linalg.det(turn), 1.0)
        assert np.isclose((np.trace(turn) - 1) / 2, up[2])  # turned by the angle between them, no more


def test_a_pixel_means_the_tracked_point_there(tmp_path: Path) -> None:
    shot_with_model(tmp_path, ShotPlan(plate=False, points=40, focal_px=(310.0, 310.0)))

    model = pycolmap.Reconstruction(str(ShotFolder(tmp_path).sparse_dir))
    image = next(image for image in model.images.values() if image.name == "frame_1003.png")
    spot = image.points2D[5]
    pick = Pick(frame=1003, x=float(spot.xy[0]) + 0.4, y=float(spot.xy[1]) - 0.3)
    reply = answer(WorldRequest(str(tmp_path), origin=pick))
    place = move_point(reply.by, tuple(model.points3D[spot.point3D_id].xyz.tolist()))
    assert np.allclose(place, 0.0, atol=1e-9)


@pytest.mark.parametrize("distortion", [(0.0, 0.0, 0.0, 0.0), (-0.12, 0.02, 0.001, -0.001)])
def test_a_pixel_means_the_cloud_where_there_are_no_tracks(
    tmp_path: Path, distortion: tuple[float, float, float, float]
) -> None:
    truth = write_shot(tmp_path, ShotPlan(plate=False, points=40, distortion=distortion))
    x, y = truth.project(3, truth.xyz[7:8], distorted=True)[0]
    reply = answer(WorldRequest(str(tmp_path), origin=Pick(frame=1004, x=float(x), y=float(y))))
    assert np.allclose(reply.by.translation, -truth.xyz[7], atol=1e-6)
    with np.load(ShotFolder(tmp_path).cloud) as stored:
        check_pixels(read_camera(tmp_path), truth, stored["xyz"].astype(float))


@pytest.mark.parametrize(
    ("pick", "said"),
    [
        (Pick(frame=1004, x=3.0, y=3.0), "nearest is"),
        (Pick(frame=99, x=3.0, y=3.0), "no camera pose"),
        (Pick(frame=1005, x=160.0, y=90.0), "no camera pose"),
        (Pick(frame=1004, x=3.0), "neither"),
        (Pick(), "neither"),
    ],
)
def test_a_pixel_without_a_point_is_an_error(tmp_path: Path, pick: Pick, said: str) -> None:
    write_shot(tmp_path, ShotPlan(plate=False, points=40, failed=(1005,)))
    with pytest.raises(InvalidRequest, match=said):
        answer(WorldRequest(str(tmp_path), origin=pick))


def person(height: float, frames: int = 12) -> dict[str, np.ndarray]:
    """A skeleton of that stature that bends over time."""
    heights = {"head_top": 1.0, "neck": 0.85, "chest": 0.75, "spine": 0.62, "pelvis": 0.53}
    legs = {"hip": 0.53, "knee": 0.28, "ankle": 0.05, "heel": 0.0}
    rest = heights | {f"{side}_{part}": at for side in ("left", "right") for part, at in legs.items()}
    names = list(rest)
    joints = np.zeros((frames, len(names), 3))
    for frame, bend in enumerate(np.linspace(0.0, 1.2, frames)):
        for i, name in enumerate(names):
            over = max(rest[name] - 0.53, 0.0)  # above the pelvis everything leans forward
            upright = min(rest[name], 0.53)
            joints[frame, i] = (over * np.sin(bend), 0.1, upright + over * np.cos(bend))
    return {"joint_names": np.array(names), "joints": joints * height, "state": np.array(["tracked"] * frames)}


def test_a_person_gives_the_scale() -> None:
    motion = person(0.6)
    motion["joints"] = motion["joints"] + np.random.default_rng(0).normal(0, 0.001, motion["joints"].shape)
    motion["joints"][2] *= 3.0  # one wild frame
    found = scale_from_person(motion, 1.8)
    assert abs(found.scale - 3.0) < 0.03 and found.samples == 12
    motion["state"] = np.array(["absent"] * 12)
    with pytest.raises(InvalidRequest):
        scale_from_person(motion, 1.8)
    with pytest.raises(InvalidRequest, match="head_top"):
        scale_from_person({**person(1.0), "joint_names": np.array(["x"] * 13)}, 1.8)


def test_metric_depth_gives_the_scale(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    ours = rng.uniform(1, 9, 500)
    metric = 1.7 * ours * np.exp(rng.normal(0, 0.05, 500))
    metric[:150] = rng.uniform(0.1, 50, 150)
    metric[150:160], ours[160:170] = 0.0, 1e10
    found = scale_from_depth(ours, metric)
    assert abs(found.scale - 1.7) < 0.05 and found.samples == 480
    with pytest.raises(InvalidRequest):
        scale_from_depth(ours, rng.uniform(0.01, 100, 500))
    with pytest.raises(InvalidRequest):
        scale_from_depth(ours[:5], metric[:5])
    write_shot(tmp_path, ShotPlan(plate=False))
    reply = answer(WorldRequest(str(tmp_path), scale=found.scale, scale_source="metric-depth"))
    assert reply.scale_source == "metric-depth" and reply.units == "metres"
