"""Takes away what is no surface: loose pieces, and points far from all others."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from .shapes import Cloud, Mesh


def without_small_pieces(mesh: Mesh, fewest: int) -> Mesh:
    """The connected pieces of at least `fewest` faces."""
    if not len(mesh.faces):
        return mesh
    count = len(mesh.vertices)
    ends = mesh.faces[:, [0, 1, 1, 2]].reshape(-1, 2)
    links = coo_array((np.ones(len(ends), bool), (ends[:, 0], ends[:, 1])), shape=(count, count))
    _, piece = connected_components(links, directed=False)
    of_face = piece[mesh.faces[:, 0]]
    return mesh.only_faces(np.bincount(of_face)[of_face] >= fewest)


def without_outliers(cloud: Cloud, neighbours: int = 8, deviations: float = 3.0) -> Cloud:
    """The points whose mean distance to their nearest neighbours is not far above that of the rest (Rusu et al.,
    Robotics and Autonomous Systems 2008). Distances are compared as logarithms, by median and median deviation, so that
    clouds of several densities keep their thin parts."""
    if len(cloud) <= neighbours:
        return cloud
    away, _ = cKDTree(cloud.xyz).query(cloud.xyz, neighbours + 1)
    mean = np.log(np.maximum(away[:, 1:].mean(1), 1e-30))
    middle = np.median(mean)
    spread = 1.4826 * np.median(np.abs(mean - middle))
    return cloud.only(mean <= middle + max(deviations * spread, np.log(2.0)))
