"""A solve judged without truth: tracks that it never saw.

    python -m tests.benchmarks.heldout --clip FOLDER [--clip FOLDER]... [--share 0.1] [--sheet FOLDER] [--json]

FOLDER holds frames/ and, for the parts that move, gt/masks (DAVIS). The bench follows corners of the static part on
its own (heldout_tracks.py), holds `--share` of them out, and hides a disc about each, in every frame, from the solve:
a roto label whose pixels the solve ignores. What moves is not hidden: the solve has to find it. Then the even frames
of every held-out track place its point, and the distance to it in the odd frames is the score. `--sheet` writes a
picture a clip with the solved points, a ground grid and axes over some frames: look at it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from shared.artifacts import frame_name
from shared.camera_files import read_camera
from shared.shot import ShotFolder
from tests.benchmarks.backlot_run import lens_of, poses_of, run_command, run_solve
from tests.benchmarks.heldout_tracks import HeldTrack, follow, hide, predict
from tests.benchmarks.overlay import contact_sheet
from tests.benchmarks.runs import CommandFailed
from tests.benchmarks.truth import picture_size, pictures_in, read_masks

LABEL = "heldout"
FOLLOWED = 600
LEAST_HELD = 40
PATCH_SHARE = 0.016
"""Radius of a hidden disc over the picture's diagonal: more than the solver's patch."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="bench heldout", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=Path, action="append", required=True, help="folder with frames/; repeatable")
    parser.add_argument("--share", type=float, default=0.1, help="part of the tracks that is held out")
    parser.add_argument("--quality", default="medium", help="Backlot's preset")
    parser.add_argument("--flags", default="", help="further flags of `backend run`, in one argument")
    parser.add_argument("--seed", type=int, default=0, help="which tracks are held out")
    parser.add_argument("--sheet", type=Path, metavar="FOLDER", help="write CLIP.png with the solve drawn over frames")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    flags = ["--quality", options.quality, *options.flags.split()]
    results = []
    for clip in options.clip:
        results.append(bench_clip(clip.resolve(), options.share, options.seed, flags, options.sheet))
        if not options.json:
            print(", ".join(f"{key} {value}" for key, value in results[-1].items()), flush=True)
    if options.json:
        print(json.dumps(results, indent=1))
    return 0 if all(not result["failure"] for result in results) else 1


def bench_clip(clip: Path, share: float, seed: int, flags: Sequence[str], sheet: Path | None) -> dict[str, Any]:
    """One clip's score."""
    pictures = pictures_in(clip / "frames")
    tracks = follow(pictures, lambda t: read_masks(clip / "gt" / "masks", t), FOLLOWED, seed)
    held = tracks[:: max(1, round(1.0 / share))] if share * len(tracks) >= LEAST_HELD else tracks[:LEAST_HELD]
    result: dict[str, Any] = {"clip": clip.name, "frames": len(pictures), "tracks": len(tracks), "held": len(held)}
    with tempfile.TemporaryDirectory(prefix="bench-heldout-") as work:
        shot = Path(work) / "shot"
        run_command(["run", str(clip / "frames"), "-s", "ingest", "--shot", str(shot)])
        hidden = write_hidden(held, pictures, shot)
        try:
            seconds = run_solve(shot, flags)
        except CommandFailed as failed:
            return {**result, "failure": str(failed)}
        return {**result, **_score(shot, held, pictures, sheet and sheet / f"{clip.name}.png"),
                "hidden_percent": round(100.0 * hidden, 2), "seconds": round(seconds, 1), "failure": ""}  # fmt: skip


def write_hidden(held: list[HeldTrack], pictures: list[Path], shot: Path) -> float:
    """Writes the discs as a roto label of the shot; the share of all pixels that they hide."""
    width, height = picture_size(pictures[0])
    folder = ShotFolder(shot).roto_dir / LABEL
    folder.mkdir(parents=True)
    radius = round(PATCH_SHARE * float(np.hypot(width, height)))
    covered = []
    for t, number in enumerate(ShotFolder(shot).frame_numbers()):
        mask = hide(held, t, (height, width), radius)
        covered.append(mask.mean())
        cv2.imwrite(str(folder / frame_name(number)), mask.astype(np.uint8) * 255)
    return float(np.mean(covered))


def _score(shot: Path, held: list[HeldTrack], pictures: list[Path], sheet: Path | None) -> dict[str, Any]:
    camera = read_camera(shot)
    poses, lens = poses_of(camera), lens_of(camera)
    by_track = [predict(track, poses, lens) for track in held]
    errors = np.concatenate([errors for errors in by_track if len(errors)])
    if sheet is not None:
        sheet.parent.mkdir(parents=True, exist_ok=True)
        with np.load(ShotFolder(shot).cloud) as file:
            contact_sheet(pictures, poses, lens, np.asarray(file["xyz"], np.float64), sheet)
    kinds = [frame.motion for frame in camera.extrinsics.frames if frame.world_from_camera is not None]
    return {
        "solved": len(poses), "motion": ",".join(sorted(set(kinds))), "judged": len(errors),
        "median_px": round(float(np.median(errors)), 3), "mean_px": round(float(errors.mean()), 3),
        "p90_px": round(float(np.quantile(errors, 0.9)), 3),
        "median_of_tracks_px": round(float(np.median([np.median(e) for e in by_track if len(e)])), 3),
        "focal_px": round(float(lens.K[:, 0, 0].mean()), 1), "k1": round(lens.distortion[0], 4),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
