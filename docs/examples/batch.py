"""Solves every clip of a folder, each into a .blend of its own:

    blender -b --factory-startup --python docs/examples/batch.py -- FOLDER OUT [quality]

Prints one JSON object a line for each clip. Clips that have their .blend already are skipped. The exit code is 0 when
every clip has its camera, 1 when some failed, 2 without clips.
"""

import json
import sys
from pathlib import Path

import addon_utils
import bpy

EXTENSION = "bl_ext.user_default.backlot"
CLIPS = {".mp4", ".mov", ".mkv", ".mxf", ".avi"}


def solve_one(clip: Path, out: Path, quality: str) -> dict[str, object]:
    """One clip into OUT/NAME.blend; the shot folder lies beside it."""
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.shared.errors import BacklotError

    scene_file = out / f"{clip.stem}.blend"
    if scene_file.exists():
        return {"clip": clip.name, "state": "skipped"}
    bpy.ops.wm.read_homefile(use_empty=True)
    try:
        shot = api.solve(clip, shot=out / f"{clip.stem}_shot", quality=quality)
    except BacklotError as error:
        return {"clip": clip.name, "state": "failed", **error.to_wire()}
    bpy.ops.wm.save_as_mainfile(filepath=str(scene_file))
    return {"clip": clip.name, "state": "done", "frames_missing": shot.frames_missing, "summary": shot.summary}


def main(folder: Path, out: Path, quality: str = "medium") -> int:
    clips = sorted(path for path in folder.iterdir() if path.suffix.lower() in CLIPS)
    if not clips:
        print(f"There is no clip in {folder}.", file=sys.stderr)
        return 2
    addon_utils.enable(EXTENSION)  # --factory-startup enables nothing
    out.mkdir(parents=True, exist_ok=True)
    states = []
    for clip in clips:
        result = solve_one(clip, out, quality)
        print(json.dumps(result), flush=True)
        states.append(result["state"])
    return 1 if "failed" in states else 0


if __name__ == "__main__":
    given = sys.argv[sys.argv.index("--") + 1 :]
    sys.exit(main(*map(Path, given[:2]), *given[2:]))
