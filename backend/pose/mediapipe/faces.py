"""MediaPipe's face mesh as the 70 points of OpenPose's faces."""

from __future__ import annotations

import numpy as np

from ..keypoints import Floats

_JAW = (127, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 356)
_BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
_NOSE = (168, 197, 5, 4, 75, 97, 2, 326, 305)
_RIGHT_EYE = (33, 160, 158, 133, 153, 144)
_LEFT_EYE = (362, 385, 387, 263, 373, 380)
_LIPS = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87)
_POINTS = (*_JAW, *_BROWS, *_NOSE, *_RIGHT_EYE, *_LEFT_EYE, *_LIPS)
"""Vertices of the mesh at iBUG's 68 landmarks, in their order: from the person's right to the left."""


def open_pose_face(mesh: Floats) -> Floats:
    """[70, 2] of a mesh [468, 2]. The pupils, which the mesh does not have, are in the middle of the eyes."""
    pupils = [mesh[list(eye)].mean(0) for eye in (_RIGHT_EYE, _LEFT_EYE)]
    return np.concatenate([mesh[list(_POINTS)], np.stack(pupils)]).astype(np.float32)
