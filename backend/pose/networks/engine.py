"""Keypoints of a person by a network with public weights."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..job import BALANCED, LIGHTWEIGHT, PERFORMANCE, Mask, Picture
from ..keypoints import FACE_POINTS, Box, Floats, Keypoints
from ..places import Place
from .boxes import Frame, frame_around
from .errors import sd_px
from .layouts import LAYOUTS, Layout

VERSION = "1"

_VIEWS: dict[str, tuple[tuple[float, bool], ...]] = {
    LIGHTWEIGHT: ((1.0, False),),
    BALANCED: ((1.0, False), (1.0, True)),
    PERFORMANCE: ((1.0, False), (1.0, True), (1.12, False), (1.12, True), (0.92, False), (0.92, True)),
}
"""By pose mode: how much larger the box is made, and whether it is mirrored."""

_NOBODY = 0.2
"""Median score of the body below which nobody is there."""


class Network(Protocol):
    """count: of its keypoints, one of LAYOUTS. width, height: px that it sees."""

    count: int
    width: int
    height: int

    def look(self, picture: Picture, frames: list[Frame]) -> tuple[Floats, Floats]:
        """xy [B, K, 2] in sizes of the frames, 0..1; score [B, K]."""
        ...


class TopDownEngine:
    """Implements `engines.Engine`. model: the weights' name. mode: one of MODES."""

    def __init__(self, name: str, model: str, network: Network, mode: str, *, hands_and_face: bool) -> None:
        self.name, self.model, self.version = name, model, VERSION
        self._network, self._views, self._parts = network, _VIEWS[mode], hands_and_face
        self._layout = LAYOUTS[network.count]

    def keypoints(self, picture: Picture, place: Place, mask: Mask | None) -> Keypoints | None:
        """See `engines.Engine`."""
        aspect = self._network.width / self._network.height
        frames = [frame_around(place.box, aspect, scale=scale, mirrored=mirror) for scale, mirror in self._views]
        share, score = self._network.look(picture, frames)
        xy = np.stack([frame.plate_xy(one) for frame, one in zip(frames, share, strict=True)])
        for at, frame in enumerate(frames):
            if frame.mirrored:
                xy[at], score[at] = xy[at, self._layout.order], score[at, self._layout.order]
        return self._keypoints(xy, score, place.box, picture.shape)

    def _keypoints(self, xy: Floats, score: Floats, box: Box, shape: tuple[int, ...]) -> Keypoints | None:
        middle = np.asarray(np.median(xy, 0), np.float32)
        spread = np.asarray(np.sqrt(xy.var(0).mean(-1)), np.float32)
        sure = np.asarray(np.median(score, 0), np.float32)
        inside = (middle >= 0).all(-1) & (middle[:, 0] < shape[1]) & (middle[:, 1] < shape[0])
        sure = np.where(inside, sure, 0.0).astype(np.float32)
        names, at = tuple(self._layout.names), list(self._layout.names.values())
        if float(np.median(sure[at])) < _NOBODY:
            return None
        return Keypoints(
            names,
            middle[at],
            sure[at],
            sd_px(names, sure[at], spread[at], box),
            box,
            float((sure[at] >= 0.5).mean()),
            hands=_hands(self._layout, middle, sure) if self._parts else None,
            face=_face(self._layout, middle, sure) if self._parts else None,
        )


def _hands(layout: Layout, xy: Floats, score: Floats) -> Floats | None:
    if layout.hands is None:
        return None
    points = np.concatenate([xy, score[:, None]], -1)
    return np.stack([points[first : first + 21] for first in layout.hands]).astype(np.float32)


def _face(layout: Layout, xy: Floats, score: Floats) -> Floats | None:
    """With pupils in the middle of the eyes: these networks have none."""
    if layout.face is None:
        return None
    points = np.concatenate([xy, score[:, None]], -1)[layout.face : layout.face + FACE_POINTS - 2]
    pupils = np.stack([points[36:42].mean(0), points[42:48].mean(0)])
    return np.concatenate([points, pupils]).astype(np.float32)
