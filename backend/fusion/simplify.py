"""Fewer triangles for the same shape: quadric error metrics (Garland & Heckbert, SIGGRAPH 1997), by COLMAP."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from .ply import read_colmap_mesh, write_ply
from .shapes import Floats, Mesh


def simplified(mesh: Mesh, faces: int) -> Mesh:
    """The mesh with about `faces` faces, its borders kept; as it is when it has no more, or for 0. Colours are those of
    the nearest old vertices. Goes through files in the system's temporary folder; about 10 s a million faces."""
    if faces <= 0 or len(mesh.faces) <= faces:
        return mesh
    import pycolmap

    options = pycolmap.MeshSimplificationOptions()
    options.target_face_ratio = faces / len(mesh.faces)
    options.interpolate_colors = False
    options.num_threads = 1
    # Single precision is relative to the origin: a shot far from it would lose its detail.
    middle = mesh.vertices.xyz.mean(0, dtype=np.float64)
    size = float(np.abs(mesh.vertices.xyz - middle).max()) or 1.0
    around = ((mesh.vertices.xyz - middle) / size).astype(np.float32)
    with tempfile.TemporaryDirectory(prefix="backlot-mesh-") as folder:
        whole, small = Path(folder) / "whole.ply", Path(folder) / "small.ply"
        write_ply(whole, replace(mesh, vertices=replace(mesh.vertices, xyz=around)))
        with _quiet():
            pycolmap.simplify_mesh(whole, small, options)
        places, triangles = read_colmap_mesh(small)
    xyz: Floats = (places.astype(np.float64) * size + middle).astype(np.float32)
    _, nearest = cKDTree(mesh.vertices.xyz).query(xyz)
    return Mesh(replace(mesh.vertices.only(nearest), xyz=xyz), triangles).with_own_normals()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """COLMAP tells every tenth of the way; its warnings stay."""
    import pycolmap

    before = pycolmap.logging.minloglevel
    pycolmap.logging.minloglevel = pycolmap.logging.WARNING.value
    try:
        yield
    finally:
        pycolmap.logging.minloglevel = before
