"""A shot with every kind of file that is in world coordinates, and what must hold between them in any world."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import OpenEXR
import pycolmap

from backend.pipeline import manifest
from backend.pipeline.manifest import MANIFEST_VERSION, Manifest
from shared.artifacts import StageResult
from shared.camera_files import SolvedCamera, read_camera
from shared.shot import ShotFolder
from tests.blender.synthetic_shot import ShotPlan, Truth
from tests.unit.test_export_colmap import shot_with_model

PLAN = ShotPlan(plate=False, points=60, count=4, focal_px=(310.0, 310.0))
DEPTH_SIZE = (6, 8)


def whole_shot(root: Path) -> Truth:
    """Solved, with depth frames, a person and the manifests of the stages that made them."""
    truth = shot_with_model(root, PLAN)
    shot = ShotFolder(root)
    write_depth(shot, truth)
    write_motion(shot)
    solved = (shot.intrinsics, shot.extrinsics, shot.world, shot.cloud, shot.sparse_dir)
    record(shot, "solve", solved)
    record(shot, "depth", (root / "depth", root / "depth/meta.json"))
    record(shot, "mocap", (root / "mocap/person_00/motion.npz",))
    return truth


def record(shot: ShotFolder, stage: str, paths: tuple[Path, ...]) -> None:
    """A manifest as the runner writes it."""
    artifacts = tuple(manifest.measure(shot, shot.relative(path), path.stem) for path in paths)
    result = StageResult(stage, "test", 1, {}, artifacts)
    manifest.write(shot, stage, Manifest(MANIFEST_VERSION, f"key of {stage}", {}, {}, result, 0))


def write_depth(shot: ShotFolder, truth: Truth) -> None:
    """The depth of the world's first points in every frame; one pixel unknown, one sky."""
    folder = shot.root / "depth"
    folder.mkdir()
    for index, number in enumerate(truth.frames.tolist()):
        picture = depth_of(read_camera(shot.root), index, truth.xyz)
        picture[0, 0], picture[0, 1] = 0.0, 1e10
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        OpenEXR.File(header, {"Z": OpenEXR.Channel(picture)}).write(str(folder / f"frame_{number:04d}.exr"))
    said = {"world_revision": 0, "units": "arbitrary", "near": 2.0, "far": 9.0, "engine": "test"}
    (folder / "meta.json").write_text(json.dumps(said))


def depth_of(camera: SolvedCamera, index: int, xyz: np.ndarray) -> np.ndarray:
    """float32 DEPTH_SIZE: planar depth of the first points, as many as the picture has pixels."""
    pose = np.array(camera.extrinsics.frames[index].world_from_camera)
    seen = (xyz[: DEPTH_SIZE[0] * DEPTH_SIZE[1]] - pose[:3, 3]) @ pose[:3, :3]
    return seen[:, 2].reshape(DEPTH_SIZE).astype(np.float32)


def write_motion(shot: ShotFolder) -> None:
    """Two joints on a chain, in three frames; the second joint is one unit along the first one's x."""
    folder = shot.root / "mocap/person_00"
    folder.mkdir(parents=True)
    root = np.array([[0.1, 0.2, 0.3], [0.2, 0.2, 0.3], [0.3, 0.2, 0.3]], np.float32)
    half = np.linspace(0.1, 0.4, 3)
    rotations = np.zeros((3, 2, 4), np.float32)
    rotations[:, 0, 0], rotations[:, 0, 3], rotations[:, 1, 0] = np.cos(half), np.sin(half), 1.0
    offsets = np.array([[0, 0, 0], [1, 0, 0]], np.float32)
    joints = np.stack([root, root + _turned(rotations[:, 0], offsets[1])], 1)
    names = np.array(["pelvis", "spine"])
    np.savez(
        folder / "motion.npz", joint_names=names, parents=np.array([-1, 0]), joints=joints.astype(np.float32),
        rotations=rotations, rest_offsets=offsets, root=root, frames=np.arange(3),
    )  # fmt: skip


def _turned(quaternions: np.ndarray, vector: np.ndarray) -> np.ndarray:
    w, axis = quaternions[:, :1], quaternions[:, 1:]
    cross = np.cross(axis, vector)
    return vector + 2 * (w * cross + np.cross(axis, cross))


def check_consistent(root: Path, truth: Truth) -> SolvedCamera:
    """What is seen does not depend on the world: pixels of the cloud and of the model, depth against poses, bones
    against joints. And every file says the same revision."""
    camera = read_camera(root)
    shot = ShotFolder(root)
    with np.load(shot.cloud) as stored:
        xyz = stored["xyz"].astype(np.float64)
        assert set(stored.files) == {"xyz", "rgb", "error", "track_length"}
    check_pixels(camera, truth, xyz)
    check_model(shot, camera)
    check_depth(shot, camera, truth, xyz)
    check_motion(shot, camera, truth)
    for stage in ("solve", "depth", "mocap"):
        done = manifest.find(shot, stage)
        assert done is not None and done.key == f"key of {stage}"
        assert done.world_revision == camera.world.revision and manifest.is_complete(shot, done)
    assert not (shot.private_dir / "change").exists()
    return camera


def check_pixels(camera: SolvedCamera, truth: Truth, xyz: np.ndarray) -> None:
    for index, frame in enumerate(camera.extrinsics.frames):
        pose = np.array(frame.world_from_camera)
        assert np.abs(pose[:3, :3] @ pose[:3, :3].T - np.eye(3)).max() < 1e-12
        seen = (xyz - pose[:3, 3]) @ pose[:3, :3]
        fx, fy, cx, cy = truth.k[index]
        pixels = seen[:, :2] / seen[:, 2:] * (fx, fy) + (cx, cy)
        assert np.abs(pixels - truth.project(index, truth.xyz)).max() < 0.01


def check_model(shot: ShotFolder, camera: SolvedCamera) -> None:
    model = pycolmap.Reconstruction(str(shot.sparse_dir))
    assert model.compute_num_observations() > 0
    known = {f"frame_{pose.frame:04d}.png": pose.world_from_camera for pose in camera.extrinsics.frames}
    scale = camera.world.world_from_solve.scale
    for image in model.images.values():
        assert np.abs(image.projection_center() - np.array(known[image.name])[:3, 3]).max() < 1e-9 * max(scale, 1.0)


def check_depth(shot: ShotFolder, camera: SolvedCamera, truth: Truth, xyz: np.ndarray) -> None:
    said = json.loads((shot.root / "depth/meta.json").read_text())
    scale = camera.world.world_from_solve.scale
    assert said["world_revision"] == camera.world.revision and said["units"] == camera.extrinsics.units
    assert (
        abs(said["near"] - 2.0 * scale) < 1e-9 * scale
        and abs(said["far"] - 9.0 * scale) < 1e-9 * scale
        and said["engine"] == "test"
    )
    for index, number in enumerate(truth.frames.tolist()):
        file = OpenEXR.File(str(shot.root / f"depth/frame_{number:04d}.exr"), separate_channels=True)
        depth = file.channels()["Z"].pixels
        assert depth.dtype == np.float32 and depth[0, 0] == 0.0 and depth[0, 1] == np.float32(1e10)
        wanted = depth_of(camera, index, xyz)
        assert np.allclose(depth.ravel()[2:], wanted.ravel()[2:], rtol=1e-5)


def check_motion(shot: ShotFolder, camera: SolvedCamera, truth: Truth) -> None:
    with np.load(shot.root / "mocap/person_00/motion.npz") as stored:
        motion = {name: stored[name] for name in stored.files}
    assert motion["joints"].dtype == motion["rotations"].dtype == np.float32
    scale = camera.world.world_from_solve.scale
    assert np.allclose(motion["joints"][:, 0], motion["root"])
    bone = _turned(motion["rotations"][:, 0].astype(float), motion["rest_offsets"][1].astype(float))
    assert np.allclose(motion["root"] + bone, motion["joints"][:, 1], atol=1e-5 * max(scale, 1.0))
    pose = np.array(camera.extrinsics.frames[0].world_from_camera)
    before = (np.array([0.1, 0.2, 0.3]) - truth.poses[0, :3, 3]) @ truth.poses[0, :3, :3]
    after = (motion["root"][0] - pose[:3, 3]) @ pose[:3, :3]
    assert np.allclose(after, scale * before, rtol=1e-4)
