"""The peer of `bench roto`: OpenCV's GrabCut from the same box, carried from frame to frame by DIS optical flow."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.mask_scores import Mask

Picture = NDArray[np.uint8]
Box = tuple[int, int, int, int]
_ROUNDS = 5


@dataclass(frozen=True)
class PeerRun:
    """masks: frame index -> mask, from the first on that has a box. seconds: without reading pictures."""

    masks: dict[int, Mask]
    seconds: float


def grabcut_dis(picture: Callable[[int], Picture], count: int, first: int, box: Box) -> PeerRun:
    """picture: index -> BGR. box: x0, y0, x1, y1 of the object in frame `first`."""
    before = picture(first)
    started = time.perf_counter()
    seconds = 0.0
    masks = {first: first_mask(before, box)}
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    soft = masks[first].astype(np.float32)
    for index in range(first + 1, count):
        seconds += time.perf_counter() - started
        now = picture(index)
        started = time.perf_counter()
        soft = _carried(flow, before, now, soft)
        masks[index] = soft >= 0.5
        before = now
    return PeerRun(masks, seconds + time.perf_counter() - started)


def first_mask(picture: Picture, box: Box) -> Mask:
    x0, y0, x1, y1 = box
    marked = np.zeros(picture.shape[:2], np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(picture, marked, (x0, y0, x1 - x0, y1 - y0), *models, _ROUNDS, cv2.GC_INIT_WITH_RECT)
    return np.asarray((marked == cv2.GC_FGD) | (marked == cv2.GC_PR_FGD))


def _carried(flow: cv2.DISOpticalFlow, before: Picture, now: Picture, soft: NDArray[np.float32]) -> NDArray[np.float32]:
    """Every pixel of now takes the mask from where it was before."""
    old, new = (cv2.cvtColor(one, cv2.COLOR_BGR2GRAY) for one in (before, now))
    moved = flow.calc(new, old, None)  # type: ignore[call-overload]
    rows, columns = np.mgrid[: soft.shape[0], : soft.shape[1]].astype(np.float32)
    return np.asarray(
        cv2.remap(soft, columns + moved[..., 0], rows + moved[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    )


def box_of(mask: Mask) -> Box:
    """x0, y0, x1, y1, half-open, around a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
