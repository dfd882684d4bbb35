"""What roto writes, for a disc that crosses a plate: known masks, splines and a report, without the backend."""

from __future__ import annotations

import json
import math
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from shared.artifacts import frame_name
from shared.roto_report import LabelReport, RotoProblem, RotoReport
from shared.shot import document_text
from tests.blender.synthetic_shot import ShotPlan

KAPPA = 4.0 / 3.0 * math.tan(math.pi / 8.0)
"""Length of the handles with which four cubic curves come nearest to a circle, in radii."""


@dataclass(frozen=True)
class RotoPlan:
    """labels: of discs, each a fifth of the plate below the one before. radius: px. hole: px, 0 for none."""

    labels: tuple[str, ...] = ("disc",)
    radius: float = 30.0
    hole: float = 0.0
    shot: ShotPlan = field(default_factory=lambda: ShotPlan(count=6))
    splines: bool = True
    problems: tuple[RotoProblem, ...] = ()


def centre(plan: RotoPlan, label: int, index: int) -> tuple[float, float]:
    """Of a disc in the frame of an index, px."""
    step = index / max(plan.shot.count - 1, 1)
    return 60.0 + step * (plan.shot.width - 120.0), plan.shot.height * (0.4 + 0.2 * label)


def disc(plan: RotoPlan, label: int, index: int) -> np.ndarray:
    """bool [H,W]."""
    x, y = centre(plan, label, index)
    rows, columns = np.mgrid[: plan.shot.height, : plan.shot.width] + 0.5
    distance = np.hypot(columns - x, rows - y)
    return (distance <= plan.radius) & (distance >= plan.hole)


def circle(at: tuple[float, float], radius: float) -> list[list[float]]:
    """Points of a circle as the splines' file has them: place, left handle, right handle."""
    points = []
    for turn in range(4):
        angle = turn * math.pi / 2.0
        out, along = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))
        place = [at[i] + radius * out[i] for i in (0, 1)]
        left = [place[i] - KAPPA * radius * along[i] for i in (0, 1)]
        right = [place[i] + KAPPA * radius * along[i] for i in (0, 1)]
        points.append([*place, *left, *right])
    return points


def write_roto(root: Path, plan: RotoPlan) -> None:
    """Masks, splines and report beside a shot that is there."""
    numbers = range(plan.shot.first, plan.shot.first + plan.shot.count)
    for row, label in enumerate(plan.labels):
        folder = root / "roto" / label
        folder.mkdir(parents=True, exist_ok=True)
        for index, number in enumerate(numbers):
            write_grey(folder / frame_name(number), disc(plan, row, index).astype(np.uint8) * 255, filter=index % 5)
        if plan.splines:
            (folder / "splines.json").write_text(json.dumps(_splines(plan, row, label)), encoding="utf-8")
    reports = {label: LabelReport(numbers[0], numbers[-1], len(numbers), 0) for label in plan.labels}
    report = RotoReport(1, "synthetic", reports, plan.problems)
    (root / "roto" / "report.json").write_text(document_text(report), encoding="utf-8")


def _splines(plan: RotoPlan, row: int, label: str) -> dict[str, object]:
    """Keys at both ends only: the disc moves evenly."""
    first, last = plan.shot.first, plan.shot.first + plan.shot.count - 1
    found = []
    for radius, subtract in ((plan.radius, False), (plan.hole, True)):
        if radius > 0.0:
            keys = [
                {"frame": number, "points": circle(centre(plan, row, number - first), radius)}
                for number in (first, last)
            ]
            found.append({"first": first, "last": last, "points": 4, "subtract": subtract, "keys": keys})
    size = {"width": plan.shot.width, "height": plan.shot.height}
    return {"version": 1, "label": label, **size, "fit_error_px": 0.1, "keys": 2 * len(found), "splines": found}


def write_grey(path: Path, grey: np.ndarray, filter: int = 0) -> None:
    """uint8 [H,W] as an 8-bit grey PNG; filter: of all rows, 0 none, 1 sub, 2 up, 3 average, 4 Paeth."""
    height, width = grey.shape
    padded = np.zeros((height + 1, width + 1), int)
    padded[1:, 1:] = grey
    left, up, corner = padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    near = np.stack([left, up, corner])
    distance = np.abs(near - (left + up - corner))
    paeth = np.take_along_axis(near, np.argmin(distance, axis=0)[None], axis=0)[0]
    guess = (np.zeros_like(left), left, up, (left + up) // 2, paeth)[filter]
    rows = np.full((height, width + 1), filter, np.uint8)
    rows[:, 1:] = (grey - guess) % 256
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
