"""Where the solver begins: every frame by itself, from the detector's guess of the body's shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .body import Body
from .evidence import LEAST_JOINTS, Cameras, Evidence, Flags, TooLittleSeen, View
from .skeleton import Floats, Skeleton

_ROUNDS = 4
_SMOOTH_S = 0.25
_LOOSE = 0.6
"""Standard deviation, radians, of how a segment turns against the one it hangs on."""


def first_body(skeleton: Skeleton, views: Sequence[View], fps: float, size: float) -> Body:
    """A body that stands about where the person does. Frames in which too little is seen are filled from those around.

    Raises `TooLittleSeen` when no frame shows enough.
    """
    frames = len(views[0].evidence)
    root, joints, sd = (
        np.full((frames, 3), np.nan),
        np.zeros((frames, len(skeleton), 3)),
        np.full((frames, len(skeleton)), np.inf),
    )
    for t in range(frames):
        for view in sorted(views, key=lambda one: -int(one.evidence.seen[t].sum())):
            cameras, evidence = view.cameras, view.evidence
            place = place_of(cameras, evidence, shape_at(evidence, t), t)
            if np.isfinite(place[0]):
                turn = cameras.rotation[t].T
                root[t] = turn @ (place - cameras.translation[t])
                joints[t], sd[t] = shape_at(evidence, t) @ turn.T, evidence.sd_m[t]
                break
    good = np.isfinite(root[:, 0])
    if not good.any():
        raise TooLittleSeen("no frame shows enough joints")
    root = _smooth(_filled(root, good), fps)
    turns = _turns(skeleton, joints + root[:, None], np.isfinite(sd), sd)
    return Body(skeleton, root, _carried(turns, good), size * skeleton.rest.copy(), size)


def _carried(turns: Floats, good: Flags) -> Floats:
    """Frames that show nothing begin as the nearest that does."""
    at = np.nonzero(good)[0]
    nearest = at[np.abs(np.arange(len(good))[:, None] - at).argmin(1)]
    found: Floats = turns[nearest]
    return found


def shape_at(evidence: Evidence, t: int) -> Floats:
    """[J,3] camera axes, from the middle of the hips; joints that the detector does not guess are 0."""
    shape: Floats = np.where(np.isfinite(evidence.sd_m[t])[:, None], evidence.relative[t], 0.0)
    return shape


def place_of(cameras: Cameras, evidence: Evidence, shape: Floats, t: int) -> Floats:
    """Where the middle of the hips is in camera t, m: what puts the guessed shape [J,3] onto the seen joints (linear in
    it); NaN when too few joints are both. Depths of joints differ little: pixels may be weighed as they are."""
    use = evidence.seen[t] & np.isfinite(evidence.sd_m[t])
    if use.sum() < LEAST_JOINTS:
        return np.full(3, np.nan)
    matrix = cameras.matrix[t]
    rays = (evidence.xy[t, use] - matrix[:2, 2]) / [matrix[0, 0], matrix[1, 1]]
    body = shape[use]
    sd = evidence.sd_px[t, use]
    place, weight = np.zeros(3), 1.0 / sd
    for _ in range(_ROUNDS):
        left = np.zeros((len(body), 2, 3))
        left[:, 0, 0] = left[:, 1, 1] = 1.0
        left[:, :, 2] = -rays
        right = rays * body[:, 2:] - body[:, :2]
        across = weight[:, None, None]
        place = np.linalg.lstsq((left * across).reshape(-1, 3), (right * across[:, :, 0]).ravel(), rcond=None)[0]
        off = np.linalg.norm((left @ place) - right, axis=1)
        spread = 1.48 * np.median(off) + 1e-9
        weight = 1.0 / sd / np.sqrt(1.0 + (off / (2.0 * spread)) ** 2)
    return place if place[2] > 0.0 else np.full(3, np.nan)


def _filled(values: Floats, good: Flags) -> Floats:
    at = np.arange(len(values))
    return np.stack([np.interp(at, at[good], values[good, axis]) for axis in range(values.shape[1])], 1)


def _smooth(values: Floats, fps: float) -> Floats:
    """Running median: a guess of one frame is off by a decimetre along the line of sight."""
    half = max(1, round(_SMOOTH_S * fps))
    padded = np.pad(values, ((half, half), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=0)
    found: Floats = np.median(windows, axis=-1)
    return found


def _turns(skeleton: Skeleton, joints: Floats, known: Flags, sd: Floats) -> Floats:
    """[T,S,3,3]: each segment turned so that the next known joints beyond it come nearest to where they are, and not
    far from what it hangs on: Wahba's problem by singular values (Markley 1988)."""
    frames = len(joints)
    turns = np.broadcast_to(np.eye(3), (frames, len(skeleton.segments), 3, 3)).copy()
    trunk = [skeleton.index(f"{side}_{part}") for side in ("left", "right") for part in ("hip", "shoulder")]
    at_rest = skeleton.at_rest
    for t in range(frames):
        whole = _trunk_turn(at_rest[trunk], joints[t, trunk], known[t, trunk])
        for s, joint in enumerate(skeleton.segments):
            parent = int(skeleton.parents[joint])
            base = whole if parent < 0 else turns[t, skeleton.segment_of[parent]]
            hung = _next_known(skeleton, int(joint), known[t])
            rest, seen = at_rest[hung] - at_rest[joint], joints[t, hung] - joints[t, joint]
            weight = 1.0 / (sd[t, hung] ** 2 + sd[t, joint] ** 2)
            if not known[t, joint]:
                rest, seen, weight = _centred(rest, seen, sd[t, hung])
            turns[t, s] = _nearest_turn((weight[:, None] * seen).T @ rest + base / _LOOSE**2)
    return turns


def _centred(rest: Floats, seen: Floats, sd: Floats) -> tuple[Floats, Floats, Floats]:
    """Of a segment whose own joint is not known: only how the joints beyond lie to each other says anything."""
    if len(rest) < 2:
        return np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0)
    return rest - rest.mean(0), seen - seen.mean(0), 1.0 / sd**2


def _trunk_turn(rest: Floats, seen: Floats, known: Flags) -> Floats:
    if known.sum() < 3:
        return np.eye(3)
    return _nearest_turn((seen[known] - seen[known].mean(0)).T @ (rest[known] - rest[known].mean(0)))


def _nearest_turn(matrix: Floats) -> Floats:
    """The rotation nearest to a matrix [3,3]."""
    u, _, vt = np.linalg.svd(matrix)
    found: Floats = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
    return found


def _next_known(skeleton: Skeleton, joint: int, known: Flags) -> list[int]:
    """The known joints that hang on one, past those that are not known."""
    found: list[int] = []
    for child in np.nonzero(skeleton.parents == joint)[0].tolist():
        found += [child] if known[child] else _next_known(skeleton, child, known)
    return found
