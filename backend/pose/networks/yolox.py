"""People by YOLOX (Ge et al., "YOLOX: Exceeding YOLO Series in 2021") as an ONNX file, where MediaPipe is not set up.

It gives boxes; what follows people over the frames wants evidence of a person, and gets the box as its mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from backend.roto.people.evidence import LANDMARKS, Floats, PersonEvidence, Picture, Region, packed_mask

from .sessions import open_session, refuse

_STRIDES = (8, 16, 32)
_GREY = 114
_LEAST, _SHARED = 0.3, 0.45
_CLASSES = 80
_PERSON = 0
_REGION = 1.3
_USUAL = 640


class YoloxFinder:
    """Implements `backend.roto.people.sampling.Finder`. Raises `EngineUnavailable` for a file that is no such
    network."""

    def __init__(self, path: Path, device: str) -> None:
        self._session = open_session(path, device)
        shape = self._session.get_inputs()[0].shape
        self._side = shape[2] if isinstance(shape[2], int) else _USUAL
        found = self._run(np.full((self._side, self._side, 3), _GREY, np.uint8))
        if found.shape != (sum((self._side // stride) ** 2 for stride in _STRIDES), 5 + _CLASSES):
            raise refuse(path, f"it gives {found.shape}")

    def find(self, picture: Picture, near: Sequence[Region] = (), *, search: bool = True) -> list[PersonEvidence]:
        """Everybody in a picture, the surest first; `near` and `search` do not matter."""
        height, width = picture.shape[:2]
        scale = min(self._side / height, self._side / width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        shown = np.full((self._side, self._side, 3), _GREY, np.uint8)
        shown[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        boxes, scores = people(self._run(shown), self._side)
        found = [_evidence(box / scale, float(score), height, width) for box, score in zip(boxes, scores, strict=True)]
        return [one for one in found if one is not None]

    def _run(self, shown: Picture) -> Floats:
        """The network was taught with BGR of 0 to 255."""
        pixels = np.ascontiguousarray(shown[..., ::-1].transpose(2, 0, 1)[None], np.float32)
        came = self._session.run(None, {self._session.get_inputs()[0].name: pixels})
        return np.asarray(came[0][0], np.float32)


def people(raw: Floats, side: int) -> tuple[Floats, Floats]:
    """Boxes [P, 4] x0, y0, x1, y1 and scores [P], best first, of raw outputs [A, 5 + 80]: centre and logarithm of the
    size in strides, objectness, classes."""
    grids, strides = [], []
    for stride in _STRIDES:
        rows, columns = np.mgrid[: side // stride, : side // stride]
        grids.append(np.stack([columns.ravel(), rows.ravel()], 1))
        strides.append(np.full((len(grids[-1]), 1), stride))
    grid, step = np.concatenate(grids), np.concatenate(strides)
    middle, half = (raw[:, :2] + grid) * step, 0.5 * np.exp(np.clip(raw[:, 2:4], -10, 10)) * step
    score = raw[:, 4] * raw[:, 5 + _PERSON]
    order = [i for i in np.argsort(-score) if score[i] >= _LEAST]
    boxes = np.concatenate([middle - half, middle + half], 1)
    kept: list[int] = []
    for i in order:
        if all(_overlap(boxes[i], boxes[j]) < _SHARED for j in kept):
            kept.append(int(i))
    return boxes[kept].astype(np.float32), score[kept].astype(np.float32)


def _overlap(one: Floats, other: Floats) -> float:
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    shared = float(np.prod(np.maximum(high - low, 0.0)))
    both = float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])) - shared
    return shared / max(both, 1e-9)


def _evidence(box: Floats, score: float, height: int, width: int) -> PersonEvidence | None:
    """None for a box without a px in the picture."""
    x0, y0 = np.maximum(np.floor(box[:2]), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(box[2:]), (width, height)).astype(int)
    mask = np.zeros((height, width), np.float32)
    mask[y0:y1, x0:x1] = 1.0
    packed = packed_mask(mask)
    if packed is None:
        return None
    landmarks = np.ones((LANDMARKS, 4), np.float32)
    landmarks[:, 0] = 0.5 * (box[0] + box[2])
    landmarks[:, 1] = np.linspace(box[1], box[3], LANDMARKS)
    side = _REGION * float(max(box[2] - box[0], box[3] - box[1]))
    region = (float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2, side, 0.0)
    return PersonEvidence(score, 1.0, region, packed[0], landmarks, np.zeros((LANDMARKS, 3), np.float32), packed[1])
