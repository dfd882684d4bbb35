"""Tracks that the solver never sees, and how well a solved camera predicts them.

The tracks are the bench's own: corners (Shi and Tomasi, CVPR 1994) followed by pyramidal Lucas-Kanade; a track is
kept when following it back from its end to its start, through all its frames, returns to within `RETURN_PX`. Pixels
have their edges at integers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from tests.benchmarks.scoring import Array, Lens, project, unproject
from tests.benchmarks.truth import Mask

RETURN_PX = 0.75
LEAST_FRAMES = 8
_LONGEST = 40
_EVERY = 8
_AWAY_PX = 10
"""Tracks keep this far from what moves."""

Gray = NDArray[np.uint8]
_FLOW = {
    "winSize": (19, 19), "maxLevel": 4,
    "criteria": (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 0.003),
}  # fmt: skip


@dataclass(frozen=True)
class HeldTrack:
    """frames: consecutive indices [N]. xy: px [N, 2]."""

    frames: NDArray[np.int64]
    xy: Array


def follow(pictures: list[Path], moving: Callable[[int], Mask | None], wanted: int, seed: int) -> list[HeldTrack]:
    """At most `wanted` tracks in the parts of the clip that do not move, evenly from all starts."""
    grays = [_gray(path) for path in pictures]
    tracks: list[HeldTrack] = []
    for start in range(0, len(grays) - LEAST_FRAMES + 1, _EVERY):
        tracks += _from(grays, moving, start)
    chosen = np.random.default_rng(seed).permutation(len(tracks))[:wanted]
    return [tracks[n] for n in sorted(chosen.tolist())]


def _gray(path: Path) -> Gray:
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise FileNotFoundError(f"{path} is missing or no picture")
    return np.asarray(picture)


def _still(moving: Mask | None, shape: tuple[int, ...]) -> Gray:
    """255 where nothing moves, away from what does."""
    if moving is None:
        return np.full(shape, 255, np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _AWAY_PX + 1, 2 * _AWAY_PX + 1))
    return np.asarray(255 - 255 * cv2.dilate(moving.astype(np.uint8), disc))


def _from(grays: list[Gray], moving: Callable[[int], Mask | None], start: int) -> list[HeldTrack]:
    """Tracks of the corners of frame `start`, up to where each is lost."""
    corners = cv2.goodFeaturesToTrack(
        grays[start], 300, 0.01, 12, mask=_still(moving(start), grays[start].shape), blockSize=7
    )
    if corners is None:
        return []
    places = [corners.reshape(-1, 2)]
    ends = np.full(len(corners), min(start + _LONGEST, len(grays)) - 1)
    for t in range(start + 1, int(ends.max()) + 1):
        moved, good, _ = cv2.calcOpticalFlowPyrLK(grays[t - 1], grays[t], places[-1], None, **_FLOW)
        good = good.ravel().astype(bool) & _inside(moved, _still(moving(t), grays[t].shape))
        ends = np.where(~good & (ends >= t), t - 1, ends)
        places.append(moved)
    path = np.stack(places, 1).astype(np.float64)  # [N, T, 2]
    long = [n for n in range(len(path)) if ends[n] - start + 1 >= LEAST_FRAMES]
    home = _return(grays, path, ends, start, long)
    return [
        HeldTrack(np.arange(start, ends[n] + 1), path[n, : ends[n] - start + 1] + 0.5)
        for n in long
        if np.linalg.norm(home[n] - path[n, 0]) <= RETURN_PX
    ]


def _inside(places: Array, still: Gray) -> NDArray[np.bool_]:
    at = np.floor(places + 0.5).astype(int)
    height, width = still.shape
    ok = (at[:, 0] >= 10) & (at[:, 1] >= 10) & (at[:, 0] < width - 10) & (at[:, 1] < height - 10)
    ok[ok] = still[at[ok, 1], at[ok, 0]] > 0
    return np.asarray(ok)


def _return(grays: list[Gray], path: Array, ends: NDArray[np.int64], start: int, which: list[int]) -> dict[int, Array]:
    """Where each track of `which` ends up in frame `start` when it is followed back from its end."""
    at = {n: path[n, ends[n] - start] for n in which}
    for t in range(int(ends.max()), start, -1):
        now = [n for n in which if ends[n] >= t]
        if now:
            before = np.array([at[n] for n in now], np.float32)
            moved, good, _ = cv2.calcOpticalFlowPyrLK(grays[t], grays[t - 1], before, None, **_FLOW)
            for n, place, ok in zip(now, moved, good.ravel(), strict=True):
                at[n] = place.astype(np.float64) if ok else np.full(2, np.inf)
    return at


def hide(tracks: list[HeldTrack], frame: int, shape: tuple[int, int], radius: int) -> Mask:
    """Discs [H, W] about the tracks in a frame: what the solver must not look at."""
    hidden = np.zeros(shape, np.uint8)
    for track in tracks:
        for x, y in track.xy[track.frames == frame] - 0.5:
            cv2.circle(hidden, (round(float(x)), round(float(y))), radius, 255, -1)
    return np.asarray(hidden > 0)


def predict(track: HeldTrack, poses: dict[int, Array], lens: Lens) -> Array:
    """Errors, px, in the odd-numbered frames of a track's point that the even-numbered ones determine [N].

    The point is a direction from the first frame and an inverse distance, so that one without parallax (a camera
    that turns only) lies at infinity and is judged by its rays. Empty when fewer than two even frames are solved.
    """
    solved = np.array([t in poses for t in track.frames])
    frames, xy = track.frames[solved], track.xy[solved]
    even = np.arange(len(frames)) % 2 == 0
    if even.sum() < 2 or (~even).sum() < 1:
        return np.zeros(0)
    first = poses[int(frames[0])]
    ray = unproject(xy[:1], np.ones(1), lens.K[frames[0]], lens.distortion)[0]
    travelled = max(float(np.linalg.norm(poses[int(t)][:3, 3] - first[:3, 3])) for t in frames)

    def errors(p: Array, which: NDArray[np.bool_]) -> Array:
        far = first[:3, :3] @ np.array([p[0], p[1], 1.0])
        inverse = p[2] / travelled if travelled > 0 else 0.0
        left = []
        for t, seen in zip(frames[which], xy[which], strict=True):
            pose = poses[int(t)]
            camera = pose[:3, :3].T @ (far + inverse * (first[:3, 3] - pose[:3, 3]))
            camera[2] = max(camera[2], 1e-6)
            left.append(project(camera[None], lens.K[t], lens.distortion)[0] - seen)
        return np.array(left)

    starts = [np.array([ray[0], ray[1], depth]) for depth in (0.0, 0.1)]
    fits = [
        least_squares(lambda p: errors(p, even).ravel(), start, loss="soft_l1", x_scale="jac", max_nfev=40)
        for start in starts
    ]
    best = min(fits, key=lambda fit: float(fit.cost))
    distances: Array = np.linalg.norm(errors(best.x, ~even), axis=1)
    return distances
