"""The dominant planes of a point cloud: MSAC (Torr and Zisserman, "MLESAC: a new robust estimator", CVIU 2000),
one plane after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .constraints import Floats, Plane

_SAMPLES = 1500
_VOTERS, _HOPEFUL = 500, 20
"""Every sample is tried on that many points; so many of the samples on all."""
_MOST_POINTS = 2500
_MOST_PLANES = 6
_LEAST_POINTS = 20
_REFITS = 4
_TOLERANCE = 0.008
"""Share of a point's distance from the cameras: triangulated points are as uncertain as they are far."""


@dataclass(frozen=True)
class FoundPlane:
    """share: of the cloud's points that lie on it. points: [M, 3] of them. tilt_sd: how uncertain its normal is,
    radians, from the spread of its points along and across it."""

    plane: Plane
    share: float
    points: Floats
    tilt_sd: float


@dataclass(frozen=True)
class Cloud:
    """xyz [N, 3]; tolerance [N]: distance to a surface that counts as on it."""

    xyz: Floats
    tolerance: Floats

    def every(self, step: int) -> Cloud:
        return Cloud(self.xyz[::step], self.tolerance[::step])

    def without(self, drop: NDArray[np.bool_]) -> Cloud:
        return Cloud(self.xyz[~drop], self.tolerance[~drop])


def cloud_of(xyz: Floats, cameras: Floats) -> Cloud:
    """At most some thousand points, evenly drawn, with tolerances from their distance to the cameras [F, 3]."""
    step = max(1, -(-len(xyz) // _MOST_POINTS))
    xyz = xyz[::step]
    few = cameras[:: max(1, len(cameras) // 8)]
    near = np.min([np.linalg.norm(xyz - centre, axis=1) for centre in few], axis=0) if len(xyz) else np.zeros(0)
    return Cloud(xyz, np.maximum(_TOLERANCE * near, 1e-12))


def dominant_planes(cloud: Cloud, seed: int = 0) -> list[FoundPlane]:
    """Planes with most points first; normals point to no particular side."""
    rng = np.random.default_rng(seed)
    whole = len(cloud.xyz)
    found: list[FoundPlane] = []
    while len(found) < _MOST_PLANES and len(cloud.xyz) >= _LEAST_POINTS:
        plane = _best_plane(cloud, rng)
        if plane is None:
            break
        on = np.abs(plane.height(cloud.xyz)) < cloud.tolerance
        if on.sum() < max(_LEAST_POINTS, 0.03 * whole):
            break
        points = cloud.xyz[on]
        found.append(FoundPlane(plane, len(points) / whole, points, _tilt_sd(plane, points)))
        cloud = cloud.without(np.abs(plane.height(cloud.xyz)) < 2.0 * cloud.tolerance)
    return sorted(found, key=lambda one: -one.share)


def _best_plane(cloud: Cloud, rng: np.random.Generator) -> Plane | None:
    """The sampled plane of least MSAC cost, refitted to the points on it."""
    corners = cloud.xyz[rng.integers(0, len(cloud.xyz), (_SAMPLES, 3))]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    size = np.linalg.norm(normals, axis=1)
    good = size > 1e-12 * max(float(size.max(initial=0.0)), 1e-300)
    if not good.any():
        return None
    normals = normals[good] / size[good, None]
    offsets = np.einsum("sk,sk->s", normals, corners[good, 0])
    few = cloud.every(max(1, len(cloud.xyz) // _VOTERS))
    hopeful = np.argsort(_costs(few, normals, offsets))[:_HOPEFUL]
    best = int(hopeful[np.argmin(_costs(cloud, normals[hopeful], offsets[hopeful]))])
    plane = Plane(offsets[best] * normals[best], normals[best])
    for _ in range(_REFITS):
        plane = _refitted(plane, cloud)
    return plane


def _costs(cloud: Cloud, normals: Floats, offsets: Floats) -> Floats:
    """MSAC cost of each plane [S]: squared distance over tolerance, at most 1, summed."""
    middle = cloud.xyz.mean(0)  # far from the origin single precision would not do
    scaled = ((cloud.xyz - middle) / cloud.tolerance[:, None]).astype(np.float32)
    away = normals.astype(np.float32) @ scaled.T
    away -= np.outer(offsets - normals @ middle, 1.0 / cloud.tolerance).astype(np.float32)
    np.square(away, out=away)
    return np.asarray(np.minimum(away, 1.0, out=away).sum(1), np.float64)


def _refitted(plane: Plane, cloud: Cloud) -> Plane:
    """Least squares over the points on it, near points weighing more as their distances are surer."""
    on = np.abs(plane.height(cloud.xyz)) < cloud.tolerance
    if on.sum() < 3:
        return plane
    points, weight = cloud.xyz[on], cloud.tolerance[on] ** -2
    middle = np.average(points, axis=0, weights=weight)
    arms = (points - middle) * np.sqrt(weight / weight.mean())[:, None]
    _, axes = np.linalg.eigh(arms.T @ arms)
    rms = float(np.sqrt(np.mean(((points - middle) @ axes[:, 0]) ** 2)))
    return Plane(middle, axes[:, 0], rms)


def _tilt_sd(plane: Plane, points: Floats) -> float:
    """Standard error of the normal about its worse axis: rms across / (extent along x sqrt(N))."""
    arms = points - points.mean(0)
    arms = arms - np.outer(arms @ plane.normal, plane.normal)
    extent = np.sqrt(max(np.linalg.eigvalsh(arms.T @ arms / len(arms))[1], 1e-24))
    return float(plane.rms / (extent * np.sqrt(len(points))))
