"""Solves every clip of a folder, each into a .blend of its own:

    blender -b --factory-startup --python docs/examples/batch.py -- FOLDER OUT
    ... -- FOLDER OUT --quality high --export chan,usda --timeout 3600 --report batch.jsonl

A clip is a video, or a folder of frames. Prints one JSON object a line: `begin`, `progress` and `end` of each clip, and
`summary` as the last. Blender prints lines of its own among them; --report writes the same lines, alone, into a file.
Clips that have their .blend already are skipped: run it again after a crash, a kill or a repair, and only the rest is
done. The exit code is 0 when every clip has its camera, 1 when some failed, 2 without
clips or when two have the same name.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

import addon_utils
import bpy

EXTENSION = "bl_ext.user_default.backlot"
VIDEOS = {".mp4", ".mov", ".mkv", ".mxf", ".avi"}
FRAMES = {".png", ".jpg", ".jpeg", ".exr", ".dpx", ".tif", ".tiff"}
STEP = 0.1
"""Share of a job after which its progress is told again."""


def main() -> int:
    options = parse(sys.argv[sys.argv.index("--") + 1 :])
    clips = sorted(path for path in options.folder.iterdir() if is_clip(path))
    if not clips:
        print(f"There is no clip in {options.folder}.", file=sys.stderr)
        return 2
    twice = [name for name, count in Counter(map(name_of, clips)).items() if count > 1]
    if twice:
        print(f"Several clips would make the same {twice[0]}.blend: rename all but one of them.", file=sys.stderr)
        return 2
    addon_utils.enable(EXTENSION)  # --factory-startup enables nothing
    options.out.mkdir(parents=True, exist_ok=True)
    states = [solve_one(clip, options) for clip in clips]
    tell(options, "summary", **{state: states.count(state) for state in ("done", "skipped", "failed")})
    return 1 if "failed" in states else 0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="batch.py")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--quality", default="medium")
    parser.add_argument("--export", default="", metavar="FORMATS", help="also write the camera, e.g. chan,usda")
    parser.add_argument("--timeout", type=float, metavar="S", help="give a clip up after so many seconds")
    parser.add_argument("--report", type=Path, metavar="FILE", help="also append the JSON lines to this file")
    return parser.parse_args(arguments)


def is_clip(path: Path) -> bool:
    if path.is_dir():
        return any(inside.suffix.lower() in FRAMES for inside in path.iterdir())
    return path.suffix.lower() in VIDEOS


def name_of(clip: Path) -> str:
    """Of what is made of it. A folder's name has no suffix: shot.v1 and shot.v2 are two."""
    return clip.name if clip.is_dir() else clip.stem


def solve_one(clip: Path, options: argparse.Namespace) -> str:
    """One clip into OUT/NAME.blend; the shot folder lies beside it. Returns how it ended."""
    from bl_ext.user_default.backlot import api
    from bl_ext.user_default.backlot.shared.errors import BacklotError

    scene_file = options.out / f"{name_of(clip)}.blend"
    if scene_file.exists():
        return tell(options, "end", clip=clip.name, state="skipped")
    tell(options, "begin", clip=clip.name)
    bpy.ops.wm.read_homefile(use_empty=True)
    folder = options.out / f"{name_of(clip)}_shot"
    try:
        shot = api.solve(
            clip, shot=folder, quality=options.quality, timeout_s=options.timeout, on_event=progress(clip, options)
        )
        if options.export:
            api.export(folder, formats=options.export)
    except BacklotError as error:
        return tell(options, "end", clip=clip.name, state="failed", **error.to_wire())
    bpy.ops.wm.save_as_mainfile(filepath=str(scene_file))
    return tell(options, "end", clip=clip.name, state="done", frames_missing=shot.frames_missing, summary=shot.summary)


def progress(clip, options):
    """What `on_event` calls: tells now and then how far the job is."""
    told = 0.0

    def told_of(event):
        nonlocal told
        now = event.status.progress
        if now.fraction >= told + STEP:
            told = now.fraction
            tell(options, "progress", clip=clip.name, stage=now.stage, fraction=round(told, 2), eta_s=now.eta_s)

    return told_of


def tell(options: argparse.Namespace, event: str, **facts: object) -> str:
    """Prints a line and returns the state in it, if there is one."""
    line = json.dumps({"event": event, **facts})
    print(line, flush=True)
    if options.report:
        with options.report.open("a", encoding="utf-8") as report:
            report.write(f"{line}\n")
    return str(facts.get("state", ""))


if __name__ == "__main__":
    sys.exit(main())
