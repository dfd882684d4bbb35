"""What goes in and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from backend.depth.poses import Pose

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class FusionFrame:
    """A frame's depth with its camera, undistorted, pixel edges at integers.

    depth float32 [H, W]: planar z, world units, 0 unknown, 1e10 sky. confidence float32 [H, W]: 0 unknown, below 0.5
    filled or estimated, from 0.5 measured. rgb uint8 [H, W, 3] as in the plate. moving bool [H, W]: pixels to leave
    out; None when nothing moves.
    """

    pose: Pose
    depth: Floats
    confidence: Floats
    rgb: Bytes
    moving: Mask | None = None


@dataclass(frozen=True)
class Cloud:
    """xyz float32 [N, 3] world. normals float32 [N, 3], unit, towards the cameras. rgb uint8 [N, 3]."""

    xyz: Floats
    normals: Floats
    rgb: Bytes

    def __len__(self) -> int:
        return len(self.xyz)

    def only(self, kept: NDArray[Any] | slice) -> Cloud:
        """The points of a mask [N], of indices, or of a slice."""
        return Cloud(self.xyz[kept], self.normals[kept], self.rgb[kept])


@dataclass(frozen=True)
class Mesh:
    """vertices: their places, normals and colours. faces int32 [M, 3], counterclockwise seen from outside."""

    vertices: Cloud
    faces: NDArray[np.int32]

    def only_faces(self, kept: NDArray[Any]) -> Mesh:
        """The faces of a mask [M] or of indices, with the vertices they use."""
        faces = self.faces[kept]
        used = np.zeros(len(self.vertices), bool)
        used[faces] = True
        place = np.cumsum(used, dtype=np.int32) - np.int32(1)
        return Mesh(self.vertices.only(used), place[faces])

    def with_own_normals(self) -> Mesh:
        """Normals of the vertices from the faces around them, by area."""
        return replace(self, vertices=replace(self.vertices, normals=vertex_normals(self.vertices.xyz, self.faces)))


def vertex_normals(xyz: Floats, faces: NDArray[np.int32]) -> Floats:
    """float32 [N, 3]: the mean of the normals of the faces around each vertex, weighed by area."""
    a, b, c = (xyz[faces[:, i]].astype(np.float64) for i in range(3))
    across = np.cross(b - a, c - a)
    total = np.empty((len(xyz), 3))
    for axis in range(3):
        total[:, axis] = sum(np.bincount(faces[:, i], across[:, axis], len(xyz)) for i in range(3))
    length = np.linalg.norm(total, axis=1, keepdims=True)
    unit: Floats = (total / np.where(length > 0, length, 1.0)).astype(np.float32)
    return unit


def face_areas(mesh: Mesh) -> NDArray[np.float64]:
    """float64 [M], square world units."""
    a, b, c = (mesh.vertices.xyz[mesh.faces[:, i]].astype(np.float64) for i in range(3))
    areas: NDArray[np.float64] = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return areas


def joined(meshes: list[Mesh]) -> Mesh:
    """All in one, nothing welded."""
    if not meshes:
        return Mesh(no_points(), np.zeros((0, 3), np.int32))
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    vertices = Cloud(
        np.concatenate([mesh.vertices.xyz for mesh in meshes]),
        np.concatenate([mesh.vertices.normals for mesh in meshes]),
        np.concatenate([mesh.vertices.rgb for mesh in meshes]),
    )
    faces = np.concatenate([mesh.faces + np.int32(start) for mesh, start in zip(meshes, starts[:-1], strict=True)])
    return Mesh(vertices, faces)


def no_points() -> Cloud:
    nothing = np.zeros((0, 3), np.float32)
    return Cloud(nothing, nothing, np.zeros((0, 3), np.uint8))
