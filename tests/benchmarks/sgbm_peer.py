"""The peer of the depth bench: OpenCV's semi-global block matching on a rectified pair of frames."""

from __future__ import annotations

import cv2
import numpy as np

from tests.benchmarks.scoring import Array

_WINDOW = 5


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
