"""`build.py bench mocap_real [--walk DIR] [--views DIR] [--shots DIR] [--json]`: people of real clips without truth.

--walk: a clip (clips/*.mp4) of a fixed camera with several people, run from the footage to `mocap/*/motion.npz` without
a height. Printed for each person: frames by state; standard deviation of bone lengths and stature over the frames, % of
their means, measured between the joints of motion.npz; stature, m; travel of standing feet, mm a frame; the largest
step of the pelvis from frame to frame, m, which a change of identity would show.

--views: one moment by several calibrated cameras (clips/camNN.mp4, gt/calib.toml). Each view's keypoints by the stage's
own means, then all views through one solve. Printed: median distance in px of the joints from where each view saw them;
stature; and how far the joints of each view solved alone are from the fused ones, mm, as they are and aligned by a
similarity frame by frame.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backend.export.lens_distortion import Lens
from backend.mocap.clip import ClipMotion, ClipSettings, solve_clip
from backend.mocap.contacts import Floor
from backend.mocap.evidence import Cameras
from backend.mocap.footage import Footage, Seen
from backend.mocap.skeleton import human
from backend.mocap_stage.cameras import ShotCameras, reprojection_px
from backend.mocap_stage.evidence import TrackEvidence
from backend.pose import PoseJob, pose_tracks
from shared.mocap_params import MocapParams
from shared.mocap_report import read_mocap_report
from shared.motion_arrays import MOTION_FILE, Motion, read_motion
from shared.shot import ShotFolder
from tests.benchmarks.backlot_run import run_command
from tests.benchmarks.scoring import Array, umeyama

_BONES = (
    ("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"), ("ankle", "heel"),
    ("ankle", "foot_index"),
)  # fmt: skip
_TRUNK = ("head_top", "head", "neck", "chest", "spine", "pelvis")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="bench mocap_real", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--walk", type=Path, action="append", default=[])
    parser.add_argument("--views", type=Path, action="append", default=[])
    parser.add_argument("--shots", type=Path, help="where shots are made, and found up to date by the next run")
    parser.add_argument("--flags", default="", help="further flags of `backend run` for --walk")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="bench-mocap-real-") as made:
        shots = given.shots or Path(made)
        found = {
            "walk": [bench_walk(clip, shots, given.flags.split()) for clip in given.walk],
            "views": [bench_views(folder, shots) for folder in given.views],
        }
    print(json.dumps(found, indent=None if given.json else 1))
    return 0


def bench_walk(clip: Path, shots: Path, flags: Sequence[str]) -> dict[str, Any]:
    (video,) = sorted((clip / "clips").glob("*.mp4"))
    shot = ShotFolder(shots / f"{clip.name}_real")
    run_command(["run", str(video), "-s", "mocap", "--shot", str(shot.root), *flags])
    report = read_mocap_report(shot)
    people = {}
    for label, said in report.people.items():
        motion = read_motion(shot.root / "mocap" / label / MOTION_FILE)
        people[label] = {
            "tracked": said.tracked, "bridged": said.bridged, "absent": said.absent, "slide_mm": said.slide_mm,
            "standing": said.standing, "reprojection_px": said.reprojection_px, **_steadiness(motion),
        }  # fmt: skip
    return {"clip": clip.name, "floor": report.floor, "scale": report.scale, "people": people}


def _steadiness(motion: Motion) -> dict[str, float]:
    joints = motion.joints[motion.known]

    def length(a: str, b: str) -> Array:
        found: Array = np.linalg.norm(joints[:, motion.index(a)] - joints[:, motion.index(b)], axis=1)
        return found

    bones = {f"{s}_{a}-{b}": length(f"{s}_{a}", f"{s}_{b}") for a, b in _BONES for s in ("left", "right")}
    leg = [sum(length(f"{s}_{a}", f"{s}_{b}") for a, b in (*_BONES[:2], _BONES[4])) for s in ("left", "right")]
    stature = sum(length(a, b) for a, b in pairwise(_TRUNK)) + np.mean(leg, axis=0)
    spread = [100.0 * float(one.std() / one.mean()) for one in (*bones.values(), stature)]
    steps = np.linalg.norm(np.diff(motion.root, axis=0), axis=1)
    return {
        "bones_sd_percent": round(max(spread[:-1]), 6), "stature_sd_percent": round(spread[-1], 6),
        "stature_m": round(float(np.mean(stature)), 4), "largest_step_m": round(float(np.nanmax(steps)), 4),
    }  # fmt: skip


def bench_views(folder: Path, shots: Path) -> dict[str, Any]:
    calibration = tomllib.loads((folder / "gt/calib.toml").read_text(encoding="utf-8"))
    videos = sorted((folder / "clips").glob("cam*.mp4"))
    sides = [_side(video, calibration[f"cam_{video.stem[-2:]}"], shots / folder.name / video.stem) for video in videos]
    settings = ClipSettings(60.0, Floor(np.array([0.0, 0.0, 1.0]), 0.0))
    fused = _solved(sides, settings)
    joints = fused.body.joints()
    rows = {}
    for video, side in zip(videos, sides, strict=True):
        cameras, evidence = side
        alone = _solved([side], settings).body.joints()
        aligned = np.stack([umeyama(a, b).points(a) for a, b in zip(alone, joints, strict=True)])
        rows[video.stem] = {
            "fused_px": round(reprojection_px(joints, evidence, cameras), 2),
            "alone_px": round(reprojection_px(alone, evidence, cameras), 2),
            "alone_off_mm": round(1e3 * float(np.linalg.norm(alone - joints, axis=-1).mean()), 1),
            "alone_pa_mm": round(1e3 * float(np.linalg.norm(aligned - joints, axis=-1).mean()), 1),
        }
    return {"clip": folder.name, "frames": len(joints), "height_m": round(fused.height_m, 3), "views": rows}


def _solved(sides: Sequence[tuple[ShotCameras, Seen]], settings: ClipSettings) -> ClipMotion:
    (cameras, evidence), *others = sides
    views = [Footage(one.cameras, seen) for one, seen in others]
    return solve_clip(human(), cameras.cameras, evidence, settings, views=views)


def _side(video: Path, said: dict[str, Any], store: Path) -> tuple[ShotCameras, Seen]:
    """A view's camera, and what it sees of the person who is in most of its frames."""
    pictures = _frames(video)
    numbers = tuple(range(1, len(pictures) + 1))
    job = PoseJob(numbers, lambda number: pictures[number - 1], 60.0, MocapParams(), store, hands_and_face=False)
    tracks = pose_tracks(job).tracks.values()
    cameras = _cameras(said, numbers)
    return cameras, TrackEvidence(max(tracks, key=lambda one: len(one.frames)), cameras)


def _frames(video: Path) -> list[Any]:
    """RGB; a dozen frames, so that they may be held."""
    reader, found = cv2.VideoCapture(str(video)), []
    while True:
        there, picture = reader.read()
        if not there:
            return found
        found.append(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))


def _cameras(said: dict[str, Any], numbers: tuple[int, ...]) -> ShotCameras:
    """OpenCV's calibration: its pixels have their centres at integers."""
    matrix = np.array(said["matrix"])
    matrix[:2, 2] += 0.5
    turn, _ = cv2.Rodrigues(np.array(said["rotation"]))
    count = len(numbers)
    every = Cameras(
        np.tile(matrix, (count, 1, 1)), np.tile(turn, (count, 1, 1)), np.tile(np.array(said["translation"]), (count, 1))
    )
    return ShotCameras(numbers, every, np.ones(count, bool), Lens(*said["distortions"]), False)


if __name__ == "__main__":
    sys.exit(main())
