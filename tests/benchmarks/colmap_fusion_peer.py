"""COLMAP's fusion of depth maps (Schoenberger et al., ECCV 2016, section 4.5) on maps that are given to it. Runs on the
processor, in the pycolmap that Backlot has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from backend.fusion.planes import tangents
from backend.fusion.shapes import FusionFrame
from backend.fusion.sight import fused_pixels
from tests.benchmarks.mesh_scores import world_points
from tests.benchmarks.scoring import Array

_SHARED = 200
"""Points of each frame that tell COLMAP which frames see the same."""


def fuse_with_colmap(frames: Sequence[FusionFrame], folder: Path) -> Array:
    """Fused world points [N, 3]. folder: for the workspace, made anew; `fused.ply` is left in it."""
    import pycolmap

    _write_workspace(frames, folder)
    pycolmap.stereo_fusion(folder / "fused.ply", folder, output_type="ply")
    return _ply_points(folder / "fused.ply")


def _write_workspace(frames: Sequence[FusionFrame], folder: Path) -> None:
    for name in ("images", "sparse", "stereo/depth_maps", "stereo/normal_maps"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    names = [f"{frame.pose.number:04d}.png" for frame in frames]
    for frame, name in zip(frames, names, strict=True):
        used = fused_pixels(frame)
        planes = tangents(np.where(used, frame.depth, 0.0).astype(np.float32), used, frame.pose.K)
        length = np.linalg.norm(planes.normal, axis=-1)
        normals = -planes.normal / np.where(length > 0, length, 1.0)[..., None]
        _write_map(folder / "stereo/depth_maps" / f"{name}.geometric.bin", np.where(planes.known, frame.depth, 0)[None])
        _write_map(folder / "stereo/normal_maps" / f"{name}.geometric.bin", normals.transpose(2, 0, 1))
        cv2.imwrite(str(folder / "images" / name), np.ascontiguousarray(frame.rgb[..., ::-1]))
    (folder / "stereo" / "fusion.cfg").write_text("\n".join(names) + "\n", encoding="utf-8")
    _write_model(frames, names, folder / "sparse")


def _write_map(path: Path, planes: Array) -> None:
    """planes [C, H, W] in COLMAP's format."""
    channels, height, width = planes.shape
    path.write_bytes(f"{width}&{height}&{channels}&".encode() + planes.astype("<f4").tobytes())


def _write_model(frames: Sequence[FusionFrame], names: Sequence[str], folder: Path) -> None:
    """COLMAP's text model: cameras, poses, and some points with the frames that see them."""
    cameras, images = [], []
    seen: list[list[tuple[float, float, int]]] = [[] for _ in frames]
    points = []
    shared = np.concatenate([_some_points(frame) for frame in frames])
    for number, xyz in enumerate(shared, 1):
        track = []
        for index, frame in enumerate(frames):
            camera = (xyz - frame.pose.centre) @ frame.pose.world_from_camera[:3, :3]
            u, v = (frame.pose.K @ camera)[:2] / max(camera[2], 1e-9)
            height, width = frame.pose.size
            if camera[2] > 0 and 0 <= u < width and 0 <= v < height:
                track.append(f"{index + 1} {len(seen[index])}")
                seen[index].append((float(u), float(v), number))
        points.append(f"{number} {' '.join(map(repr, xyz.tolist()))} 0 0 0 0 {' '.join(track)}")
    for index, (frame, name) in enumerate(zip(frames, names, strict=True)):
        (height, width), K = frame.pose.size, frame.pose.K
        cameras.append(f"{index + 1} PINHOLE {width} {height} {K[0, 0]} {K[1, 1]} {K[0, 2]} {K[1, 2]}")
        images.append(f"{index + 1} {_pose_line(frame)} {index + 1} {name}")
        images.append(" ".join(f"{u} {v} {point}" for u, v, point in seen[index]))
    for name, lines in (("cameras", cameras), ("images", images), ("points3D", points)):
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _some_points(frame: FusionFrame) -> Array:
    y, x = np.nonzero(fused_pixels(frame))
    some = np.random.default_rng(frame.pose.number).permutation(len(y))[:_SHARED]
    return world_points(frame.depth, y[some], x[some], frame.pose.K, frame.pose.world_from_camera)[0]


def _pose_line(frame: FusionFrame) -> str:
    """The quaternion (w first) and translation that take the world to the camera."""
    from scipy.spatial.transform import Rotation

    camera_from_world = np.linalg.inv(frame.pose.world_from_camera)
    x, y, z, w = Rotation.from_matrix(camera_from_world[:3, :3]).as_quat()
    return " ".join(repr(float(value)) for value in (w, x, y, z, *camera_from_world[:3, 3]))


def _ply_points(path: Path) -> Array:
    """x, y, z of COLMAP's fused.ply."""
    data = path.read_bytes()
    end = data.index(b"end_header\n") + len(b"end_header\n")
    count = next(int(line.split()[2]) for line in data[:end].decode().splitlines() if line.startswith("element vertex"))
    row = np.dtype([("xyz", "<f4", (3,)), ("normal", "<f4", (3,)), ("rgb", "u1", (3,))])
    return np.frombuffer(data, row, count, end)["xyz"].astype(np.float64)
