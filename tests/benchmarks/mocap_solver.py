"""`build.py bench mocap_solver --clip DIR ...`: the body solver alone, from true joints made unsure.

The joints are those of rendered clips.

Joints in the picture get noise (--px) and a tenth of them are lost (--dropped); the "detector's" guess of the body's
shape is the truth with noise (--metres). Cameras are the true ones. Peer: the same guess, put into the world frame by
frame where it meets the picture best. Printed, in mm: MPJPE (hips aligned), PA (each frame aligned by a similarity),
W (nothing aligned), WA (the clip aligned by one similarity), travel of heels and toes in frames in which the true ones
travel less than 5 mm, and jitter (third differences) over the truth's.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from backend.mocap.contacts import Floor
from backend.mocap.evidence import Cameras, Evidence, nothing_seen
from backend.mocap.skeleton import Floats, Skeleton, human
from backend.mocap.solver import MotionSettings, solve_motion
from backend.mocap.start import place_of
from tests.benchmarks.scoring import umeyama

_FEET = ("left_heel", "left_foot_index", "right_heel", "right_foot_index")
_STANDS_M = 0.005


@dataclass(frozen=True)
class Truth:
    """joints [T,J,3]: of the names that both skeletons have."""

    names: tuple[str, ...]
    joints: Floats
    cameras: Cameras
    fps: float


@dataclass(frozen=True)
class Scores:
    """All in mm, but for jitter."""

    mpjpe: float
    pa: float
    w: float
    wa: float
    slide: float
    true_slide: float
    jitter: float


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="bench mocap_solver", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=Path, action="append", required=True, help="folder with gt/camera.npz, joints")
    parser.add_argument("--px", type=float, default=1.0)
    parser.add_argument("--metres", type=float, default=0.06)
    parser.add_argument("--dropped", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    rows = []
    for clip in given.clip:
        for file in _people(clip):
            truth = read_truth(clip, file)
            rows.append(_row(f"{clip.name}/{file.stem}", truth, given))
            if not given.json:
                print(_line(rows[-1]), flush=True)
    if given.json:
        print(json.dumps(rows, indent=1))
    return 0


def _people(clip: Path) -> list[Path]:
    several = sorted((clip / "gt").glob("joints_*.npz"))
    return several or [clip / "gt/joints.npz"]


def read_truth(clip: Path, file: Path) -> Truth:
    """The joints of one person that the solver's skeleton has too, and the true cameras."""
    with np.load(file, allow_pickle=False) as stored:
        names = [str(name) for name in stored["names"]]
        joints = stored["joints"].astype(np.float64)
    with np.load(clip / "gt/camera.npz") as camera:
        pose, matrix, fps = (
            camera["world_from_camera"].astype(np.float64),
            camera["K"].astype(np.float64),
            camera["fps"],
        )
    turn = pose[:, :3, :3].transpose(0, 2, 1)
    cameras = Cameras(matrix, turn, -np.einsum("tij,tj->ti", turn, pose[:, :3, 3]))
    both = tuple(name for name in human().names if name in names)
    return Truth(both, joints[:, [names.index(name) for name in both]], cameras, float(fps))


def unsure(truth: Truth, skeleton: Skeleton, px: float, metres: float, dropped: float, seed: int) -> Evidence:
    rng = np.random.default_rng(seed)
    at = [skeleton.index(name) for name in truth.names]
    hips = [truth.names.index(name) for name in ("left_hip", "right_hip")]
    seen = truth.cameras.project(truth.cameras.seen(truth.joints)) + rng.normal(0.0, px, (*truth.joints.shape[:2], 2))
    away = truth.joints - truth.joints[:, hips].mean(1, keepdims=True)
    guess = np.einsum("tij,tkj->tki", truth.cameras.rotation, away) + rng.normal(0.0, metres, away.shape)
    lost = rng.random(truth.joints.shape[:2]) < dropped
    evidence = nothing_seen(len(truth.joints), skeleton)
    evidence.xy[:, at], evidence.relative[:, at] = seen, guess
    evidence.sd_px[:, at], evidence.sd_m[:, at] = np.where(lost, np.inf, px), np.where(lost, np.inf, metres)
    return evidence


def score(found: Floats, truth: Truth) -> Scores:
    true = truth.joints
    hips = [truth.names.index(name) for name in ("left_hip", "right_hip")]
    feet = [truth.names.index(name) for name in _FEET]
    centred = [one - one[:, hips].mean(1, keepdims=True) for one in (found, true)]
    each = np.stack([umeyama(a, b).points(a) for a, b in zip(found, true, strict=True)])
    whole = umeyama(found.reshape(-1, 3), true.reshape(-1, 3)).points(found.reshape(-1, 3)).reshape(true.shape)
    travel = [np.linalg.norm(np.diff(one[:, feet], axis=0), axis=-1) for one in (found, true)]
    stands = travel[1] < _STANDS_M
    jerk = [float(np.linalg.norm(np.diff(one, 3, axis=0), axis=-1).mean()) for one in (found, true)]
    return Scores(
        mpjpe=_mm(centred[0] - centred[1]), pa=_mm(each - true), w=_mm(found - true), wa=_mm(whole - true),
        slide=1e3 * float(travel[0][stands].mean()), true_slide=1e3 * float(travel[1][stands].mean()),
        jitter=jerk[0] / jerk[1],
    )  # fmt: skip


def _mm(off: Floats) -> float:
    return 1e3 * float(np.linalg.norm(off, axis=-1).mean())


def placed(evidence: Evidence, truth: Truth, skeleton: Skeleton) -> Floats:
    """The peer: the guess of each frame by itself, in the world."""
    at = [skeleton.index(name) for name in truth.names]
    there = np.isfinite(evidence.sd_m)
    shape = np.where(there[..., None], evidence.relative, 0.0)
    places = np.array([place_of(truth.cameras, evidence, shape[t], t) for t in range(len(evidence))])
    camera = evidence.relative[:, at] + (places - truth.cameras.translation)[:, None]
    world: Floats = np.einsum("tji,tkj->tki", truth.cameras.rotation, camera)
    return world


def _row(name: str, truth: Truth, given: argparse.Namespace) -> dict[str, object]:
    skeleton = human()
    evidence = unsure(truth, skeleton, given.px, given.metres, given.dropped, given.seed)
    began, busy = time.perf_counter(), time.process_time()
    floor = Floor(np.array([0.0, 0.0, 1.0]), 0.0)
    motion = solve_motion(skeleton, truth.cameras, evidence, MotionSettings(truth.fps, floor))
    seconds, cpu = time.perf_counter() - began, time.process_time() - busy
    found = motion.body.joints()[:, [skeleton.index(name) for name in truth.names]]
    frames = len(truth.joints)
    return {
        "person": name, "frames": frames, "ours": asdict(score(found, truth)),
        "peer": asdict(score(placed(evidence, truth, skeleton), truth)),
        "ms_per_frame": 1e3 * seconds / frames, "cpu_ms_per_frame": 1e3 * cpu / frames,
    }  # fmt: skip


def _line(row: dict[str, object]) -> str:
    parts = [f"{row['person']:<26} {row['frames']} frames, {row['cpu_ms_per_frame']:.0f} ms CPU a frame"]
    for who in ("ours", "peer"):
        s = Scores(**row[who])  # type: ignore[arg-type]
        parts.append(
            f"  {who}: MPJPE {s.mpjpe:.1f} PA {s.pa:.1f} W {s.w:.1f} WA {s.wa:.1f} "
            f"slide {s.slide:.2f} (truth {s.true_slide:.2f}) jitter x{s.jitter:.2f}"
        )
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
