"""Fewer triangles for the same shape: quadric error metrics (Garland & Heckbert, SIGGRAPH 1997)."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from .shapes import Cloud, Mesh


def simplified(mesh: Mesh, faces: int) -> Mesh:
    """The mesh with about `faces` faces; as it is when it has no more. Colours are those of the nearest old
    vertices."""
    if faces <= 0 or len(mesh.faces) <= faces:
        return mesh
    import fast_simplification

    # Single precision is relative to the origin: a shot far from it would lose its detail.
    middle = mesh.vertices.xyz.mean(0, dtype=np.float64)
    size = float(np.abs(mesh.vertices.xyz - middle).max()) or 1.0
    places, triangles = fast_simplification.simplify(
        np.ascontiguousarray((mesh.vertices.xyz - middle) / size, np.float32),
        np.ascontiguousarray(mesh.faces),
        target_count=faces,
    )
    xyz = (np.asarray(places, np.float64) * size + middle).astype(np.float32)
    _, nearest = cKDTree(mesh.vertices.xyz).query(xyz)
    coarse = Mesh(Cloud(xyz, np.zeros_like(xyz), mesh.vertices.rgb[nearest]), np.asarray(triangles, np.int32))
    coarse = coarse.only_faces(np.ones(len(coarse.faces), bool))
    return coarse.with_own_normals()
