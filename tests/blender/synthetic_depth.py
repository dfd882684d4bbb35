"""Depth of the synthetic shot, exact to the last bit of a float, in the files that the depth stage writes.

The set is a floor (z = 0) and a box on it: each pixel's ray, without the lens's distortion, meets the nearest of
them. The same set is written as fused mesh and cloud.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from shared.depth_meta import CONFIDENCE, DEPTH, FUSED_CLOUD, FUSED_MESH, META
from tests.blender.synthetic_shot import ShotPlan, Truth, distort, write_shot

BOX = np.array([[-0.5, -0.5, 0.0], [0.5, 0.5, 1.0]])
SKY = 1e10
_MISSED = np.inf


@dataclass(frozen=True)
class DepthPlan:
    """unknown: rows and columns (slices) whose depth is 0. filled: the same, that are not measured. left_out: plate
    numbers without a map. floor_to: the floor ends at this y, sky beyond."""

    unknown: tuple[slice, slice] | None = (slice(150, 170), slice(20, 60))
    filled: tuple[slice, slice] | None = (slice(100, 120), slice(250, 300))
    left_out: tuple[int, ...] = ()
    floor_to: float = 6.0
    parts: tuple[str, ...] = ("mesh", "cloud")
    revision: int = 0
    cells: int = 24


@dataclass(frozen=True)
class DepthTruth:
    """shot: the camera. depth: float32 [H,W] by plate number, as written."""

    shot: Truth
    plan: DepthPlan
    depth: dict[int, np.ndarray] = field(default_factory=dict)

    def surface_distance(self, xyz: np.ndarray) -> np.ndarray:
        """Distance [N] of points to the set."""
        outside = np.maximum(np.maximum(BOX[0] - xyz, xyz - BOX[1]), 0.0)
        inside = np.minimum(xyz - BOX[0], BOX[1] - xyz).min(axis=1)
        box = np.where(inside > 0, inside, np.linalg.norm(outside, axis=1))
        return np.minimum(np.abs(xyz[:, 2]), box)


def write_depth_shot(root: Path, shot: ShotPlan | None = None, plan: DepthPlan | None = None) -> DepthTruth:
    """Makes the whole shot folder with its depth."""
    return write_depth(root, write_shot(root, shot or ShotPlan(count=4)), plan)


def write_depth(root: Path, shot: Truth, plan: DepthPlan | None = None, scale: float = 1.0) -> DepthTruth:
    """Adds depth to a shot. scale: of the lengths in the files to the truth's."""
    truth = DepthTruth(shot, plan or DepthPlan())
    for folder in (DEPTH, CONFIDENCE):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for index, number in enumerate(shot.frames.tolist()):
        if number in truth.plan.left_out:
            continue
        depth, sure = depth_frame(truth, index)
        depth = np.where(depth < SKY, depth * np.float32(scale), depth).astype(np.float32)
        truth.depth[number] = depth
        write_exr(root / DEPTH / f"frame_{number:04d}.exr", depth)
        write_grey(root / CONFIDENCE / f"frame_{number:04d}.png", sure)
    _write_meta(root, truth)
    if "mesh" in truth.plan.parts:
        xyz, triangles = set_mesh(truth.plan)
        write_ply(root / FUSED_MESH, xyz * scale, colours_of(xyz), triangles)
    if "cloud" in truth.plan.parts:
        xyz = set_mesh(truth.plan)[0]
        write_ply(root / FUSED_CLOUD, xyz * scale, colours_of(xyz), None)
    return truth


def rays(shot: Truth, index: int) -> np.ndarray:
    """float64 [H,W,3]: where each pixel's centre looks, camera axes, z = 1; the lens undone by fixed-point steps."""
    plan = shot.plan
    fx, fy, cx, cy = shot.k[index]
    x, y = np.meshgrid(np.arange(plan.width) + 0.5, np.arange(plan.height) + 0.5)
    x, y = (x - cx) / fx, (y - cy) / fy
    u, v = x.copy(), y.copy()
    if any(plan.distortion):
        for _ in range(60):
            a, b = distort(u, v, plan.distortion)
            u, v = u + (x - a), v + (y - b)
    return np.stack([u, v, np.ones_like(u)], axis=-1)


def depth_frame(truth: DepthTruth, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Depth float32 [H,W] and confidence uint8 [H,W] of a frame."""
    pose = truth.shot.poses[index]
    looks = rays(truth.shot, index) @ pose[:3, :3].T
    centre = pose[:3, 3]
    with np.errstate(all="ignore"):
        floor = -centre[2] / looks[..., 2]
        far = centre[1] + floor * looks[..., 1] > truth.plan.floor_to
        floor[(floor <= 0) | far] = _MISSED
        near, away = (BOX[0] - centre) / looks, (BOX[1] - centre) / looks
        enters, leaves = np.minimum(near, away).max(axis=-1), np.maximum(near, away).min(axis=-1)
        box = np.where((enters <= leaves) & (enters > 0), enters, _MISSED)
    depth = np.minimum(floor, box)
    depth[~np.isfinite(depth)] = SKY
    sure = np.full(depth.shape, 230, np.uint8)
    if truth.plan.filled is not None:
        sure[truth.plan.filled] = 60
    if truth.plan.unknown is not None:
        depth[truth.plan.unknown], sure[truth.plan.unknown] = 0.0, 0
    return depth.astype(np.float32), sure


def set_mesh(plan: DepthPlan) -> tuple[np.ndarray, np.ndarray]:
    """Vertices float32 [N,3] and triangles int32 [T,3] of the floor and the box's five seen sides."""
    low, high = BOX
    patches = [
        ((-8.0, -5.0, 0.0), (16.0, 0, 0), (0, plan.floor_to + 5.0, 0)),
        (tuple(low), (1, 0, 0), (0, 0, 1)),
        ((low[0], high[1], 0.0), (0, 0, 1), (1, 0, 0)),
        (tuple(low), (0, 0, 1), (0, 1, 0)),
        ((high[0], low[1], 0.0), (0, 1, 0), (0, 0, 1)),
        ((low[0], low[1], high[2]), (1, 0, 0), (0, 1, 0)),
    ]
    n = plan.cells
    s, t = (part.ravel()[:, None] for part in np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n), indexing="ij"))
    points = [np.array(corner) + s * np.array(one) + t * np.array(two) for corner, one, two in patches]
    ids = np.arange(n * n).reshape(n, n)
    a, b, c, d = (part.ravel() for part in (ids[:-1, :-1], ids[1:, :-1], ids[1:, 1:], ids[:-1, 1:]))
    one = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    triangles = np.concatenate([one + k * n * n for k in range(len(patches))])
    return np.concatenate(points).astype(np.float32), triangles.astype(np.int32)


def colours_of(xyz: np.ndarray) -> np.ndarray:
    """uint8 [N,3], from the place."""
    return (np.abs(np.sin(xyz * (1.3, 2.1, 3.3))) * 255).astype(np.uint8)


def write_exr(path: Path, depth: np.ndarray) -> None:
    """One float32 channel Z, by scan lines, each block of 16 packed with ZIP (OpenEXR file layout)."""
    height, width = depth.shape
    box = struct.pack("<4i", 0, 0, width - 1, height - 1)
    attributes = (
        (b"channels", b"chlist", b"Z\0" + struct.pack("<iB3xii", 2, 0, 1, 1) + b"\0"),
        (b"compression", b"compression", b"\3"),
        (b"dataWindow", b"box2i", box),
        (b"displayWindow", b"box2i", box),
        (b"lineOrder", b"lineOrder", b"\0"),
        (b"pixelAspectRatio", b"float", struct.pack("<f", 1.0)),
        (b"screenWindowCenter", b"v2f", struct.pack("<2f", 0.0, 0.0)),
        (b"screenWindowWidth", b"float", struct.pack("<f", 1.0)),
    )
    header = b"\x76\x2f\x31\x01" + struct.pack("<i", 2)
    header += b"".join(a + b"\0" + b + b"\0" + struct.pack("<i", len(c)) + c for a, b, c in attributes) + b"\0"
    chunks = []
    for top in range(0, height, 16):
        raw = np.frombuffer(np.ascontiguousarray(depth[top : top + 16], "<f4").tobytes(), np.uint8)
        shuffled = np.concatenate([raw[0::2], raw[1::2]]).astype(np.int16)
        steps = np.concatenate([shuffled[:1], (np.diff(shuffled) + 128) & 255]).astype(np.uint8).tobytes()
        packed = zlib.compress(steps, 4)
        data = packed if len(packed) < len(raw) else raw.tobytes()
        chunks.append(struct.pack("<ii", top, len(data)) + data)
    offsets, at = [], len(header) + 8 * len(chunks)
    for chunk in chunks:
        offsets.append(at)
        at += len(chunk)
    path.write_bytes(header + struct.pack(f"<{len(offsets)}Q", *offsets) + b"".join(chunks))


def write_grey(path: Path, picture: np.ndarray) -> None:
    """uint8 [H,W] as an 8-bit grey PNG."""
    height, width = picture.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), picture], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def write_ply(path: Path, xyz: np.ndarray, rgb: np.ndarray, triangles: np.ndarray | None) -> None:
    """Little-endian binary: x y z nx ny nz red green blue, and triangles."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ("x", "y", "z", "nx", "ny", "nz")
    record = np.dtype([(name, "<f4") for name in names] + [(name, "u1") for name in ("red", "green", "blue")])
    rows = np.zeros(len(xyz), record)
    for axis, name in enumerate(("x", "y", "z")):
        rows[name] = xyz[:, axis]
    rows["nz"] = 1.0
    for channel, name in enumerate(("red", "green", "blue")):
        rows[name] = rgb[:, channel]
    lines = ["ply", "format binary_little_endian 1.0", "comment synthetic", f"element vertex {len(xyz)}"]
    lines += [f"property float {name}" for name in names]
    lines += [f"property uchar {name}" for name in ("red", "green", "blue")]
    body = rows.tobytes()
    if triangles is not None:
        lines += [f"element face {len(triangles)}", "property list uchar int vertex_indices"]
        faces = np.zeros(len(triangles), np.dtype([("n", "u1"), ("v", "<i4", 3)]))
        faces["n"], faces["v"] = 3, triangles
        body += faces.tobytes()
    path.write_bytes(("\n".join([*lines, "end_header"]) + "\n").encode() + body)


def _write_meta(root: Path, truth: DepthTruth) -> None:
    known = np.concatenate([depth[(depth > 0) & (depth < SKY)] for depth in truth.depth.values()])
    left_out = truth.plan.left_out
    said = {
        "version": 1, "engine": "synthetic", "units": "arbitrary", "near": float(known.min()),
        "far": float(known.max()), "width": truth.shot.plan.width, "height": truth.shot.plan.height,
        "frames": sorted(truth.depth), "world_revision": truth.plan.revision, "measured": 0.8, "known": 0.9,
        "missing": [{"first": n, "last": n, "cause": "no pose"} for n in left_out],
    }  # fmt: skip
    (root / META).write_text(json.dumps(said), encoding="utf-8")
