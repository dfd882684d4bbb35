"""A clip's depth from a network, frame after frame, in the world of the solve where solved points say what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from backend.depth.frame import SKY, FrameDepth, Mask
from backend.depth.poses import Floats, Pose

from .alignment import Alignment, align
from .confidence import UNALIGNED, confidence_of, expected_error, steepness
from .edges import sharpened
from .fits import applied
from .maps import METRIC, DepthModel, Map, inverse_of
from .measure import focals_of, measure, samples_in
from .predictions import PredictionStore
from .settings import LearnedSettings, Pictures, no_notice, no_step
from .sparse import SparsePoints

_FARTHEST_M = 1000.0
"""Metric networks give the sky a depth of kilometres: what they put beyond counts as sky."""

_FAR_SHARE = 0.02
"""Of the frame's median inverse depth: fifty times as far as the median is far."""

_SKY_ERROR = 0.1


@dataclass(frozen=True)
class Prepared:
    """A clip whose maps are in `store` and whose parameters are known: `frames` only applies them."""

    poses: Sequence[Pose | None]
    points: SparsePoints
    pictures: Pictures
    model: DepthModel
    settings: LearnedSettings
    store: PredictionStore
    alignment: Alignment


def prepare(
    poses: Sequence[Pose | None],
    points: SparsePoints,
    pictures: Pictures,
    model: DepthModel,
    settings: LearnedSettings,
    store: PredictionStore,
    step: Callable[[int], None] = no_step,
    notice: Callable[[str], None] = no_notice,
) -> Prepared:
    """Runs the network over the clip and finds every frame's parameters. poses: by index, None for a frame without a
    solved camera; all None for a shot without a solve. step: hears each finished index. Raises `SolveError` when the
    network contradicts the solve, `OutOfMemory`, `DiskFull`, `ShotReadOnly`."""
    if not (len(poses) == len(pictures.numbers) > 0):
        raise ValueError(f"{len(poses)} poses for {len(pictures.numbers)} pictures")
    facts = measure(poses, points, pictures, model, settings, store, step, notice)
    alignment = align(model.kind, model.name, pictures.numbers, facts)
    for sentence in alignment.notices:
        notice(sentence)
    return Prepared(poses, points, pictures, model, settings, store, alignment)


def frames(prepared: Prepared, wanted: Sequence[int] | None = None) -> Iterator[FrameDepth]:
    """The depth of the clip's frames in order, or of the wanted indices: in world units, or as `alignment.unit` says.
    One picture and its maps are in memory."""
    focals = focals_of(prepared.poses)
    for index in range(len(prepared.poses)) if wanted is None else wanted:
        yield _frame(prepared, index, focals[index])


def _frame(prepared: Prepared, index: int, focal: float | None) -> FrameDepth:
    model, found = prepared.model, prepared.alignment.smoothed
    raw, _ = prepared.store.read(prepared.pictures.numbers[index])
    values = model.resized(raw, prepared.pictures.size, focal)
    if prepared.settings.edges:
        small = model.resized(raw, raw.values.shape[:2], focal)
        values = sharpened(model.kind, small, values, prepared.pictures.of(index))
    x = inverse_of(model.kind, values)
    value, covariance = found.value[index], found.covariance[index]
    inverse = np.asarray(applied(model.kind, value, x), np.float32)
    spread = _spread(model.kind, covariance, x, inverse)
    far = x < 1.0 / _FARTHEST_M if model.kind == METRIC else _endless(inverse, spread)
    error = np.hypot(_expected(prepared, index, inverse, far), 0.5 * steepness(inverse))
    error = np.where(far, _SKY_ERROR, np.hypot(error, spread / np.maximum(inverse, 1e-12)))
    depth = np.where(far, SKY, 1.0 / np.where(far, 1.0, inverse)).astype(np.float32)
    return FrameDepth(prepared.pictures.numbers[index], depth, confidence_of(error))


def _endless(inverse: Map, spread: Map) -> Mask:
    """bool [H, W]: where a relative map cannot be told from infinity, and is far: however uncertain a frame's shift is,
    what is near is not sky."""
    near = inverse[inverse > 0]
    least = _FAR_SHARE * float(np.median(near)) if len(near) else 0.0
    return np.asarray(inverse <= np.clip(spread, 1e-9, max(least, 1e-9)))


def _spread(kind: str, covariance: Floats, x: Map, inverse: Map) -> Map:
    """Standard deviation of inverse depth [H, W] from that of the parameters."""
    if kind == METRIC:
        return np.asarray(inverse * np.sqrt(max(float(covariance[0, 0]), 0.0)), np.float32)
    a, b, c = covariance[0, 0], covariance[0, 1], covariance[1, 1]
    return np.asarray(np.sqrt(np.maximum(a * x * x + 2.0 * b * x + c, 0.0)), np.float32)


def _expected(prepared: Prepared, index: int, inverse: Map, far: Mask) -> Map:
    """Expected relative error [H, W] from what the frame's points missed."""
    size = prepared.pictures.size
    usual = prepared.alignment.spread
    if usual is None:
        return np.full(size, UNALIGNED, np.float32)
    samples = samples_in(prepared.poses[index], prepared.points)
    if samples is None:
        return expected_error(size, np.zeros((0, 2)), np.zeros(0), usual)
    column, row = np.floor(samples.xy).astype(np.int64).T
    near = ~far[row, column]
    missed = np.log(inverse[row, column][near].astype(np.float64) * samples.depth[near])
    return expected_error(size, samples.xy[near], missed, usual)
