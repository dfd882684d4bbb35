"""Clouds and meshes as PLY files: binary, little endian, with the property names that COLMAP, MeshLab and Blender use.

Vertices: x y z nx ny nz float, red green blue uchar. Faces: a list of uchar length and int indices. (Greg Turk, The PLY
Polygon File Format, 1994.)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from backend.pipeline.atomic import atomic_path
from shared.errors import ShotCorrupt

from .shapes import Cloud, Floats, Mesh

_VERTEX = np.dtype(
    [(name, "<f4") for name in ("x", "y", "z", "nx", "ny", "nz")] + [(name, "u1") for name in ("red", "green", "blue")]
)
_BARE = np.dtype([(name, "<f4") for name in ("x", "y", "z")])
_FACE = np.dtype([("count", "u1"), ("vertices", "<i4", (3,))])
_INDICES = "vertex_indices"
_TYPES = {"f4": "float", "u1": "uchar"}
_LONGEST_HEADER = 4096
_END = b"end_header\n"
_PIECE = 1 << 18
"""Rows that are packed at once."""


def write_ply(path: Path, shape: Cloud | Mesh) -> None:
    """Writes a cloud, or a mesh with its faces. Raises `DiskFull`, `ShotReadOnly`."""
    cloud = shape.vertices if isinstance(shape, Mesh) else shape
    with atomic_path(path) as beside, beside.open("wb") as file:
        file.write(_header(len(cloud), len(shape.faces) if isinstance(shape, Mesh) else None))
        for start in range(0, len(cloud), _PIECE):
            part = cloud.only(slice(start, start + _PIECE))
            rows = np.empty(len(part), _VERTEX)
            columns = (*part.xyz.T, *part.normals.T, *part.rgb.T)
            for name, column in zip(_VERTEX.names or (), columns, strict=True):
                rows[name] = column
            file.write(rows.tobytes())
        if isinstance(shape, Mesh):
            for start in range(0, len(shape.faces), _PIECE):
                triangles = shape.faces[start : start + _PIECE]
                faces = np.empty(len(triangles), _FACE)
                faces["count"], faces["vertices"] = 3, triangles
                file.write(faces.tobytes())


def read_ply(path: Path) -> Cloud | Mesh:
    """What `write_ply` wrote: a mesh when the file has faces. Raises `ShotCorrupt` for any other file."""
    try:
        rows, triangles = _content(path, _VERTEX, _INDICES)
    except (OSError, ValueError) as bad:
        raise ShotCorrupt(f"{path} cannot be read: {bad}.", "Run the depth stage again.") from bad
    xyz, normals, rgb = (
        np.stack([rows[name] for name in names], 1) for names in (("x", "y", "z"), ("nx", "ny", "nz"), _RGB)
    )
    cloud = Cloud(xyz, normals, rgb)
    return cloud if triangles is None else Mesh(cloud, triangles)


def read_colmap_mesh(path: Path) -> tuple[Floats, NDArray[np.int32]]:
    """Places float32 [N, 3] and faces int32 [M, 3] of a mesh that COLMAP wrote, without colours. Raises OSError,
    ValueError."""
    rows, triangles = _content(path, _BARE, "vertex_index")
    if triangles is None:
        raise ValueError("it has no faces")
    return np.stack([rows[name] for name in ("x", "y", "z")], 1), triangles


_RGB = ("red", "green", "blue")


def _content(path: Path, vertex: np.dtype[Any], indices: str) -> tuple[NDArray[Any], NDArray[np.int32] | None]:
    """The vertices, and the faces if there are any, of a file of just that layout."""
    with path.open("rb") as file:
        vertices, faces = _counts(file, vertex, indices)
        rows = np.frombuffer(file.read(vertices * vertex.itemsize), vertex, vertices)
        if faces is None:
            return rows, None
        triangles = np.frombuffer(file.read(faces * _FACE.itemsize), _FACE, faces)
        return rows, triangles["vertices"].copy()


def _header(vertices: int, faces: int | None, vertex: np.dtype[Any] = _VERTEX, indices: str = _INDICES) -> bytes:
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {vertices}"]
    for name in vertex.names or ():
        lines.append(f"property {_TYPES[vertex[name].str[1:]]} {name}")
    if faces is not None:
        lines += [f"element face {faces}", f"property list uchar int {indices}"]
    return ("\n".join(lines) + "\n").encode() + _END


def _counts(file: BinaryIO, vertex: np.dtype[Any], indices: str) -> tuple[int, int | None]:
    """Vertices and faces by the header; leaves the file at the first vertex. Raises ValueError for another layout."""
    start = file.read(_LONGEST_HEADER)
    end = start.find(_END)
    if not start.startswith(b"ply") or end < 0:
        raise ValueError("it is no PLY file")
    said = [line.split() for line in start[:end].decode("ascii", "replace").splitlines()]
    elements = {words[1]: int(words[2]) for words in said if words[:1] == ["element"] and len(words) == 3}
    vertices, faces = elements.get("vertex", 0), elements.get("face")
    if start[: end + len(_END)] != _header(vertices, faces, vertex, indices):
        raise ValueError("its layout is another one")
    file.seek(end + len(_END))
    return vertices, faces
