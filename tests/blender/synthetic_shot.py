"""A solved shot folder with known truth, made without the backend: numpy and the standard library only.

The set is a floor of coloured points and a box of them; the camera travels sideways past it and looks at
its middle. The plate shows every point as a small square at its true (distorted) place on a grey ramp, so
that an import can be judged by eye as well as by numbers.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from shared.camera_files import (
    CAMERA_AXES,
    UNCHANGED,
    WORLD_AXES,
    Extrinsics,
    FrameIntrinsics,
    FramePose,
    Intrinsics,
    World,
)
from shared.shot import ShotFile, ShotFolder, SourceFacts, document_text

SHOT_ID = "0123456789abcdef"


@dataclass(frozen=True)
class ShotPlan:
    """What to make. focal_px: of the first and the last frame (px of the width). principal: offset of the
    principal point from the middle, px. failed: plate numbers without a pose."""

    width: int = 320
    height: int = 180
    first: int = 1001
    count: int = 12
    fps: str = "24000/1001"
    focal_px: tuple[float, float] = (300.0, 300.0)
    principal: tuple[float, float] = (4.0, -3.0)
    pixel_aspect: float = 1.0
    distortion: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    failed: tuple[int, ...] = ()
    interpolated: tuple[int, ...] = ()
    points: int = 600
    plate: bool = True
    seed: int = 7
    travel: float = 1.6


@dataclass(frozen=True)
class Truth:
    """frames: plate numbers. k: float64 [T,4] fx fy cx cy. poses: [T,4,4] world_from_camera, OpenCV axes.
    xyz, rgb: the points."""

    plan: ShotPlan
    frames: np.ndarray
    k: np.ndarray
    poses: np.ndarray
    xyz: np.ndarray
    rgb: np.ndarray

    def project(self, index: int, xyz: np.ndarray, distorted: bool = False) -> np.ndarray:
        """Pixels [N,2] of world points in frame `index`; the centre of the top-left pixel is (0.5, 0.5)."""
        rotation, centre = self.poses[index, :3, :3], self.poses[index, :3, 3]
        seen = (xyz - centre) @ rotation
        x, y = seen[:, 0] / seen[:, 2], seen[:, 1] / seen[:, 2]
        if distorted:
            x, y = distort(x, y, self.plan.distortion)
        fx, fy, cx, cy = self.k[index]
        return np.stack([x * fx + cx, y * fy + cy], axis=-1)


def distort(x: np.ndarray, y: np.ndarray, k: tuple[float, float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """COLMAP's OPENCV model, written out on its own so that tests compare two implementations."""
    k1, k2, p1, p2 = k
    r2 = x * x + y * y
    radial = 1 + k1 * r2 + k2 * r2 * r2
    return (
        x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
        y * radial + 2 * p2 * x * y + p1 * (r2 + 2 * y * y),
    )


def make_truth(plan: ShotPlan) -> Truth:
    step = np.linspace(0.0, 1.0, plan.count)
    rng = np.random.default_rng(plan.seed)
    focal = plan.focal_px[0] + (plan.focal_px[1] - plan.focal_px[0]) * step
    k = np.stack(
        [
            focal,
            focal * plan.pixel_aspect,
            np.full(plan.count, plan.width / 2 + plan.principal[0]),
            np.full(plan.count, plan.height / 2 + plan.principal[1]),
        ],
        axis=-1,
    )
    centres = np.stack([plan.travel * (step - 0.5), np.full(plan.count, -5.0), 1.6 + 0.2 * np.sin(3 * step)], axis=-1)
    target = np.array([0.0, 0.0, 0.5])
    poses = np.stack([look_at(centre, target, 0.1 * (s - 0.5)) for centre, s in zip(centres, step, strict=True)])
    floor = np.concatenate([rng.uniform((-3, -2), (3, 3), (plan.points // 2, 2)), np.zeros((plan.points // 2, 1))], 1)
    box = rng.uniform((-0.5, -0.5, 0), (0.5, 0.5, 1), (plan.points - plan.points // 2, 3))
    face = rng.integers(0, 3, len(box))
    sides = np.array([[-0.5, 0.5], [-0.5, 0.5], [0.0, 1.0]])
    box[np.arange(len(box)), face] = sides[face, rng.integers(0, 2, len(box))]
    xyz = np.concatenate([floor, box]).astype(np.float32)
    rgb = np.where(np.arange(len(xyz))[:, None] < len(floor), (60, 170, 60), (220, 120, 30)).astype(np.uint8)
    return Truth(plan, np.arange(plan.first, plan.first + plan.count), k, poses, xyz, rgb)


def look_at(centre: np.ndarray, target: np.ndarray, roll: float) -> np.ndarray:
    """world_from_camera, OpenCV axes, z of the world up in the picture, turned by `roll` radians."""
    forward = (target - centre) / np.linalg.norm(target - centre)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    turn = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, down, forward], axis=-1) @ turn
    pose[:3, 3] = centre
    return pose


def write_shot(root: Path, plan: ShotPlan | None = None, shot_id: str = SHOT_ID) -> Truth:
    """Makes the folder. Returns what is true in it."""
    plan = plan or ShotPlan()
    truth = make_truth(plan)
    folder = ShotFolder(root)
    folder.cloud.parent.mkdir(parents=True, exist_ok=True)
    _write_documents(folder, truth, shot_id)
    count = len(truth.xyz)
    rng = np.random.default_rng(plan.seed + 1)
    np.savez(
        folder.cloud,
        xyz=truth.xyz,
        rgb=truth.rgb,
        error=rng.uniform(0.1, 0.9, count).astype(np.float32),
        track_length=rng.integers(2, plan.count + 1, count).astype(np.int32),
    )
    if plan.plate:
        folder.frames_dir.mkdir(parents=True, exist_ok=True)
        for index, number in enumerate(truth.frames):
            write_png(folder.frame_path(int(number)), plate_frame(truth, index))
    return truth


def plate_frame(truth: Truth, index: int) -> np.ndarray:
    """uint8 [H,W,3]: a colour ramp whose blue names the frame, and the points."""
    plan = truth.plan
    y, x = np.mgrid[0 : plan.height, 0 : plan.width]
    picture = np.stack(
        [40 + 150 * x // plan.width, 60 + 120 * y // plan.height, np.full_like(x, 10 + 20 * (index % 12))], axis=-1
    )
    pixels = truth.project(index, truth.xyz, distorted=True)
    for (u, v), colour in zip(pixels, truth.rgb, strict=True):
        column, row = int(u), int(v)
        if 1 <= column < plan.width - 1 and 1 <= row < plan.height - 1:
            picture[row - 1 : row + 2, column - 1 : column + 2] = colour
    return picture.astype(np.uint8)


def write_png(path: Path, picture: np.ndarray) -> None:
    """uint8 [H,W,3] as an 8-bit RGB PNG (RFC 2083)."""
    height, width, _ = picture.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), picture.reshape(height, width * 3)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def _write_documents(folder: ShotFolder, truth: Truth, shot_id: str) -> None:
    plan = truth.plan
    facts = SourceFacts(
        kind="video", width=plan.width, height=plan.height, fps=plan.fps, frame_start=plan.first,
        frame_end=plan.first + plan.count - 1, frame_count=plan.count, pixel_aspect=plan.pixel_aspect,
    )  # fmt: skip
    shot = ShotFile(1, shot_id, str(folder.root / "clip.mp4"), facts)
    folder.shot_json.write_text(document_text(shot), encoding="utf-8")
    folder.intrinsics.write_text(document_text(_intrinsics(truth)), encoding="utf-8")
    folder.extrinsics.write_text(document_text(_extrinsics(truth)), encoding="utf-8")
    folder.world.write_text(document_text(World(1, 0, UNCHANGED)), encoding="utf-8")


def _intrinsics(truth: Truth) -> Intrinsics:
    plan = truth.plan
    k1, k2, p1, p2 = plan.distortion
    return Intrinsics(
        version=1, width=plan.width, height=plan.height, fps=plan.fps, pixel_aspect=plan.pixel_aspect,
        model="BROWN" if any(plan.distortion) else "PINHOLE", k1=k1, k2=k2, p1=p1, p2=p2, focal_source="solved",
        frames=tuple(FrameIntrinsics(int(n), *map(float, k)) for n, k in zip(truth.frames, truth.k, strict=True)),
    )  # fmt: skip


def _extrinsics(truth: Truth) -> Extrinsics:
    base = FramePose(0, None, "solved", "full", 0.3, 120)
    frames = []
    for number, pose in zip(truth.frames.tolist(), truth.poses, strict=True):
        if number in truth.plan.failed:
            frames.append(replace(base, frame=number, state="failed", reprojection_error_px=None, points=0))
            continue
        state = "interpolated" if number in truth.plan.interpolated else "solved"
        matrix = tuple(tuple(map(float, row)) for row in pose)
        frames.append(replace(base, frame=number, state=state, world_from_camera=matrix))
    return Extrinsics(1, WORLD_AXES, CAMERA_AXES, "arbitrary", "none", "none", "synthetic", tuple(frames), 0)
