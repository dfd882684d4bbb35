"""The weight-free depth engine on a scene with exact depth: two textured planes, seen from a row of cameras."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from backend.depth.frame import FrameDepth
from backend.depth.poses import Pose
from backend.mvs.choose import choose_confirmers
from backend.mvs.consistency import DepthMap
from backend.mvs.estimate import Estimate
from backend.mvs.nearest import nearest_known
from backend.mvs.settings import MvsSettings
from backend.mvs.smooth import fitted
from backend.mvs.stream import clip_depth
from backend.mvs.views import View, other_pixels, passage

SIZE = (72, 128)
WALL, BOX = 6.0, 4.0
FRAMES = 11


def _sideways(index: int) -> np.ndarray:
    pose = np.eye(4)
    pose[0, 3] = 0.12 * (index - FRAMES // 2)
    return pose


def _forward(index: int) -> np.ndarray:
    pose = np.eye(4)
    pose[2, 3] = 0.25 * (index - FRAMES // 2)
    return pose


def _texture(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """0..1 at world x, y: a sum of waves of many lengths, the same from every camera."""
    rng = np.random.default_rng(seed)
    total = np.zeros_like(x)
    for _ in range(40):
        u, v = rng.normal(0.0, 8.0, 2)
        total += np.cos(u * x + v * y + rng.uniform(0.0, 6.28))
    return np.asarray(0.5 + total / 24.0)


@dataclass(frozen=True)
class Scene:
    """A wall with a box front before its middle; both face the first camera."""

    pose_of: Callable[[int], np.ndarray] = _sideways
    size: tuple[int, int] = SIZE

    @property
    def K(self) -> np.ndarray:
        height, width = self.size
        focal = max(self.size)
        return np.array([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])

    def rendered(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """gray and depth [H, W]."""
        y, x = np.mgrid[: self.size[0], : self.size[1]] + 0.5
        rays = [(at - self.K[i, 2]) / self.K[i, i] for i, at in enumerate((x, y))]
        centre = self.pose_of(index)[:3, 3]
        away = [z - centre[2] for z in (WALL, BOX)]
        at = [(z * rays[0] + centre[0], z * rays[1]) for z in away]
        box = (np.abs(at[1][0]) < 0.7) & (np.abs(at[1][1]) < 0.5)
        return np.where(box, _texture(*at[1], 2), _texture(*at[0], 1)), np.where(box, away[1], away[0])

    def view(self, index: int) -> View:
        gray = self.rendered(index)[0] + np.random.default_rng(index).normal(0.0, 0.01, self.size)
        return View(index, torch.from_numpy(gray).float(), torch.ones(self.size), self.K, self.pose_of(index))

    def poses(self, count: int = FRAMES) -> list[Pose | None]:
        return [Pose(i, self.K, self.pose_of(i), self.size) for i in range(count)]


POINTS = np.array([[x, y, WALL] for x in (-1.2, -1.0, 1.0, 1.2) for y in (-0.8, 0.8)] + [[0.0, 0.0, BOX]] * 4)
QUICK = MvsSettings(sources=4, most_planes=48, confirm_deg=(1.0, 3.0))


def _error(found: FrameDepth, scene: Scene) -> np.ndarray:
    return np.asarray(np.abs(found.depth / scene.rendered(found.number)[1] - 1.0))


def test_a_pixel_finds_its_point_in_another_view() -> None:
    scene = Scene()
    way = passage(scene.view(5), scene.view(7))
    x, y, scale = other_pixels(way, torch.full(SIZE, 1.0 / BOX))
    assert float(x[10, 60]) == pytest.approx(60.5 - max(SIZE) * 0.24 / BOX, abs=1e-3)
    assert float(y[10, 60]) == pytest.approx(10.5, abs=1e-3)
    assert float(scale[10, 60]) == pytest.approx(1.0, abs=1e-5)


def test_a_slanted_plane_survives_smoothing_and_its_noise_does_not() -> None:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    truth = torch.from_numpy(0.2 + 0.0005 * x - 0.0003 * y)
    noisy = truth + 0.001 * torch.from_numpy(np.random.default_rng(0).standard_normal(SIZE)).float()
    one = torch.ones(SIZE)
    found = fitted(noisy, 0.003 * one, one, 0.5 * one).inverse
    inner = (slice(12, -12), slice(12, -12))
    assert float((found - truth)[inner].std()) < 0.3 * 0.001
    assert abs(float((found - truth)[inner].mean())) < 0.00005


@pytest.fixture(scope="module")
def sideways() -> tuple[FrameDepth, Scene]:
    scene = Scene()
    (found,) = clip_depth(scene.poses(), POINTS, scene.view, QUICK, [5])
    return found, scene


def test_a_hole_is_filled_from_its_own_side_of_an_edge() -> None:
    gray, known = torch.full((20, 30), 0.2), torch.zeros(20, 30, dtype=torch.bool)
    gray[:, 18:] = 0.8
    known[:, :4] = known[:, 26:] = True
    column = nearest_known(known, gray) % 30
    assert bool((column[:, :18] < 4).all()) and bool((column[:, 18:] >= 26).all())


def test_two_planes_come_out_within_one_percent(sideways: tuple[FrameDepth, Scene]) -> None:
    error, measured = _error(*sideways), sideways[0].confidence >= 0.5
    assert measured.mean() > 0.8
    assert np.median(error[measured]) < 0.003
    assert error[measured].mean() < 0.006


def test_confidence_knows_where_depth_is_wrong(sideways: tuple[FrameDepth, Scene]) -> None:
    error, confidence = _error(*sideways), sideways[0].confidence
    doubted = confidence < np.quantile(confidence, 0.1)
    assert error[doubted].mean() > 5.0 * error[~doubted].mean()


def test_a_camera_that_goes_ahead_measures_around_its_goal() -> None:
    scene = Scene(_forward)
    (found,) = clip_depth(scene.poses(), POINTS, scene.view, QUICK, [5])
    error, measured = _error(found, scene), found.confidence >= 0.5
    assert measured.mean() > 0.6
    assert np.median(error[measured]) < 0.005
    assert error[measured].mean() < 0.015


def test_three_upright_frames_of_odd_size_are_enough() -> None:
    scene = Scene(size=(121, 67))
    found = list(clip_depth(scene.poses(3), POINTS, scene.view, QUICK, [1]))
    assert [one.depth.shape for one in found] == [(121, 67)]
    assert np.median(_error(found[0], scene)) < 0.015


def test_two_frames_are_enough() -> None:
    scene = Scene(size=(60, 80))
    found = list(clip_depth(scene.poses(2), POINTS, scene.view, QUICK))
    assert [one.number for one in found] == [0, 1]
    assert all(np.median(_error(one, scene)) < 0.02 for one in found)


def test_a_tiny_picture_has_depth_without_failing() -> None:
    scene = Scene(size=(7, 5))
    (found,) = clip_depth(scene.poses(4), POINTS, scene.view, QUICK, [1])
    assert np.isfinite(found.depth).all()


def test_what_moves_is_matched_nowhere() -> None:
    """A bright patch wanders over the picture, masked: the scene behind and around comes out as without it."""
    scene = Scene()

    def with_mover(index: int) -> View:
        view = scene.view(index)
        place = (slice(30, 60), slice(20 + 8 * index, 40 + 8 * index))
        gray, usable = view.gray.clone(), view.usable.clone()
        gray[place], usable[place] = 0.9, 0.0
        return replace(view, gray=gray, usable=usable)

    (found,) = clip_depth(scene.poses(), POINTS, with_mover, QUICK, [5])
    usable = with_mover(5).usable.numpy() > 0
    error, measured = _error(found, scene), found.confidence >= 0.5
    assert not measured[~usable].any()
    assert measured[usable].mean() > 0.75
    assert error[measured].mean() < 0.01


def test_frames_without_a_pose_are_left_out() -> None:
    scene = Scene(size=(32, 48))
    poses = scene.poses(5)
    poses[1] = None
    assert [one.number for one in clip_depth(poses, POINTS, scene.view, QUICK)] == [0, 2, 3, 4]


def test_a_camera_that_does_not_travel_has_no_depth() -> None:
    scene = Scene(lambda _: np.eye(4), (32, 48))
    assert list(clip_depth(scene.poses(4), POINTS, scene.view, MvsSettings())) == []


def test_confirmers_are_the_nearest_of_a_fast_orbit() -> None:
    """At six degrees a frame, maps farther away than the next two or three confirm little."""

    def orbit(index: int) -> np.ndarray:
        turn = np.radians(6.0 * index)
        pose = np.eye(4)
        pose[:3, :3] = [[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]]
        pose[:3, 3] = [5.0 * np.sin(turn), 0.0, 5.0 - 5.0 * np.cos(turn)]
        return pose

    poses = [one for one in Scene(orbit).poses(20) if one is not None]
    there = np.array([[x, y, 5.0 + z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    picked = choose_confirmers(poses[10], poses, there, MvsSettings())
    assert [one.number for one in picked] == [7, 8, 9, 11, 12, 13]


def test_maps_are_made_once_and_dropped_when_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(lambda index: 0.99 * np.eye(4) + 0.01 * _sideways(index), (8, 12))
    made: list[int] = []
    alive = 0
    most = 0

    def dropped() -> None:
        nonlocal alive
        alive -= 1

    def estimated(view: View, *rest: object) -> Estimate:
        nonlocal alive, most
        made.append(view.number)
        one = torch.ones(view.size)
        found = Estimate(DepthMap(view, one / WALL, one, 0.01 * one), one, one, one)
        weakref.finalize(found, dropped)
        alive += 1
        most = max(most, alive)
        return found

    monkeypatch.setattr("backend.mvs.stream.estimate", estimated)
    settings = MvsSettings(confirm_reach=4)
    assert len(list(clip_depth(scene.poses(24), POINTS, scene.view, settings))) == 24
    assert sorted(made) == list(range(24))
    assert most <= 2 * 4 + 2


def test_a_map_can_be_given_up_half_way() -> None:
    """A cancel must not wait for a whole map, which takes a while on large plates."""
    scene, asked = Scene(), [0]

    def checkpoint() -> None:
        asked[0] += 1
        if asked[0] == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(clip_depth(scene.poses(), POINTS, scene.view, QUICK, [5], checkpoint))
    assert asked[0] == 12
