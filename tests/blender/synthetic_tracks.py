"""`camera/tracks.npz` of a synthetic shot: what an exact tracker would have seen of its points."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from shared.shot import ShotFolder
from tests.blender.synthetic_shot import Truth

KEY = "tracking one"


def write_tracks(
    root: Path, truth: Truth, *, key: str = KEY, state: dict[int, int] | None = None, gap: int | None = None
) -> dict[int, dict[int, np.ndarray]]:
    """A track for each point, with the point's number times ten as its id. state: of some ids. gap: a frame that no
    track was seen in. Returns id -> frame -> px. Points outside the picture are not seen."""
    plan = truth.plan
    seen: dict[int, dict[int, np.ndarray]] = {10 * number: {} for number in range(len(truth.xyz))}
    for index, frame in enumerate(truth.frames.tolist()):
        pixels = truth.project(index, truth.xyz, distorted=True)
        inside = ((pixels > 1) & (pixels < (plan.width - 1, plan.height - 1))).all(axis=1)
        for number in np.flatnonzero(inside if frame != gap else np.zeros_like(inside)):
            seen[10 * int(number)][frame] = pixels[number].astype(np.float32)
    seen = {number: found for number, found in seen.items() if len(found) >= 2}
    ids = np.array(list(seen), np.int64)
    row = np.repeat(np.arange(len(ids)), [len(found) for found in seen.values()])
    error = np.random.default_rng(1).uniform(0.1, 3.0, len(ids)).astype(np.float32)
    np.savez(
        ShotFolder(root).tracks,
        version=np.int32(1),
        key=np.array(key),
        id=ids,
        name=np.array([""] * len(ids)),
        state=np.array([(state or {}).get(number, 0) for number in ids.tolist()], np.uint8),
        point=(ids // 10).astype(np.int32),
        row=row.astype(np.int32),
        frame=np.array([frame for found in seen.values() for frame in found], np.int32),
        xy=np.array([xy for found in seen.values() for xy in found.values()], np.float32).reshape(-1, 2),
        used=np.ones(len(row), bool),
        error=error[row],
    )
    return seen
