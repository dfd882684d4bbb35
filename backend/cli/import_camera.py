"""`python -m backend import-camera FILE --shot DIR`: another program's camera into a shot."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from shared.axes import ROTATION_ORDERS
from shared.import_messages import IMPORT_AXES


def add_import_camera(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="a COLMAP model folder, .chan, .jsx, .abc, .fbx or .usd"
    )
    parser.add_argument("--shot", type=Path, required=True, metavar="DIR", help="shot folder; its plate must be there")
    parser.add_argument("--replace", action="store_true", help="replace the camera that the shot has")
    parser.add_argument("--axes", choices=IMPORT_AXES, default="auto", help="axes of the file (default: its program's)")
    parser.add_argument(
        "--rotation-order", choices=("auto", *ROTATION_ORDERS), default="auto", help="of a .chan file (default: zxy)"
    )
    parser.add_argument("--frame-offset", type=int, default=0, metavar="N", help="added to the file's frame numbers")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the file's lengths")
    parser.add_argument("--camera", default="", metavar="NAME", help="which camera of the file (default: the first)")
    parser.add_argument("--blender", metavar="PATH", help="Blender that reads Alembic, FBX and USD")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")


def import_camera(namespace: argparse.Namespace) -> int:
    from backend.importers.command import import_into_shot
    from backend.importers.imported_camera import ImportOptions
    from shared.wire import pack

    options = ImportOptions(
        world_axes=namespace.axes,
        order=namespace.rotation_order,
        frame_offset=namespace.frame_offset,
        scale=namespace.scale,
        camera=namespace.camera,
        blender=namespace.blender,
    )
    shot = namespace.shot.expanduser().absolute()
    result = import_into_shot(namespace.file.expanduser().absolute(), shot, options, replace=namespace.replace)
    if namespace.json:
        print(json.dumps({"event": "done", "shot": str(shot), "results": [pack(result)]}, ensure_ascii=False))
        return 0
    for notice in result.notices:
        print(f"note: {notice}")
    facts = result.facts
    print(f"imported: {facts['frames_solved']} of {facts['frames']} frames, {facts['points']} points")
    return 0
