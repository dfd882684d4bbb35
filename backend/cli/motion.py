"""`python -m backend motion FILE ...`: what a motion is like, and the motion as files of other programs."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import InvalidRequest
from shared.wire import pack

if TYPE_CHECKING:  # the server starts without numpy
    from backend.motion_analysis.analysis import MotionAnalysis
    from shared.motion_arrays import Motion

_KINDS = ("bvh", "usda", "usdc", "fbx", "analysis", "npz")
_UNITS_M = {"m": 1.0, "cm": 0.01}


def add_motion(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Says how somebody moved: speed, strides, contacts, slide, jitter. With --to, also writes the motion as files "
        "for other programs."
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a motion.npz, or a .bvh file of any program")
    parser.add_argument(
        "--to", default="", metavar="KIND,...", help=f"files to write: {', '.join(_KINDS)} (analysis: JSON and plot)"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to write to (default: that of FILE)")
    parser.add_argument("--name", default="", help="the person's name in USD and FBX (default: the folder's)")
    parser.add_argument("--bvh-unit", choices=tuple(_UNITS_M), default="m", help="unit of BVH files (default: m)")
    parser.add_argument(
        "--rotation-order", default="ZXY", metavar="ORDER", help="of BVH channels, outermost first (default: ZXY)"
    )
    parser.add_argument(
        "--metres-per-unit",
        type=float,
        metavar="M",
        help="of FILE's world, for the numbers (default: as in the analysis beside it, else 1)",
    )
    parser.add_argument("--blender", metavar="PATH", help="a Blender, or a Python with bpy, for FBX")
    parser.add_argument("--json", action="store_true", help="print the analysis as one JSON object")


def motion(namespace: argparse.Namespace) -> int:
    from backend.motion_analysis.analysis import analyse
    from backend.motion_export.shot_files import analysed_metres

    path: Path = namespace.file.expanduser().absolute()
    kinds = [kind.strip() for kind in namespace.to.split(",") if kind.strip()]
    unknown = sorted(set(kinds) - set(_KINDS))
    if unknown:
        raise InvalidRequest(f"{unknown[0]!r} is no kind of motion file.", f"Use some of {', '.join(_KINDS)}.")
    metres = namespace.metres_per_unit
    if metres is not None and not metres > 0.0:
        raise InvalidRequest("--metres-per-unit is not a length.", "Give a number above 0.")
    moved = _read(path)
    metres = metres or (analysed_metres(path.parent) if path.name == "motion.npz" else 1.0)
    written = _write(moved, path, kinds, metres, namespace)
    found = analyse(moved, metres_per_unit=metres)
    if namespace.json:
        words = {"event": "done", "analysis": pack(found), "files": [str(one) for one in written]}
        print(json.dumps(words, ensure_ascii=False))
    else:
        print("\n".join([*_lines(found), *(f"wrote {one}" for one in written)]))
    return 0


def _read(path: Path) -> Motion:
    from backend.motion_export.bvh_reader import read_bvh
    from shared.motion_arrays import read_motion

    return read_bvh(path) if path.suffix.lower() == ".bvh" else read_motion(path)


def _write(moved: Motion, path: Path, kinds: list[str], metres: float, given: argparse.Namespace) -> list[Path]:
    from backend.export.blender_process import require_blender
    from backend.motion_export.files import write_motion_files
    from backend.motion_export.shot_files import body_beside, shot_of, write_into_shot
    from shared.motion_arrays import write_motion

    folder: Path = given.out.expanduser().absolute() if given.out else path.parent
    if path in [folder / f"motion.{kind}" for kind in kinds]:
        raise InvalidRequest(f"{path} would replace itself.", "Give another folder with --out.")
    name = given.name or path.parent.name
    blender = require_blender(given.blender) if "fbx" in kinds else None
    unit, order = _UNITS_M[given.bvh_unit], given.rotation_order.upper()
    others = [kind for kind in kinds if kind != "npz"]
    shot = shot_of(path) if folder == path.parent else None
    if shot is not None:
        return list(
            write_into_shot(
                shot, path, others, metres_per_unit=metres, name=name, blender=blender, bvh_unit_m=unit,
                rotation_order=order,
            )
        )  # fmt: skip
    written = [folder / "motion.npz"] if "npz" in kinds else []
    if written:
        write_motion(written[0], moved)
    body = body_beside(path) if path.name == "motion.npz" else None
    texture = path.with_name("texture.png")
    if body is not None and folder != path.parent and texture.is_file() and set(others) & {"usda", "usdc", "fbx"}:
        folder.mkdir(parents=True, exist_ok=True)
        written.append(Path(shutil.copy(texture, folder / texture.name)))
    return written + list(
        write_motion_files(
            moved, folder, name=name, kinds=others, body=body, blender=blender, metres_per_unit=metres,
            bvh_unit_m=unit, rotation_order=order,
        )
    )  # fmt: skip


def _lines(found: MotionAnalysis) -> list[str]:
    counts = ", ".join(f"{count} {state}" for state, count in found.frames_in_state.items() if count)
    lines = [f"frames {found.first}-{found.last} at {found.fps} fps: {counts}"]
    speeds = "" if found.mean_speed is None else f", {found.mean_speed:.2f} m/s (at most {found.peak_speed:.2f})"
    lines.append(f"way {found.path_m:.2f} m, {found.displacement_m:.2f} m from its beginning{speeds}")
    if found.stride_m is not None:
        lines.append(f"stride {found.stride_m:.2f} m in {found.stride_s:.2f} s, {found.cadence:.0f} steps a minute")
    for side, foot in found.feet.items():
        slide = "" if foot.slide_mm is None else f", sliding {foot.slide_mm:.1f} mm a frame"
        count = len(foot.contacts)
        stands = f"{count} {'time' if count == 1 else 'times'}, {foot.standing:.0%} of the frames"
        lines.append(f"{side} foot stands {stands}{slide} (contacts: {found.contacts_from})")
    if found.jerk_mm is not None:
        lines.append(f"third difference {found.jerk_mm:.2f} mm a frame^3, jitter {found.jitter:.1f} m/s^3")
    worst = max(found.bones_m.items(), key=lambda bone: bone[1].sd, default=None)
    if worst is not None:
        lines.append(f"bones vary by {1e3 * worst[1].sd:.2f} mm at most ({worst[0]})")
    if found.stature_m is not None:
        lines.append(f"stature along the bones {found.stature_m.mean:.2f} m")
    return lines
