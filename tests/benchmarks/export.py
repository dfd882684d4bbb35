"""Every exported camera read back by something else, in every axes setting: the largest errors over all frames.

    python -m tests.benchmarks.export [--json]

abc, usda, usdc and fbx are imported by Blender (BACKLOT_BLENDER, or the environment of build.py setup --bpy); chan,
csv and clip are read by the parsers of the unit tests, written from the formats' descriptions; jsx runs in node with
a stand-in for After Effects. The shot is synthetic: its camera is known exactly. Position in metres, angle in
degrees, focal length in mm of a 36 mm film back. ST maps: plate -> redistort -> undistort -> plate, in px.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from backend.export.blender_process import Blender, find_blender
from tests.benchmarks.scoring import Array
from tests.blender.scene_file_check import ANGLE_DEG, FOCAL_MM, POSITION, WORLDS, compare, read_back
from tests.blender.synthetic_shot import ShotPlan, Truth, write_shot
from tests.unit.export_shot import run_export
from tests.unit.test_export_after_effects import NODE, Y_DOWN, camera_of, run_script
from tests.unit.test_export_channels import expected, read_chan, read_clip, read_csv, rotation
from tests.unit.test_export_lens import nuke_stmap, read_map
from tests.unit.test_export_scene_files import alembic_samples

NEEDS_PYTEST = True
SCENES = ("abc", "usda", "usdc", "fbx")
PLAIN = ShotPlan(plate=False)
CENTRED = ShotPlan(principal=(0.0, 0.0), plate=False)
"""chan and jsx have no place for another principal point."""
ZOOM = ShotPlan(plate=False, focal_px=(300.0, 420.0))
LENSES = {"barrel": (-0.18, 0.05, 0.002, -0.001), "pincushion": (0.09, -0.01, -0.001, 0.0015)}
ROUND_TRIP_PX = 0.02
FILM_MM = 36.0


@dataclass(frozen=True)
class Row:
    """Largest errors of a file over its frames; nan where the file does not say it. good: within the bounds."""

    file: str
    axes: str
    shot: str
    frames: int
    position: float
    angle_deg: float
    focal_mm: float
    note: str = ""

    @property
    def good(self) -> bool:
        return (
            bool(self.frames) and not self.position > POSITION and not self.angle_deg > ANGLE_DEG
            and not self.focal_mm > FOCAL_MM
        )  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="bench export", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="bench-export-") as work:
        rows = [*_channels(Path(work)), *_after_effects(Path(work)), *_scenes(Path(work), find_blender())]
        maps = {name: round_trip_px(Path(work) / name, lens) for name, lens in LENSES.items()}
    if options.json:
        print(json.dumps({"cameras": [asdict(row) | {"good": row.good} for row in rows], "st_maps_px": maps}, indent=1))
    else:
        print(_as_text(rows, maps))
    return 0 if all(row.good for row in rows) and max(maps.values()) <= ROUND_TRIP_PX else 1


def _scenes(work: Path, blender: Blender | None) -> list[Row]:
    if blender is None:
        return [Row(kind, "-", "-", 0, math.nan, math.nan, math.nan, "no Blender") for kind in SCENES]
    rows = []
    for axes in WORLDS:
        for name, plan in (("plain", PLAIN), ("zoom", ZOOM)):
            root = work / f"scene_{axes}_{name}"
            truth = write_shot(root, plan)
            run_export(root, formats=",".join(SCENES), axes=axes, blender=str(blender.program))
            rows += [_scene(root / f"camera/camera.{kind}", truth, axes, name, blender) for kind in SCENES]
    return rows


def _scene(path: Path, truth: Truth, axes: str, shot: str, blender: Blender) -> Row:
    kind = path.suffix.lstrip(".")
    worst = compare(path, truth, axes, *read_back(path, blender))
    focal, note = worst.focal_mm, ""
    if kind == "abc" and shot == "zoom":  # Blender reads an Alembic camera's lens at one time only
        lenses, _ = alembic_samples(path)
        focal = float(np.abs([lens[0] for lens in lenses] - truth.k[:, 0] / truth.plan.width * FILM_MM).max())
        note = "focal length read from the file itself"
    return Row(kind, axes, shot, len(worst.frames), worst.position, worst.angle_deg, focal, note)


Read = Callable[[Path, Truth, str], list[tuple[list[float], Array, float]]]
"""Of each frame: position, rotation [3, 3], focal length in mm."""


def _channels(work: Path) -> list[Row]:
    readers: dict[str, Read] = {"chan": _chan, "csv": _csv, "clip": _clip}
    rows = []
    for axes in WORLDS:
        for name, plan in (("plain", CENTRED), ("zoom", ShotPlan(**{**ZOOM.__dict__, "principal": (0.0, 0.0)}))):
            root = work / f"text_{axes}_{name}"
            truth = write_shot(root, plan)
            run_export(root, formats=",".join(readers), axes=axes, film_back_mm=FILM_MM)
            for kind, read in readers.items():
                found = read(root / f"camera/camera.{kind}", truth, kind)
                rows.append(_compared(kind, axes, name, truth, found))
    return rows


def _compared(kind: str, axes: str, shot: str, truth: Truth, found: list[tuple[list[float], Array, float]]) -> Row:
    errors = []
    for index, (position, turn, focal) in enumerate(found):
        wanted_turn, wanted_place = expected(truth, index, axes)
        errors.append(
            (
                np.abs(np.array(position) - wanted_place).max(), angle_deg(turn, wanted_turn),
                abs(focal - truth.k[index, 0] / truth.plan.width * FILM_MM),
            )
        )  # fmt: skip
    return Row(kind, axes, shot, len(found), *np.max(errors, axis=0).tolist())


def angle_deg(a: Array, b: Array) -> float:
    """Between two rotations [3, 3], also where it is tiny."""
    return math.degrees(2.0 * math.asin(min(1.0, float(np.linalg.norm(a - b)) / math.sqrt(8.0))))


def _chan(path: Path, truth: Truth, _kind: str) -> list[tuple[list[float], Array, float]]:
    rows, plan = read_chan(path), truth.plan
    found = []
    for number in truth.frames.tolist():
        *position, rx, ry, rz, vfov = rows[number]
        focal_px = plan.height / 2.0 / math.tan(math.radians(vfov) / 2.0)
        found.append((position, rotation([rx, ry, rz], "zxy"), focal_px / plan.width * FILM_MM))
    return found


def _csv(path: Path, truth: Truth, _kind: str) -> list[tuple[list[float], Array, float]]:
    rows, found = read_csv(path), []
    for number in truth.frames.tolist():
        row = rows[number]
        position, angles = (
            [float(row[key]) for key in keys] for keys in (("tx", "ty", "tz"), ("rx_deg", "ry_deg", "rz_deg"))
        )
        found.append((position, rotation(angles, row["rotation_order"]), float(row["focal_mm"])))
    return found


def _clip(path: Path, truth: Truth, _kind: str) -> list[tuple[list[float], Array, float]]:
    _, clip = read_clip(path)
    found = []
    for index in range(len(truth.frames)):
        position, angles = ([clip[key][index] for key in keys] for keys in (("tx", "ty", "tz"), ("rx", "ry", "rz")))
        found.append((position, rotation(angles, "xyz"), clip["focal"][index]))
    return found


def _after_effects(work: Path) -> list[Row]:
    """The jsx has After Effects' axes whatever is asked for; lengths in it are a hundredth of a unit."""
    if NODE is None:
        return [Row("jsx", "-", "-", 0, math.nan, math.nan, math.nan, "no node")]
    root = work / "jsx"
    truth = write_shot(root, ShotPlan(principal=(0.0, 0.0), focal_px=(300.0, 400.0), plate=False))
    run_export(root, formats="jsx")
    of = camera_of(run_script(root / "camera/camera.jsx", root))["properties"]
    errors = []
    for index, pose in enumerate(truth.poses):
        place = np.array(of["Position"]["values"][index]) / 100.0
        turn = rotation(of["Orientation"]["values"][index], "zyx")
        zoom = of["Zoom"]["values"][index]
        errors.append(
            (
                np.abs(place - Y_DOWN @ pose[:3, 3]).max(), angle_deg(turn, Y_DOWN @ pose[:3, :3]),
                abs(zoom - truth.k[index, 0]) / truth.plan.width * FILM_MM,
            )
        )  # fmt: skip
    return [Row("jsx", "After Effects", "zoom", len(errors), *np.max(errors, axis=0).tolist())]


def round_trip_px(root: Path, lens: tuple[float, float, float, float]) -> float:
    """The largest distance, px, of a plate pixel from itself after redistort and undistort."""
    plan = ShotPlan(width=640, height=360, focal_px=(520.0, 520.0), distortion=lens, count=3, plate=False)
    write_shot(root, plan)
    run_export(root, formats="stmap")
    undistort, redistort = (read_map(root / f"camera/stmap/{name}.exr") for name in ("undistort", "redistort"))
    back = nuke_stmap(undistort.astype(np.float64), redistort.astype(np.float64))
    places = np.stack((back[..., 0] * plan.width, (1.0 - back[..., 1]) * plan.height), axis=-1)
    centres = np.stack(np.meshgrid(np.arange(plan.width) + 0.5, np.arange(plan.height) + 0.5), axis=-1)
    edge = 1.0 / undistort.shape[1]
    inside = ((redistort > edge) & (redistort < 1.0 - edge)).all(axis=-1)
    return float(np.linalg.norm(places - centres, axis=-1)[inside].max())


def _as_text(rows: Sequence[Row], maps: dict[str, float]) -> str:
    lines = [f"{'file':5} {'axes':14} {'shot':6} {'frames':>6} {'position m':>11} {'angle deg':>11} {'focal mm':>11}"]
    for row in rows:
        lines.append(
            f"{row.file:5} {row.axes:14} {row.shot:6} {row.frames:6} {row.position:11.2e} {row.angle_deg:11.2e} "
            f"{row.focal_mm:11.2e}{'' if row.good else '  TOO FAR'}{'  ' + row.note if row.note else ''}"
        )
    lines += [f"ST maps there and back, {name} lens: {worst:.5f} px" for name, worst in maps.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
