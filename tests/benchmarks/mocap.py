"""`build.py bench mocap [--clip DIR]... [--shots DIR] [--flags "..."] [--json]`: people of rendered clips against truth

DIR holds frames/ and gt/ with camera.npz and joints_*.npz (or joints.npz). Each clip runs twice from its footage to
`mocap/*/motion.npz`, as a user would run it: with the camera that Backlot solves, and with the true one imported.
Scores are those of body_scores.py over the joints that the truth, our skeleton and MediaPipe all have; by name, but for
`hand`, which is the middle of MediaPipe's knuckles. Our world is taken to the truth's by the similarity between the
cameras (orientations first, then scale and place by the centres; scale 1 for a camera that stands). Beside ours:
MediaPipe's own 3D placed by its root frame by frame (mocap_peer.py), with the same camera. A clip that gives no motion,
and a person who is not found, count as failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from backend.importers.imported_camera import ImportedCamera, ImportedFrame, ImportOptions, write_into_shot
from backend.mocap.skeleton import human
from backend.mocap_stage.cameras import ShotCameras, cameras_of
from backend.pipeline import manifest
from backend.pipeline.shot_lock import shot_lock
from shared.camera_files import read_camera
from shared.motion_arrays import MOTION_FILE, Motion, read_motion
from shared.shot import ShotFolder
from tests.benchmarks.backlot_run import run_command
from tests.benchmarks.body_scores import BodyScores, score_body
from tests.benchmarks.mocap_peer import LANDMARKS, Sights
from tests.benchmarks.runs import Clock, CommandFailed
from tests.benchmarks.scoring import Array, Sim3, first_gauge
from tests.benchmarks.truth import TruthClip, load_truth

CLIPS = ("walker", "tripod", "crowd2")
_SHARED = Path(__file__).resolve().parents[3] / "shared" / "clips"
CAMERAS = ("solved", "true")
_COLUMNS = ("mpjpe", "pa", "world", "w", "wa", "root_percent", "slide", "true_slide", "jitter", "known")


@dataclass(frozen=True)
class Person:
    """joints [T,J,3] world m and px [T,J,2] of the common joints `names`."""

    name: str
    names: tuple[str, ...]
    joints: Array
    px: Array


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="bench mocap", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=Path, action="append", help=f"folder (default: {', '.join(CLIPS)} of {_SHARED})")
    parser.add_argument("--camera", choices=CAMERAS, action="append", help="which cameras (default: both)")
    parser.add_argument("--shots", type=Path, help="where the shots are made, and found up to date by the next run")
    parser.add_argument("--flags", default="", help="further flags of `backend run`")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(argv)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="bench-mocap-") as made:
        for clip in given.clip or [_SHARED / name for name in CLIPS]:
            for which in given.camera or CAMERAS:
                found = bench_clip(clip, which, given.shots or Path(made), given.flags.split())
                rows += found
                if not given.json:
                    print("\n".join(map(_line, found)), flush=True)
    print(json.dumps(rows, indent=1) if given.json else _header(rows))
    return 1 if any(row["failure"] for row in rows) else 0


def bench_clip(clip: Path, which: str, shots: Path, flags: Sequence[str]) -> list[dict[str, Any]]:
    """A row for every person of the truth."""
    truth, people = load_truth(clip), read_people(clip)
    shot, clock = ShotFolder(shots / f"{clip.name}_{which}"), Clock()
    try:
        run_command(["run", str(clip / "frames"), "-s", "ingest", "--shot", str(shot.root)])
        if which == "true":
            import_truth(truth, shot)
        run_command(["run", "-s", "mocap", "--shot", str(shot.root), *flags])
    except CommandFailed as failed:
        return [_row(clip, which, person.name, clock, failure=str(failed)) for person in people]
    return _scored(clip, which, truth, people, shot, clock)


def import_truth(truth: TruthClip, shot: ShotFolder) -> None:
    """The true camera, as if it came from another program. A shot that has it already stays as it is."""
    known = manifest.find(shot, "solve")
    if known is not None and known.key.startswith(manifest.IMPORTED):
        return
    numbers = shot.frame_numbers()
    frames = {}
    for number, pose, K in zip(numbers, truth.poses, truth.lens.K, strict=False):
        rows = [tuple(map(float, row)) for row in pose]
        fx, fy, cx, cy = (float(K[at]) for at in ((0, 0), (1, 1), (0, 2), (1, 2)))
        frames[number] = ImportedFrame(tuple(rows), fx, fy, cx, cy)  # type: ignore[arg-type]
    k1, k2, p1, p2 = map(float, truth.lens.distortion)
    camera = ImportedCamera(truth.truth_folder, frames, "metres", (k1, k2, p1, p2))
    with shot_lock(shot):
        write_into_shot(camera, shot, ImportOptions())


def read_people(clip: Path) -> list[Person]:
    folder = clip / "gt"
    found = []
    for file in sorted(folder.glob("joints_*.npz")) or [folder / "joints.npz"]:
        with np.load(file, allow_pickle=False) as stored:
            theirs = [str(name) for name in stored["names"]]
            names = tuple(name for name in LANDMARKS if name in theirs and name in human().names)
            at = [theirs.index(name) for name in names]
            joints, px = (np.asarray(stored[key], np.float64)[:, at] for key in ("joints", "joints_px"))
        found.append(Person(file.stem, names, joints, px))
    return found


def _scored(
    clip: Path, which: str, truth: TruthClip, people: list[Person], shot: ShotFolder, clock: Clock
) -> list[dict[str, Any]]:
    camera = read_camera(shot.root)
    numbers = shot.frame_numbers()
    cameras = cameras_of(camera, numbers)
    gauge = _gauge(cameras, truth)
    motions = [read_motion(path) for path in sorted((shot.root / "mocap").glob(f"*/{MOTION_FILE}"))]
    sights = Sights.of(shot.root, numbers, (camera.intrinsics.width, camera.intrinsics.height))
    rows = []
    for person, motion in zip(people, _matched(people, motions, cameras), strict=True):
        if motion is None:
            rows.append(_row(clip, which, person.name, clock, failure="nobody was captured there"))
            continue
        scores = {
            "ours": score_body(gauge.points(_joints(motion, person.names, numbers)), person.joints, person.names),
            "peer": score_body(
                gauge.points(sights.joints(cameras.cameras, person.px, person.names)), person.joints, person.names
            ),
        }
        rows.append(_row(clip, which, person.name, clock, scores, cameras, person))
    return rows


def _gauge(cameras: ShotCameras, truth: TruthClip) -> Sim3:
    """Takes our world to the truth's."""
    posed = cameras.posed
    ours = np.tile(np.eye(4), (int(posed.sum()), 1, 1))
    ours[:, :3, :3] = cameras.cameras.rotation[posed].transpose(0, 2, 1)
    ours[:, :3, 3] = cameras.centres[posed]
    return first_gauge(ours, truth.poses[: len(posed)][posed]).inverse()


def _matched(people: list[Person], motions: list[Motion], cameras: ShotCameras) -> list[Motion | None]:
    """The motion of each person, by where it is in the picture."""
    if not motions:
        return [None] * len(people)
    cost = np.full((len(people), len(motions)), 1e6)
    for row, person in enumerate(people):
        for column, motion in enumerate(motions):
            joints = _joints(motion, person.names, list(cameras.numbers))
            px = cameras.cameras.project(cameras.cameras.seen(joints))
            off = np.nanmedian(np.linalg.norm(px - person.px, axis=-1)) / np.ptp(person.px, axis=1).max()
            cost[row, column] = off if np.isfinite(off) else 1e6
    found: list[Motion | None] = [None] * len(people)
    for row, column in zip(*linear_sum_assignment(cost), strict=True):
        if cost[row, column] < 0.5:
            found[row] = motions[column]
    return found


def _joints(motion: Motion, names: Sequence[str], numbers: list[int]) -> Array:
    """[T,J,3] in the clip's frames; NaN where absent."""
    found = np.full((len(numbers), len(names), 3), np.nan)
    at = [motion.index(name) for name in names]
    for row, number in enumerate(motion.frames.tolist()):
        found[numbers.index(number)] = motion.joints[row, at]
    return found


def _row(
    clip: Path, which: str, person: str, clock: Clock, scores: dict[str, BodyScores] | None = None,
    cameras: ShotCameras | None = None, truth: Person | None = None, failure: str = "",
) -> dict[str, Any]:  # fmt: skip
    seconds, cpu = clock.read()
    return {
        "clip": clip.name, "camera": which, "person": person, "failure": failure, "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1), "joints": list(truth.names) if truth else [],
        "frames": len(cameras) if cameras else 0,
        **{who: asdict(one) for who, one in (scores or {}).items()},
    }  # fmt: skip


def _line(row: dict[str, Any]) -> str:
    title = f"{row['clip']} {row['person']}, {row['camera']} camera"
    if row["failure"]:
        return f"{title}: FAILED: {row['failure']}"
    lines = [f"{title}: {row['frames']} frames, {row['seconds']} s"]
    lines.append("       " + "".join(f"{name.replace('percent', '%').replace('_', ' '):>11}" for name in _COLUMNS))
    for who in ("ours", "peer"):
        lines.append(f"  {who:<5}" + "".join(f"{row[who][name]:>11.2f}" for name in _COLUMNS))
    gain = {name: 100.0 * (1.0 - row["ours"][name] / row["peer"][name]) for name in ("mpjpe", "wa")}
    lines.append(f"  MPJPE {gain['mpjpe']:.0f} % lower than the peer's, WA {gain['wa']:.0f} %")
    return "\n".join(lines)


def _header(rows: Sequence[dict[str, Any]]) -> str:
    joints = next((row["joints"] for row in rows if row["joints"]), [])
    return f"mm, but root % of the path and jitter x truth. Joints: {', '.join(joints)}"


if __name__ == "__main__":
    sys.exit(main())
