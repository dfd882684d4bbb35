"""How far a body's joints are from the truth, as papers on bodies in the world measure it. All arrays are metres.

MPJPE: joints from the middle of the hips. PA-MPJPE: each frame aligned by a similarity. World MPJPE: nothing aligned.
W-MPJPE: windows of 100 frames, aligned by the similarity of their first two frames; WA-MPJPE: of all their frames (Ye
et al., "Decoupling Human and Camera Motion from Videos in the Wild", CVPR 2023; Shin et al., "WHAM", CVPR 2024). Root
error: of the middle of the hips after the rigid alignment of its whole path, over that path's length. Slide: travel of
heels and toes from frame to frame while the true ones travel less than 5 mm. Jitter: mean third difference over the
truth's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.scoring import Array, umeyama

FEET = ("left_heel", "left_foot_index", "right_heel", "right_foot_index")
STANDS_M = 0.005
WINDOW = 100


@dataclass(frozen=True)
class BodyScores:
    """mm, but for root_percent and jitter (times the truth's). frames: that were scored; known: share of the clip's."""

    mpjpe: float
    pa: float
    world: float
    w: float
    wa: float
    root_percent: float
    slide: float
    true_slide: float
    jitter: float
    frames: int
    known: float


def score_body(found: Array, true: Array, names: Sequence[str]) -> BodyScores:
    """found, true [T,J,3]: of the same joints; frames of NaN are left out of the errors."""
    known = np.isfinite(found).all((1, 2))
    if known.sum() < 4:
        raise ValueError(f"only {int(known.sum())} frames are known")
    hips = [names.index(name) for name in ("left_hip", "right_hip")]
    a, b = found[known], true[known]
    roots = [one[:, hips].mean(1) for one in (a, b)]
    each = np.stack([umeyama(x, y).points(x) for x, y in zip(a, b, strict=True)])
    slide, true_slide = _slides(found, true, [names.index(name) for name in FEET])
    return BodyScores(
        mpjpe=_mm((a - roots[0][:, None]) - (b - roots[1][:, None])), pa=_mm(each - b), world=_mm(a - b),
        w=_windowed(a, b, 2), wa=_windowed(a, b, WINDOW), root_percent=_root_percent(*roots),
        slide=slide, true_slide=true_slide, jitter=_jerk(found) / _jerk(np.where(known[:, None, None], true, np.nan)),
        frames=int(known.sum()), known=float(known.mean()),
    )  # fmt: skip


def _windowed(found: Array, true: Array, aligned: int) -> float:
    """Mean over windows of up to 100 frames, each aligned by its first frames."""
    errors = []
    for start in range(0, len(found), WINDOW):
        a, b = found[start : start + WINDOW], true[start : start + WINDOW]
        gauge = umeyama(a[:aligned].reshape(-1, 3), b[:aligned].reshape(-1, 3))
        errors.append(np.linalg.norm(gauge.points(a.reshape(-1, 3)) - b.reshape(-1, 3), axis=-1))
    return 1e3 * float(np.concatenate(errors).mean())


def _root_percent(found: Array, true: Array) -> float:
    path = float(np.linalg.norm(np.diff(true, axis=0), axis=1).sum())
    moved = umeyama(found, true, with_scale=False).points(found)
    return 100.0 * float(np.linalg.norm(moved - true, axis=1).mean()) / max(path, 1e-9)


def _slides(found: Array, true: Array, feet: Sequence[int]) -> tuple[float, float]:
    travel = [np.linalg.norm(np.diff(one[:, feet], axis=0), axis=-1) for one in (found, true)]
    stands = (travel[1] < STANDS_M) & np.isfinite(travel[0])
    if not stands.any():
        return float("nan"), float("nan")
    return 1e3 * float(travel[0][stands].mean()), 1e3 * float(travel[1][stands].mean())


def _jerk(joints: Array) -> float:
    return float(np.nanmean(np.linalg.norm(np.diff(joints, 3, axis=0), axis=-1)))


def _mm(off: Array) -> float:
    return 1e3 * float(np.linalg.norm(off, axis=-1).mean())
