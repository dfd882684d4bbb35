"""What in a shot is given in world coordinates, and how each kind of file is moved with the world.

A stage that comes to write world coordinates adds its kind of file to `CARRIERS`. The files of the camera for other
programs (camera/camera.*) are not moved: their stage's key reads the camera files, so they count as out of date and are
written anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.pipeline.journal import Change
from shared.array_files import read_arrays
from shared.axes import quaternion_of
from shared.camera_files import Similarity
from shared.depth_meta import FRAME_MESHES, FUSED_CLOUD, FUSED_MESH
from shared.errors import ShotCorrupt
from shared.shot import ShotFolder

SKY = 1e10
"""Depth of what is infinitely far: a mark, not a length."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Move:
    """by: takes the old world to the new one. revision, units: of the new world."""

    by: Similarity
    revision: int
    units: str

    def points(self, xyz: NDArray[Any]) -> NDArray[Any]:
        """Points [..., 3] of the old world in the new one, in their own dtype."""
        moved = self.by.scale * np.asarray(xyz, np.float64) @ np.array(self.by.rotation).T
        return np.asarray(moved + np.array(self.by.translation), xyz.dtype)


def _cloud(shot: ShotFolder, move: Move, change: Change) -> Iterator[None]:
    """camera/points.npz: xyz moves, everything else stays."""
    if not shot.cloud.is_file():
        return
    arrays = read_arrays(shot.cloud)
    _save_arrays(change.stage(shot.cloud), {**arrays, "xyz": move.points(arrays["xyz"])})
    yield


def _model(shot: ShotFolder, move: Move, change: Change) -> Iterator[None]:
    """colmap/sparse/0 is kept in the shot's world, so that programs that open it see the artist's world."""
    if not (shot.sparse_dir / "images.bin").is_file():
        return
    import pycolmap

    try:
        model = pycolmap.Reconstruction(str(shot.sparse_dir))
    except (ValueError, RuntimeError, OSError) as bad:
        raise ShotCorrupt(f"{shot.sparse_dir} cannot be read: {bad}.", "Run Solve Camera again.") from bad
    turn = pycolmap.Rotation3d(np.array(move.by.rotation))
    model.transform(pycolmap.Sim3d(move.by.scale, turn, np.array(move.by.translation)))
    folder = change.scratch()
    model.write_binary(str(folder))
    for written in sorted(folder.iterdir()):
        written.replace(change.stage(shot.sparse_dir / written.name))
    yield


def _depth(shot: ShotFolder, move: Move, change: Change) -> Iterator[None]:
    """depth/frame_*.exr: channel Z is a length along the camera's axis, so only scale matters to it."""
    folder = shot.root / "depth"
    described = folder / "meta.json"
    moves = True
    if described.is_file():
        said = _description(described)
        moves = said.get("scale", "solve") == "solve"
        change.stage(described).write_text(_moved_description(described, said, move, moves), encoding="utf-8")
        yield
    if move.by.scale == 1.0 or not moves:
        return
    for frame in sorted(folder.glob("frame_*.exr")):
        _scale_depth(frame, change.stage(frame), move.by.scale)
        yield


def _description(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as bad:
        raise ShotCorrupt(f"{path} cannot be read: {bad}.", "Run the depth stage again.") from bad
    if not isinstance(said, dict):
        raise ShotCorrupt(f"{path} describes no depth.", "Run the depth stage again.")
    return said


def _moved_description(path: Path, said: dict[str, Any], move: Move, moves: bool) -> str:
    """depth/meta.json: `world_revision` and `units` are the world's, `near` and `far` are lengths. Maps that a network
    made of a shot whose solve knows no depth have a unit of their own, and only the revision is noted."""
    changed: dict[str, Any] = {"world_revision": move.revision}
    if moves:
        try:
            changed |= {key: said[key] * move.by.scale for key in ("near", "far") if said.get(key) is not None}
            if said.get("metric_scale") is not None:
                changed["metric_scale"] = said["metric_scale"] / move.by.scale
        except TypeError as bad:
            raise ShotCorrupt(f"{path} cannot be read: {bad}.", "Run the depth stage again.") from bad
        changed["units"] = move.units
    return json.dumps({**said, **changed}, indent=1) + "\n"


def _scale_depth(source: Path, target: Path, scale: float) -> None:
    import OpenEXR

    try:
        file = OpenEXR.File(str(source), separate_channels=True)
        header, channels = file.header(), file.channels()
        depth = np.asarray(channels["Z"].pixels, np.float32)
    except (RuntimeError, ValueError, KeyError, OSError) as bad:
        raise ShotCorrupt(f"{source} cannot be read as depth: {bad}.", "Run the depth stage again.") from bad
    known = np.isfinite(depth) & (depth < SKY)
    channels["Z"].pixels = np.where(known, depth * np.float32(scale), depth).astype(np.float32)
    kept = {key: value for key, value in header.items() if key != "channels"}
    OpenEXR.File(kept, channels).write(str(target))


def _geometry(shot: ShotFolder, move: Move, change: Change) -> Iterator[None]:
    """colmap/dense, colmap/meshed and depth/meshes: places move, normals turn, everything else stays."""
    meshes = sorted((shot.root / FRAME_MESHES).glob("frame_*.ply"))
    for path in (shot.root / FUSED_CLOUD, shot.root / FUSED_MESH, *meshes):
        if path.is_file():
            _move_shape(path, change.stage(path), move)
            yield


def _move_shape(source: Path, target: Path, move: Move) -> None:
    from backend.fusion.ply import read_ply, write_ply
    from backend.fusion.shapes import Mesh

    shape = read_ply(source)
    cloud = shape.vertices if isinstance(shape, Mesh) else shape
    normals = (cloud.normals @ np.array(move.by.rotation, np.float32).T).astype(np.float32)
    moved = replace(cloud, xyz=move.points(cloud.xyz), normals=normals)
    write_ply(target, replace(shape, vertices=moved) if isinstance(shape, Mesh) else moved)


def _mocap(shot: ShotFolder, move: Move, change: Change) -> Iterator[None]:
    """mocap/*/motion.npz: joints and root move, rotations of joints without a parent turn, offsets scale, and the
    revision is the new world's. BVH, USD and analysis beside it are written anew; FBX needs Blender and stays."""
    from backend.motion_export.shot_files import renew

    for path in sorted((shot.root / "mocap").glob("*/motion.npz")):
        arrays = read_arrays(path)
        moved = change.stage(path)
        _save_arrays(moved, {**arrays, **_moved_motion(arrays, move)})
        yield
        renew(moved, path.parent, move.by.scale, change)
        yield


def _moved_motion(arrays: dict[str, NDArray[Any]], move: Move) -> dict[str, NDArray[Any]]:
    moved: dict[str, NDArray[Any]] = {name: move.points(arrays[name]) for name in ("joints", "root") if name in arrays}
    if "rest_offsets" in arrays:
        offsets = arrays["rest_offsets"]
        moved["rest_offsets"] = (offsets * move.by.scale).astype(offsets.dtype)
    if "rotations" in arrays and "parents" in arrays:
        rotations = arrays["rotations"].copy()
        for root in np.nonzero(arrays["parents"] < 0)[0]:
            turn = _about_rest(np.array(quaternion_of(move.by.rotation)), arrays.get("rest_rotations"), int(root))
            rotations[:, root] = _product(turn, rotations[:, root].astype(np.float64))
        moved["rotations"] = rotations
    if "world_revision" in arrays:
        moved["world_revision"] = np.asarray(move.revision, arrays["world_revision"].dtype)
    return moved


def _about_rest(turn: Floats, rest: NDArray[Any] | None, joint: int) -> Floats:
    """The turn of the world as a joint's own rotation, which follows that at rest."""
    if rest is None:
        return turn
    still = rest[joint].astype(np.float64)
    return _product(still * [1.0, -1.0, -1.0, -1.0], _product(turn, still))


def _product(left: Floats, right: Floats) -> Floats:
    """Hamilton product of quaternions wxyz, [4] with [..., 4]."""
    w, x, y, z = left
    matrix = np.array([[w, -x, -y, -z], [x, w, -z, y], [y, z, w, -x], [z, -y, x, w]])
    return np.asarray(right @ matrix.T)


Carrier = Callable[[ShotFolder, Move, Change], Iterator[None]]
CARRIERS: tuple[Carrier, ...] = (_cloud, _model, _depth, _geometry, _mocap)
"""Each stages new content of its files, if there are any, and yields after each, for cancelling."""


def _save_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # its stub takes the names for options
