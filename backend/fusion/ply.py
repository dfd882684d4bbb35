"""Clouds and meshes as PLY files: binary, little endian, with the property names that COLMAP, MeshLab and Blender use.

Vertices: x y z nx ny nz float, red green blue uchar. Faces: a list of uchar length and int indices. (Greg Turk, The PLY
Polygon File Format, 1994.)
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np

from backend.pipeline.atomic import atomic_path
from shared.errors import ShotCorrupt

from .shapes import Cloud, Mesh

_VERTEX = np.dtype(
    [(name, "<f4") for name in ("x", "y", "z", "nx", "ny", "nz")] + [(name, "u1") for name in ("red", "green", "blue")]
)
_FACE = np.dtype([("count", "u1"), ("vertices", "<i4", (3,))])
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
        with path.open("rb") as file:
            vertices, faces = _counts(file)
            rows = np.frombuffer(file.read(vertices * _VERTEX.itemsize), _VERTEX, vertices)
            triangles = None if faces is None else np.frombuffer(file.read(faces * _FACE.itemsize), _FACE, faces)
    except (OSError, ValueError) as bad:
        raise ShotCorrupt(f"{path} cannot be read: {bad}.", "Run the depth stage again.") from bad
    xyz, normals, rgb = (
        np.stack([rows[name] for name in names], 1) for names in (("x", "y", "z"), ("nx", "ny", "nz"), _RGB)
    )
    cloud = Cloud(xyz, normals, rgb)
    return cloud if triangles is None else Mesh(cloud, triangles["vertices"].copy())


_RGB = ("red", "green", "blue")


def _header(vertices: int, faces: int | None) -> bytes:
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {vertices}"]
    for name in _VERTEX.names or ():
        lines.append(f"property {_TYPES[_VERTEX[name].str[1:]]} {name}")
    if faces is not None:
        lines += [f"element face {faces}", "property list uchar int vertex_indices"]
    return ("\n".join(lines) + "\n").encode() + _END


def _counts(file: BinaryIO) -> tuple[int, int | None]:
    """Vertices and faces by the header; leaves the file at the first vertex. Raises ValueError for another layout."""
    start = file.read(_LONGEST_HEADER)
    end = start.find(_END)
    if not start.startswith(b"ply") or end < 0:
        raise ValueError("it is no PLY file")
    said = [line.split() for line in start[:end].decode("ascii", "replace").splitlines()]
    elements = {words[1]: int(words[2]) for words in said if words[:1] == ["element"] and len(words) == 3}
    vertices, faces = elements.get("vertex", 0), elements.get("face")
    if start[: end + len(_END)] != _header(vertices, faces):
        raise ValueError("its layout is not the one that Backlot writes")
    file.seek(end + len(_END))
    return vertices, faces
