"""The first pass over a clip: the network runs, and each frame's map is compared with the solved points and with the
frame before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from backend.depth.poses import Floats, Pose
from backend.inference.memory import Batches

from .edges import edges_of
from .fits import Fit, fit_frame, plenty
from .links import Link, Small, link, small_picture
from .maps import METRIC, DepthModel, Map, RawMap, inverse_of
from .predictions import PredictionStore
from .settings import LearnedSettings, Pictures
from .sparse import Samples, SparsePoints, samples_of

_KEPT = 200
"""Points of a frame that the scale of the world is judged by: they stay in memory."""


@dataclass(frozen=True)
class FrameFacts:
    """fit: to the solved points; None where there are too few, they agree on nothing, or nobody asked (`asked`).
    compared: it saw enough of them. link: to the frame before; None for the first. middle: median of the map's inverse
    depth. fov_deg: the network's guess. metres: (depth in world units, depth in metres) of its points, for metric
    models."""

    fit: Fit | None
    asked: bool
    compared: bool
    link: Link | None
    middle: float
    fov_deg: float | None
    metres: tuple[Floats, Floats] | None


def measure(
    poses: Sequence[Pose | None],
    points: SparsePoints,
    pictures: Pictures,
    model: DepthModel,
    settings: LearnedSettings,
    store: PredictionStore,
    step: Callable[[int], None],
    notice: Callable[[str], None],
) -> list[FrameFacts]:
    """What is known of every frame. Maps go into the store; those that are there already are taken from it. One chunk
    of pictures is in memory. Raises `OutOfMemory` when not even one fits the device, and what the store raises."""
    found: list[FrameFacts] = []
    before: tuple[Small, Map] | None = None
    focals = focals_of(poses)
    for index, (raw, small) in enumerate(_maps(pictures, model, store, notice)):
        now = small, _small_inverse(model, raw, small, focals[index], pictures.size)
        linked = None if before is None else link(model.kind, before, now)
        asked = index % settings.align_every == 0 or index == len(poses) - 1
        samples = samples_in(poses[index], points)
        x = _looked_up(model, raw, samples, focals[index], pictures.size) if samples is not None else None
        compared = x is not None and samples is not None and plenty(samples.xy[x > 0], pictures.size)
        found.append(
            FrameFacts(
                _fit(model.kind, x, samples, pictures.size) if asked else None,
                asked, compared, linked, float(np.median(now[1])), raw.fov_deg, _metres(model.kind, x, samples),
            )
        )  # fmt: skip
        before = now
        step(index)
    return found


def _maps(
    pictures: Pictures, model: DepthModel, store: PredictionStore, notice: Callable[[str], None]
) -> Iterator[tuple[RawMap, Small]]:
    batches = Batches(model.batch, "frames", notice)
    at = 0
    while at < len(pictures.numbers):
        if pictures.numbers[at] in store:
            yield store.read(pictures.numbers[at])
            at += 1
            continue
        chunk = [
            i for i in range(at, min(at + batches.size, len(pictures.numbers))) if pictures.numbers[i] not in store
        ]
        chunk = [i for k, i in enumerate(chunk) if i == at + k]
        frames = [pictures.of(i) for i in chunk]
        for i, picture, raw in zip(chunk, frames, batches.over(frames, model.predict), strict=True):
            small = small_picture(picture)
            store.write(pictures.numbers[i], raw, small)
            yield raw, small
        at += len(chunk)


def _missing(indices: Sequence[int], pictures: Pictures, store: PredictionStore) -> list[int]:
    """The indices up to the first whose map is there."""
    return list(takewhile(lambda index: pictures.numbers[index] not in store, indices))


def focals_of(poses: Sequence[Pose | None]) -> list[float | None]:
    """Focal length, px, of every frame: its own, or that of the nearest frame with a camera."""
    posed = np.array([i for i, pose in enumerate(poses) if pose is not None], np.int64)
    if not len(posed):
        return [None] * len(poses)
    nearest = (poses[int(posed[np.abs(posed - i).argmin()])] for i in range(len(poses)))
    return [None if pose is None else float(pose.K[0, 0]) for pose in nearest]


def _small_inverse(model: DepthModel, raw: RawMap, small: Small, focal: float | None, size: tuple[int, int]) -> Map:
    height, width = small.shape
    return inverse_of(
        model.kind, model.resized(raw, (height, width), None if focal is None else focal * width / size[1])
    )


def samples_in(pose: Pose | None, points: SparsePoints) -> Samples | None:
    """The points of a frame; None without a camera or without any point."""
    return None if pose is None or not len(points) else samples_of(pose, points)


def _looked_up(model: DepthModel, raw: RawMap, samples: Samples, focal: float | None, size: tuple[int, int]) -> Floats:
    """Inverse depth [K] of the map under the samples; 0 at edges, where nobody knows which side a point is on."""
    x = inverse_of(model.kind, model.resized(raw, size, focal))
    column, row = np.floor(samples.xy).astype(np.int64).T
    height, width = raw.values.shape
    edge = edges_of(model.kind, raw.values)
    at_edge = edge[row * height // size[0], column * width // size[1]]
    return np.where(at_edge, 0.0, x[row, column].astype(np.float64))


def _fit(kind: str, x: Floats | None, samples: Samples | None, size: tuple[int, int]) -> Fit | None:
    if x is None or samples is None:
        return None
    use = x > 0
    return fit_frame(kind, x[use], samples.depth[use], samples.log_sd[use], samples.xy[use], size)


def _metres(kind: str, x: Floats | None, samples: Samples | None) -> tuple[Floats, Floats] | None:
    if kind != METRIC or x is None or samples is None:
        return None
    use = np.nonzero(x > 0)[0]
    use = use[:: max(1, len(use) // _KEPT)]
    return samples.depth[use], 1.0 / x[use]
