"""PLY files with numpy: clouds and triangle meshes. No bpy here: the pump reads on a thread.

The format is Turk's (Stanford, 1994): a text header, then the elements in its order; here binary of either byte
order. Reading goes in blocks, so that the file is never twice in memory.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..shared.errors import ArtifactMissing, ShotCorrupt

_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
_ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">"}
_BLOCK = 1 << 16
_LONGEST_HEADER = 1 << 16
_REMEDY = "Run the depth stage again."


@dataclass(frozen=True)
class PlyModel:
    """xyz: float32 [N,3], world units. normals: float32 [N,3], unit length, None without. rgb: uint8 [N,3] sRGB,
    None without. triangles: int32 [T,3], rows of `xyz`; empty for a cloud."""

    xyz: np.ndarray
    normals: np.ndarray | None
    rgb: np.ndarray | None
    triangles: np.ndarray


@dataclass
class _Element:
    """properties: (name, type), or (name, count's type, item's type) for lists."""

    name: str
    count: int
    properties: list[tuple[str, ...]]


def read_ply(path: Path) -> PlyModel:
    """Raises `ArtifactMissing`, and `ShotCorrupt` for a file that is cut, is text, or has faces with other than three
    corners."""
    try:
        with path.open("rb") as file:
            return _read(file, path)
    except FileNotFoundError as gone:
        raise ArtifactMissing(f"{path} does not exist.", _REMEDY) from gone
    except (OSError, ValueError, KeyError, UnicodeDecodeError) as bad:
        raise ShotCorrupt(f"{path} cannot be read: {bad}", _REMEDY) from bad


def _read(file: BinaryIO, path: Path) -> PlyModel:
    order, elements = _header(file)
    vertices, triangles = None, np.zeros((0, 3), np.int32)
    for element in elements:
        if element.name == "vertex":
            vertices = _vertices(file, element, order)
        elif element.name == "face":
            triangles = _triangles(file, element, order)
        else:
            break  # what follows points and faces says nothing of them
    if vertices is None:
        raise ValueError("it has no vertices")
    xyz, normals, rgb = vertices
    if len(triangles) and (triangles.min() < 0 or triangles.max() >= len(xyz)):
        raise ValueError("a face names a vertex that is not there")
    if not np.isfinite(xyz).all():
        raise ValueError("a vertex is no number")
    return PlyModel(xyz, normals, rgb, triangles)


def _header(file: BinaryIO) -> tuple[str, list[_Element]]:
    if file.readline(16).strip() != b"ply":
        raise ValueError("it is no PLY file")
    order, elements, read = "", [], 0
    while True:
        line = file.readline(1024)
        read += len(line)
        words = line.decode("ascii").split()
        if not line or read > _LONGEST_HEADER:
            raise ValueError("its header does not end")
        if not words or words[0] in ("comment", "obj_info"):
            continue
        if words[0] == "end_header":
            break
        if words[0] == "format":
            if words[1] not in _ORDERS:
                raise ValueError(f"its format is {words[1]}, which is not binary")
            order = _ORDERS[words[1]]
        elif words[0] == "element":
            elements.append(_Element(words[1], int(words[2]), []))
        elif words[0] == "property":
            is_list = words[1] == "list"
            elements[-1].properties.append((words[4], words[2], words[3]) if is_list else (words[2], words[1]))
    return order, elements


def _vertices(file: BinaryIO, element: _Element, order: str) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    if any(len(one) == 3 for one in element.properties):
        raise ValueError("its vertices have lists")
    record = np.dtype([(one[0], order + _TYPES[one[1]]) for one in element.properties])
    _check_length(file, element.count * record.itemsize)
    names = record.names or ()
    xyz = np.empty((element.count, 3), np.float32)
    has_normals, has_colour = "nx" in names, "red" in names
    normals = np.empty((element.count, 3), np.float32) if has_normals else None
    rgb = np.empty((element.count, 3), np.uint8) if has_colour else None
    for start in range(0, element.count, _BLOCK):
        block = np.fromfile(file, record, min(_BLOCK, element.count - start))
        rows = slice(start, start + len(block))
        for column in range(3):
            xyz[rows, column] = block["xyz"[column]]
            if normals is not None:
                normals[rows, column] = block[("nx", "ny", "nz")[column]]
            if rgb is not None:
                rgb[rows, column] = _codes(block[("red", "green", "blue")[column]])
    return xyz, normals, rgb


def _codes(values: np.ndarray) -> np.ndarray:
    """Colours as 0..255; floats are 0..1."""
    return np.clip(np.rint(values * 255.0), 0, 255) if values.dtype.kind == "f" else values


def _triangles(file: BinaryIO, element: _Element, order: str) -> np.ndarray:
    if len(element.properties) != 1 or len(element.properties[0]) != 3:
        raise ValueError("its faces have more than their corners")
    _, count_type, item_type = element.properties[0]
    record = np.dtype([("count", order + _TYPES[count_type]), ("corners", order + _TYPES[item_type], 3)])
    _check_length(file, element.count * record.itemsize)
    triangles = np.empty((element.count, 3), np.int32)
    for start in range(0, element.count, _BLOCK):
        block = np.fromfile(file, record, min(_BLOCK, element.count - start))
        if not (block["count"] == 3).all():
            raise ValueError("a face has not three corners")
        triangles[start : start + len(block)] = block["corners"]
    return triangles


def _check_length(file: BinaryIO, needed: int) -> None:
    """Before anything is allocated: a damaged header may ask for any amount."""
    if os.fstat(file.fileno()).st_size - file.tell() < needed:
        raise ValueError("it is cut short")
