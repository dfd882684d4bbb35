"""Solved scenes with a floor, for finding it: points with noise as triangulation leaves it, slanted cameras, and
plates with straight edges. Numpy, OpenCV and the shot's documents only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from backend.world.answer import answer
from shared.camera_files import Similarity, read_camera
from shared.shot import ShotFolder, document_text
from shared.similarity import orthonormal
from shared.world_messages import WorldRequest
from tests.blender.synthetic_shot import ShotPlan, look_at, write_png, write_shot

SIZE = (480, 270)
FOCAL = 420.0


@dataclass(frozen=True)
class Scene:
    """roll, pitch: of the cameras, degrees (pitch looks down). noise: share of the distance, along the ray; a fifth
    of it across. floor, boxes, wall, clutter: numbers of points. edges: whether the plate shows the boxes' edges
    and the wall's; tilt: of the solver's world, degrees."""

    roll: float = 3.0
    pitch: float = 15.0
    noise: float = 0.006
    floor: int = 350
    boxes: int = 300
    wall: int = 250
    clutter: int = 200
    edges: bool = True
    tilt: float = 12.0
    heading: float = 30.0
    seed: int = 1
    frames: int = 8


def build(root: Path, scene: Scene) -> np.ndarray:
    """Writes the shot in a world tilted and scaled by chance; returns true up [3] in it."""
    rng = np.random.default_rng(scene.seed)
    plan = ShotPlan(width=SIZE[0], height=SIZE[1], first=1, count=scene.frames, plate=False, points=4,
                    principal=(0.0, 0.0), focal_px=(FOCAL, FOCAL))  # fmt: skip
    write_shot(root, plan)
    poses = _poses(scene)
    xyz = _points(scene, rng)
    _put(root, poses, _noisy(xyz, poses, scene.noise, rng))
    shot = ShotFolder(root)
    shot.frames_dir.mkdir(parents=True)
    for number, pose in enumerate(poses, 1):
        write_png(shot.frame_path(number), _picture(pose, scene, rng))
    axis = rng.normal(size=3)
    axis /= np.linalg.norm(axis)
    turn = cv2.Rodrigues(axis * np.radians(scene.tilt))[0]
    rows = orthonormal(tuple(tuple(map(float, row)) for row in turn))
    by = Similarity(float(rng.uniform(0.2, 5.0)), rows, (1.0, 2.0, -3.0))
    answer(WorldRequest(str(root), world_from_solve=by, up_source="none", scale_source="none"))
    return np.array(rows) @ (0.0, 0.0, 1.0)


def _poses(scene: Scene) -> np.ndarray:
    steps = np.linspace(-1.0, 1.0, scene.frames)
    poses = []
    for step in steps:
        centre = np.array([1.2 * step, -4.5, 1.7 + 0.1 * np.sin(4 * step)])
        ahead = np.array([0.15 * step, 1.0, -np.tan(np.radians(scene.pitch))])
        poses.append(look_at(centre, centre + ahead, np.radians(scene.roll + 1.5 * np.sin(5 * step))))
    return np.array(poses)


def _points(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    floor = rng.uniform((-4, -3.5, 0), (4, 5, 0), (scene.floor, 3))
    wall = rng.uniform((-4, 5, 0), (4, 5, 3), (scene.wall, 3))
    faces = []
    for corner, size in _boxes():
        at = rng.uniform(0, 1, (scene.boxes // 2, 3))
        face = rng.integers(0, 3, len(at))
        at[np.arange(len(at)), face] = rng.integers(0, 2, len(at))
        faces.append(_turned(at * size - (*(np.array(size[:2]) / 2), 0), scene.heading) + corner)
    clutter = rng.normal((0, 2, 1.2), (2.0, 1.5, 0.6), (scene.clutter, 3))
    return np.concatenate([floor, wall, *faces, clutter[clutter[:, 2] > 0]])


def _boxes() -> list[tuple[np.ndarray, tuple[float, float, float]]]:
    return [(np.array([-1.2, 1.0, 0.0]), (1.2, 0.9, 1.1)), (np.array([1.4, 2.5, 0.0]), (0.8, 1.5, 1.8))]


def _turned(points: np.ndarray, degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return points @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])


def _noisy(xyz: np.ndarray, poses: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    ray = xyz - poses[len(poses) // 2, :3, 3]
    along = rng.normal(0, noise, (len(xyz), 1)) * ray
    return xyz + along + rng.normal(0, noise / 5, xyz.shape) * np.linalg.norm(ray, axis=1, keepdims=True)


def _put(root: Path, poses: np.ndarray, xyz: np.ndarray) -> None:
    shot, camera = ShotFolder(root), read_camera(root)
    frames = tuple(
        replace(frame, world_from_camera=tuple(tuple(map(float, row)) for row in pose))
        for frame, pose in zip(camera.extrinsics.frames, poses, strict=True)
    )
    shot.extrinsics.write_text(document_text(replace(camera.extrinsics, frames=frames)))
    count = len(xyz)
    np.savez(
        shot.cloud, xyz=xyz.astype(np.float32), rgb=np.zeros((count, 3), np.uint8),
        error=np.full(count, 0.4, np.float32), track_length=np.full(count, 5, np.int32),
    )  # fmt: skip


def _picture(pose: np.ndarray, scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Faces of the boxes and of the wall's panels in flat greys, over blotches that make no lines."""
    small = rng.integers(90, 160, (27, 48)).astype(np.uint8)
    picture = cv2.GaussianBlur(cv2.resize(small, SIZE, interpolation=cv2.INTER_CUBIC), (0, 0), 4)
    if scene.edges:
        quads = sorted(_quads(scene), key=lambda quad: -np.linalg.norm(quad[0].mean(0) - pose[:3, 3]))
        for corners, grey in quads:
            seen = (corners - pose[:3, 3]) @ pose[:3, :3]
            if seen[:, 2].min() > 0.2:
                pixels = seen[:, :2] / seen[:, 2:] * FOCAL + (SIZE[0] / 2 - 0.5, SIZE[1] / 2 - 0.5)
                ends = np.round(pixels * 16).astype(np.int32)
                cv2.fillConvexPoly(picture, ends, grey, cv2.LINE_AA, 4)
    noisy = picture.astype(float) + rng.normal(0, 2, picture.shape)
    return np.repeat(np.clip(noisy, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def _quads(scene: Scene) -> list[tuple[np.ndarray, int]]:
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    quads = [(np.stack([x + unit[:, 0], np.full(4, 5.0), 2.5 * unit[:, 1]], 1), 60 + 40 * (x % 2))
             for x in range(-3, 3)]  # fmt: skip
    for corner, size in _boxes():
        for axis in range(3):
            for side in (0, 1):
                at = np.insert(unit, axis, side, axis=1) * size - (*(np.array(size[:2]) / 2), 0)
                quads.append((_turned(at, scene.heading) + corner, 40 + 70 * axis))
    return quads
