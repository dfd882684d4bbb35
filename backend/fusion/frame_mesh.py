"""The depth of one frame as a mesh, cut where the depth has edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.depth.frame import SKY

from .planes import tangents
from .shapes import Cloud, Floats, FusionFrame, Ints, Mask, Mesh

Doubles = NDArray[np.float64]

_JUMP = 0.03
"""Relative difference of inverse depth beyond that of the pixels' planes at which two neighbours are two surfaces."""


def frame_mesh(frame: FusionFrame, every: int = 1, least_confidence: float = 0.0) -> Mesh:
    """One vertex in the middle of every `every`-th pixel that has a depth (movers and filled depths as well, unless
    `least_confidence` leaves them out), in world coordinates; no triangle spans an edge, a hole or the sky."""
    known = (frame.depth > 0) & (frame.depth < SKY) & (frame.confidence >= max(least_confidence, 1e-6))
    depth = np.where(known, frame.depth, 1.0)[::every, ::every]
    height, width = depth.shape
    y, x = np.mgrid[:height, :width] * every + 0.5
    rays = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(frame.pose.K).T
    pose = frame.pose.world_from_camera
    world = (rays * depth[..., None]) @ pose[:3, :3].T + pose[:3, 3]
    planes = tangents(frame.depth, known, frame.pose.K).normal[::every, ::every]
    faces = _triangles(known[::every, ::every], 1.0 / depth, planes, rays)
    xyz = world.reshape(-1, 3).astype(np.float32)
    cloud = Cloud(xyz, np.zeros_like(xyz), frame.rgb[::every, ::every].reshape(-1, 3))
    return Mesh(cloud, faces).only_faces(np.ones(len(faces), bool)).with_own_normals()


def _triangles(known: Mask, inverse: Doubles, planes: Floats, rays: Doubles) -> NDArray[np.int32]:
    """int32 [M, 3] between neighbours that lie in one surface, counterclockwise seen from the camera."""
    height, width = known.shape
    index = np.arange(height * width).reshape(height, width)
    a, b, c, d = (
        index[i : height - 1 + i, j : width - 1 + j].ravel() for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))
    )  # fmt: skip

    def one_surface(p: Ints, q: Ints) -> Mask:
        nearer = np.minimum(inverse.ravel()[p], inverse.ravel()[q])
        miss = np.minimum(_miss(p, q, inverse, planes, rays), _miss(q, p, inverse, planes, rays))
        return np.asarray(known.ravel()[p] & known.ravel()[q] & (miss < _JUMP * nearer))

    across = one_surface(a, c)
    first = across & one_surface(a, b) & one_surface(b, c)
    second = across & one_surface(c, d) & one_surface(d, a)
    found = [np.stack([a, b, c], 1)[first], np.stack([a, c, d], 1)[second]]
    return np.concatenate(found).astype(np.int32)


def _miss(p: Ints, q: Ints, inverse: Doubles, planes: Floats, rays: Doubles) -> Doubles:
    """How far the inverse depth of pixels q (flat) is from what the planes of pixels p say; from that of p where those
    have no plane."""
    plane = planes.reshape(-1, 3)[p]
    said = np.where(plane.any(1), (plane * rays.reshape(-1, 3)[q]).sum(1), inverse.ravel()[p])
    return np.asarray(np.abs(said - inverse.ravel()[q]))
