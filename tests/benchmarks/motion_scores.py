"""Motion masks against the truth masks of what moves: J, the region similarity of DAVIS (Perazzi et al., CVPR 2016).

Who stands still is no miss. The rule: an instance *moves* in frame t when, over a gap of `GAP` frames forwards or
backwards (the larger counts), it changes its place in the picture of camera t by at least `STILL_PX` px of a picture
640 px wide (in proportion for others) beyond what the camera's own movement explains. With truth joints that is the
median over the joints of the projected 3D displacement; without, the displacement of its mask's middle less that of
the same point fixed in the world (at its depth; at infinity without depth). Pixels of an instance that does not move
are neither hits nor misses in that frame, and a frame in which no instance moves is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.scoring import Array, project, unproject
from tests.benchmarks.truth import Mask, TruthClip, read_masks

GAP = 3
STILL_PX = 1.0
_PICTURE = 640.0
RULE = f"left out: frames in which no instance moves by {STILL_PX} px (of 640) in {GAP} frames beyond the camera"


@dataclass(frozen=True)
class MotionScore:
    """j: mean over the frames scored. worst: the lowest of them. false_percent: of the pixels that do not move, those
    called moving. scored, left_out: frames."""

    j: float
    worst: float
    false_percent: float
    scored: int
    left_out: int


def region_similarity(found: Mask, truth: Mask, counted: Mask | None = None) -> float:
    """J: intersection over union of two masks [H, W], over the pixels `counted`; 1 when both are empty."""
    among = np.ones(truth.shape, bool) if counted is None else counted
    union = ((found | truth) & among).sum()
    return 1.0 if union == 0 else float((found & truth & among).sum() / union)


def score_motion(clip: TruthClip, motion: Path, first: int) -> MotionScore | None:
    """Scores motion/frame_0001.png (moving above 127); first: the plate number of frame 0. None without truth masks.
    A frame without a file counts as one in which nothing was found."""
    moves = {name: instance_moves(clip, name) for name in clip.instances}
    if not moves:
        return None
    similar, false = [], []
    for t in range(len(clip.poses)):
        masks = {name: read_masks(clip.truth_folder / "masks" / name, t) for name in moves}
        there = {name: mask for name, mask in masks.items() if mask is not None}
        if not there:
            continue
        shape = next(iter(there.values())).shape
        moving, still = np.zeros(shape, bool), np.zeros(shape, bool)
        for name, mask in there.items():
            target = moving if moves[name][t] else still
            target |= mask
        found = _read(motion / f"frame_{first + t:04d}.png", shape)
        false.append(float((found & ~moving & ~still).sum() / max((~moving & ~still).sum(), 1)))
        if moving.any():
            similar.append(region_similarity(found, moving, ~still | moving))
    if not similar:
        return MotionScore(float("nan"), float("nan"), 100.0 * float(np.mean(false)), 0, len(false))
    return MotionScore(
        float(np.mean(similar)), min(similar), 100.0 * float(np.mean(false)), len(similar), len(false) - len(similar)
    )


def instance_moves(clip: TruthClip, name: str) -> NDArray[np.bool_]:
    """Whether an instance moves, [T] (the module's rule)."""
    count = len(clip.poses)
    least = STILL_PX * 2.0 * clip.lens.K[0, 0, 2] / _PICTURE
    joints = _joints(clip, name)
    places = None if joints is not None else [_middle(clip, name, t) for t in range(count)]
    moves = np.zeros(count, bool)
    for t in range(count):
        for other in (t - GAP, t + GAP):
            other = min(max(other, 0), count - 1)
            if other == t:
                continue
            if joints is not None:
                there, here = _seen(clip, t, joints[other]), _seen(clip, t, joints[t])
                shift = float(np.median(np.linalg.norm(there - here, axis=1)))
            else:
                assert places is not None
                shift = _unexplained(clip, places, t, other)
            moves[t] |= shift >= least
    return moves


def _joints(clip: TruthClip, name: str) -> Array | None:
    """World joints [T, J, 3] of an instance; None when it has none."""
    named = clip.truth_folder / f"joints_{name}.npz"
    only = clip.truth_folder / "joints.npz"
    path = named if named.is_file() else only
    if not path.is_file() or (path == only and not name.startswith("person")):
        return None
    with np.load(path) as file:
        return np.asarray(file["joints"], np.float64)


def _seen(clip: TruthClip, t: int, world: Array) -> Array:
    """Pixels [N, 2] of world points [N, 3] in frame t."""
    camera = (world - clip.poses[t, :3, 3]) @ clip.poses[t, :3, :3]
    return project(camera, clip.lens.K[t], clip.lens.distortion)


def _middle(clip: TruthClip, name: str, t: int) -> tuple[Array, float] | None:
    """The middle [2] px of an instance's mask and its median depth (nan without); None where it is not seen."""
    mask = read_masks(clip.truth_folder / "masks" / name, t)
    if mask is None or not mask.any():
        return None
    ys, xs = np.nonzero(mask)
    depth = clip.depth(t)
    known = np.zeros(0) if depth is None else depth[mask]
    known = known[np.isfinite(known) & (known > 0)]
    middle = np.array([xs.mean() + 0.5, ys.mean() + 0.5])
    return middle, float(np.median(known)) if len(known) else float("nan")


def _unexplained(clip: TruthClip, places: list[tuple[Array, float] | None], t: int, other: int) -> float:
    """How far the middle seen at `t` is, in `other`, from where it would be if it were fixed in the world, px."""
    here, there = places[t], places[other]
    if here is None or there is None:
        return 0.0
    far = 1e6 if np.isnan(here[1]) else here[1]
    camera = unproject(here[0][None], np.array([far]), clip.lens.K[t], clip.lens.distortion)
    world = camera @ clip.poses[t, :3, :3].T + clip.poses[t, :3, 3]
    return float(np.linalg.norm(_seen(clip, other, world)[0] - there[0]))


def _read(path: Path, shape: tuple[int, ...]) -> Mask:
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if path.is_file() else None
    return np.zeros(shape, bool) if picture is None else np.asarray(picture > 127)
