"""Networks that give each joint's place as one distribution along x and one along y, as ONNX files.

Li et al., "SimCC" (ECCV 2022); Jiang et al., "RTMPose" (2023); Yang et al., "Effective Whole-body Pose Estimation with
Two-stages Distillation" (DWPose, ICCVW 2023).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..job import Picture
from ..keypoints import Floats
from .boxes import Frame, cut, normalised
from .layouts import LAYOUTS
from .sessions import open_session, refuse

_USUAL = (192, 256)
"""Width and height where the file leaves them open."""


class SimccNetwork:
    """Implements `engine.Network`. Raises `EngineUnavailable` for a file that is no such network."""

    def __init__(self, path: Path, device: str) -> None:
        self._session = open_session(path, device)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4 or len(outputs) != 2:
            raise refuse(path, f"it has {len(inputs)} inputs and {len(outputs)} outputs, not a picture and two axes")
        self._input = inputs[0].name
        self.width, self.height = _size(inputs[0].shape)
        self.count = self._probe(path)

    def _probe(self, path: Path) -> int:
        blank = np.zeros((self.height, self.width, 3), np.uint8)
        x, y = self._run([blank])
        if x.ndim != 3 or y.ndim != 3 or x.shape[1] != y.shape[1] or x.shape[1] not in LAYOUTS:
            raise refuse(path, f"its axes have the shapes {x.shape} and {y.shape}")
        return int(x.shape[1])

    def look(self, picture: Picture, frames: list[Frame]) -> tuple[Floats, Floats]:
        """xy [B, K, 2] in sizes of the frames, 0..1; score [B, K]."""
        x, y = self._run([cut(picture, frame, self.width, self.height) for frame in frames])
        return decoded(x, y, self.width, self.height)

    def _run(self, crops: list[Picture]) -> tuple[Floats, Floats]:
        """One crop at a time where the file was made for one."""
        pixels = normalised(crops)
        fixed = self._session.get_inputs()[0].shape[0] == 1
        batches = [pixels[i : i + 1] for i in range(len(pixels))] if fixed else [pixels]
        came: list[list[Any]] = [self._session.run(None, {self._input: batch}) for batch in batches]
        x, y = (np.concatenate([one[axis] for one in came]).astype(np.float32) for axis in (0, 1))
        return x, y


def decoded(x: Floats, y: Floats, width: int, height: int) -> tuple[Floats, Floats]:
    """Places [B, K, 2] in sizes of the crop and scores [B, K] of distributions x [B, K, bins], y [B, K, bins]. A bin is
    a part of a px, the first at the centre of the first px. The score is the lower of the two peaks."""
    place = np.stack([_peak(x) / x.shape[-1] + 0.5 / width, _peak(y) / y.shape[-1] + 0.5 / height], -1)
    score = np.clip(np.minimum(x.max(-1), y.max(-1)), 0.0, 1.0)
    return place.astype(np.float32), score.astype(np.float32)


def _peak(values: Floats) -> Floats:
    """Place of the maximum along the last axis, in bins, between them by a parabola."""
    at = values.argmax(-1)
    inner = np.clip(at, 1, values.shape[-1] - 2)
    before, middle, after = (np.take_along_axis(values, (inner + d)[..., None], -1)[..., 0] for d in (-1, 0, 1))
    curve = before - 2.0 * middle + after
    shift = np.where(curve < 0, 0.5 * (before - after) / np.where(curve < 0, curve, -1.0), 0.0)
    return np.asarray(np.where(at == inner, inner + np.clip(shift, -0.5, 0.5), at), np.float32)


def _size(shape: list[Any]) -> tuple[int, int]:
    height, width = shape[2], shape[3]
    if isinstance(height, int) and isinstance(width, int):
        return width, height
    return _USUAL
