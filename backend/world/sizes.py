"""The scale of a world from what is known to have a size: a person's skeleton, or metric depth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidRequest

from .carriers import SKY

_CHAINS = (("head_top", "neck"), ("neck", "chest", "spine", "pelvis"))
_LEG = ("hip", "knee", "ankle", "heel")
_LEAST_SAMPLES = 20
_MOST_SPREAD = 0.35
"""Samples that disagree by more than that (robust standard deviation of the ratio) say nothing."""


@dataclass(frozen=True)
class MeasuredScale:
    """scale: multiplies the world to make it metres. spread: robust relative standard deviation of the samples
    that it is the median of."""

    scale: float
    spread: float
    samples: int


def scale_from_person(motion: Mapping[str, NDArray[Any]], height_m: float) -> MeasuredScale:
    """From a tracked person who is `height_m` tall. motion: arrays of mocap/*/motion.npz.

    Stature is measured along the bones, so that the person may bend and dance: head top, neck, trunk, pelvis,
    and the mean of the legs. Raises `InvalidRequest` without these joints or when frames disagree.
    """
    if not (np.isfinite(height_m) and height_m > 0.0):
        raise InvalidRequest(f"A person is not {height_m} m tall.", "Give the height in metres.")
    joints = {str(name): motion["joints"][:, i].astype(np.float64) for i, name in enumerate(motion["joint_names"])}
    stature = statures(joints)
    return _median_ratio(np.full(len(stature), height_m), stature[_tracked(motion)], "The person's bones", 1)


def statures(joints: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """[T], along the bones, of joints [T,3] by name. Raises `InvalidRequest` without those that it takes."""
    trunk = sum(_length(joints, _present(joints, chain)) for chain in _CHAINS)
    legs = [_length(joints, _present(joints, tuple(f"{side}_{part}" for part in _LEG))) for side in ("left", "right")]
    return np.asarray(trunk + (legs[0] + legs[1]) / 2.0)


def _present(joints: Mapping[str, NDArray[Any]], chain: tuple[str, ...]) -> tuple[str, ...]:
    """The chain without inner joints that the skeleton lacks."""
    missing = [name for name in (chain[0], chain[-1]) if name not in joints]
    if missing:
        raise InvalidRequest(f"The skeleton has no {missing[0]}.", "Set the scale from two places instead.")
    return tuple(name for name in chain if name in joints)


def _length(joints: Mapping[str, NDArray[Any]], chain: tuple[str, ...]) -> NDArray[Any]:
    """[T] summed length of the bones between neighbours of the chain."""
    bones = [np.linalg.norm(joints[b] - joints[a], axis=1) for a, b in pairwise(chain)]
    return np.asarray(np.sum(bones, axis=0))


def _tracked(motion: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    if "state" not in motion:
        return np.ones(len(motion["joints"]), bool)
    return np.array([str(state) == "tracked" for state in motion["state"]])


def scale_from_depth(world: NDArray[Any], metric: NDArray[Any]) -> MeasuredScale:
    """From depths [N] of the same pixels in the world's unit and in metres, such as a metric depth network's.
    Unknown (0) and sky samples are left out. Raises `InvalidRequest` for too few or disagreeing samples."""
    ours, theirs = np.asarray(world, np.float64).ravel(), np.asarray(metric, np.float64).ravel()
    good = np.isfinite(ours) & np.isfinite(theirs) & (ours > 0) & (theirs > 0) & (ours < SKY) & (theirs < SKY)
    return _median_ratio(theirs[good], ours[good], "The depths", _LEAST_SAMPLES)


def _median_ratio(metres: NDArray[Any], units: NDArray[Any], what: str, least: int) -> MeasuredScale:
    """Median of log ratios: symmetric in both, and deaf to a minority of any size of error."""
    count = min(len(metres), len(units))
    if count < least or not np.all(units[:count] > 0):
        raise InvalidRequest(f"{what} give {count} usable samples, {least} are needed.", "Set the scale by hand.")
    logs = np.log(metres[:count] / units[:count])
    middle = float(np.median(logs))
    spread = 1.4826 * float(np.median(np.abs(logs - middle)))
    if spread > _MOST_SPREAD:
        raise InvalidRequest(f"{what} disagree by {spread:.0%} on the scale.", "Set the scale by hand.")
    return MeasuredScale(float(np.exp(middle)), spread, count)
