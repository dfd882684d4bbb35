"""The peer of the depth bench: OpenCV's semi-global block matching on a rectified pair of frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from tests.benchmarks.depth_scores import score_depth
from tests.benchmarks.scoring import Array
from tests.benchmarks.truth import Mask, TruthClip

_WINDOW = 5

_AWAY = (1, 2, 4, 8, 12)
"""How many frames away the neighbours are that it may be paired with, beside the sources that our engine took."""


def best_pair(
    clip: TruthClip, paths: Sequence[Path], index: int, sources: Sequence[int], wanted: tuple[Array, Mask]
) -> Array:
    """SGBM's depth [H, W] of a frame with the neighbour that gives the most pixels within 3 %: a choice that needs the
    truth, in its favour. wanted: truth depth, and which pixels count. Metres; 0 where it says nothing."""
    truth, counted = wanted
    near = float(np.percentile(truth[counted], 0.5)) / 1.3
    others = {index + sign * away for away in _AWAY for sign in (-1, 1)} | set(sources)
    best, most = np.zeros_like(truth), -1.0
    for other in sorted(one for one in others if 0 <= one < len(paths) and one != index):
        pictures = [np.asarray(cv2.imread(str(paths[i]), cv2.IMREAD_GRAYSCALE)) for i in (index, other)]
        pair = (clip.lens.K[index], clip.lens.K[other]), (clip.poses[index], clip.poses[other])
        found = sgbm_depth(pictures[0], pictures[1], *pair, near)
        score = score_depth(found, truth, counted, found > 0)
        if score.delta * score.coverage > most:
            best, most = found, score.delta * score.coverage
    return best


def sgbm_depth(first: Array, second: Array, K: tuple[Array, Array], poses: tuple[Array, Array], near: float) -> Array:
    """Planar depth [H, W] of the first of two gray uint8 pictures; 0 where SGBM says nothing. poses: world_from_camera.
    near: the least depth of the scene. OpenCV's StereoSGBM (Hirschmueller 2008) in its 8-path mode with left-right and
    uniqueness check, the settings of OpenCV's own sample."""
    height, width = first.shape
    relative = np.linalg.inv(poses[1]) @ poses[0]
    cv_K = [k - np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]) for k in K]
    none = np.zeros(5)
    turn0, turn1, P0, P1, _, _, _ = cv2.stereoRectify(
        cv_K[0], none, cv_K[1], none, (width, height), relative[:3, :3].copy(), relative[:3, 3:].copy(), alpha=-1
    )
    upright = abs(P1[0, 3]) >= abs(P1[1, 3])
    straight = [
        cv2.remap(
            picture, *cv2.initUndistortRectifyMap(k, none, turn, P, (width, height), cv2.CV_32FC1), cv2.INTER_LINEAR
        )
        for picture, k, turn, P in ((first, cv_K[0], turn0, P0), (second, cv_K[1], turn1, P1))
    ]
    shift = float(P1[0, 3] if upright else P1[1, 3])  # -focal * baseline: negative when the second lies to the right
    disparity = _matched(straight, upright, shift < 0, abs(shift) / near)
    return _unrectified(disparity, abs(shift), cv_K[0], turn0, P0, (height, width))


def _matched(straight: list[Array], upright: bool, right: bool, most: float) -> Array:
    """Disparity [H, W] of the first, nan where unknown; pictures above each other or in the other order are turned."""
    pair = [one if upright else one.T for one in straight]
    pair = [np.ascontiguousarray(one if right else one[:, ::-1]) for one in pair]
    count = int(np.ceil(max(most, 16) / 16) * 16)
    area = _WINDOW * _WINDOW
    matcher = cv2.StereoSGBM_create(
        minDisparity=0,
        numDisparities=min(count, 256),
        blockSize=_WINDOW,
        P1=8 * area,
        P2=32 * area,
        disp12MaxDiff=1,
        uniquenessRatio=10,
        speckleWindowSize=100,
        speckleRange=2,
        mode=cv2.STEREO_SGBM_MODE_HH,
    )
    found = matcher.compute(*pair).astype(np.float64) / 16.0
    found[found <= 0] = np.nan
    found = found if right else found[:, ::-1]
    return found if upright else found.T


def _unrectified(disparity: Array, shift: float, K: Array, turn: Array, P: Array, size: tuple[int, int]) -> Array:
    height, width = size
    y, x = np.mgrid[:height, :width].astype(np.float64)
    rays = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(K).T
    turned = rays @ turn.T
    u, v = (P[i, i] * turned[..., i] / turned[..., 2] + P[i, 2] for i in (0, 1))
    found = cv2.remap(disparity, u.astype(np.float32), v.astype(np.float32), cv2.INTER_NEAREST, borderValue=np.nan)
    depth = shift / found / turned[..., 2]  # rays have z = 1, so depth along the view is scale itself
    return np.where(np.isfinite(depth) & (turned[..., 2] > 0), depth, 0.0)
