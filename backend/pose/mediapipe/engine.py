"""A person's joints by the networks in MediaPipe's wheel."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backend.roto.people.evidence import BODY, Look, Region

from ..crops import Crop, crop_around
from ..job import Mask, Picture
from ..keypoints import Box, Floats, Keypoints, box_around
from ..places import Place
from ..protocol import MEDIAPIPE, Looker
from .centres import NAMES
from .errors import sd_m, sd_px
from .merge import merged
from .parts import HandsAndFace
from .views import VIEWS

VERSION = "4"
"""Part of the keys: a method that sees other things has another."""

_SIDE = 384
"""px of a body's region in what is sent: one and a half times what the network sees."""

_ROOM = 0.15
_FARTHEST, _LARGEST = 0.5, 2.5
"""Of a region that the network asks for, against the one it was given: in its sides, and as a factor."""

_TOUCHES, _SQUEEZED = 0.01, 0.05
"""Of the region's side: how near to the picture's edge a person counts as cut off by it, and how far from it the joints
are then drawn that are beyond."""


class MediapipeEngine:
    """mode: one of MODES."""

    name = MEDIAPIPE
    model = ""

    def __init__(self, looker: Callable[[], Looker], mode: str, *, hands_and_face: bool) -> None:
        self._looker, self._views = looker, VIEWS[mode]
        self._parts = HandsAndFace(looker) if hands_and_face else None

    @property
    def version(self) -> str:
        return VERSION

    def keypoints(self, picture: Picture, place: Place, mask: Mask | None) -> Keypoints | None:
        """See `engines.Engine`. Raises `WorkerCrashed`."""
        crop = crop_around(picture, place.region, _SIDE, _ROOM)
        if crop is None:
            return None
        region = crop.inside(place.region)
        if mask is not None:
            asked = self._asked_for(crop, region)
            if asked is None:
                return None
            region = asked
        looks = self._looks(crop, region)
        if not looks:
            return None
        body = self._body(looks, crop, region, margins(place, picture.shape))
        if self._parts is None or body.relative is None:
            return body
        hands, face = self._parts.find(picture, body.xy, body.score, body.relative)
        return replace(body, hands=hands, face=face)

    def _asked_for(self, crop: Crop, region: Region) -> Region | None:
        """The region that the network would rather look at; a mask's box says little of where the hips are."""
        (first,) = self._looker().look(crop.picture, BODY, [region], [False])
        if first is None:
            return None
        return first.refined if _is_near(first.refined, region) else region

    def _looks(self, crop: Crop, region: Region) -> list[Look]:
        regions = [view.region(region) for view in self._views]
        came = self._looker().look(crop.picture, BODY, regions, [view.mirrored for view in self._views])
        return [look for look in came if look is not None and np.isfinite(look.landmarks).all()]

    def _body(self, looks: list[Look], crop: Crop, region: Region, seen: Box) -> Keypoints:
        """seen: x0, y0, x1, y1, in which joints are believed to be where the network has them."""
        found = merged(looks)
        xy = crop.plate_xy(found.xy)
        inside = _is_inside(xy, seen)
        score = np.where(inside, found.score, 0.0).astype(np.float32)
        return Keypoints(
            NAMES,
            xy,
            score,
            np.asarray(sd_px(found, inside, region[2]) / crop.scale, np.float32),
            box_around(xy, 0.05),
            float((score >= 0.5).mean()),
            found.relative,
            sd_m(found),
        )


def _is_near(region: Region, other: Region) -> bool:
    if not all(map(math.isfinite, region)) or region[2] <= 1.0:
        return False
    apart = math.hypot(region[0] - other[0], region[1] - other[1])
    return apart < _FARTHEST * other[2] and 1.0 / _LARGEST < region[2] / other[2] < _LARGEST


def margins(place: Place, shape: tuple[int, ...]) -> Box:
    """The part of a picture, x0, y0, x1, y1, in which a person's joints may be believed. Of somebody who is cut off by
    the picture's edge the network draws what is beyond just inside of it."""
    height, width = shape[:2]
    size = place.region[2]
    reach, near = _SQUEEZED * size, max(2.0, _TOUCHES * size)
    x0, y0, x1, y1 = place.box
    return (
        reach if x0 <= near else 0.0,
        reach if y0 <= near else 0.0,
        width - (reach if x1 >= width - near else 0.0),
        height - (reach if y1 >= height - near else 0.0),
    )


def _is_inside(xy: Floats, seen: Box) -> NDArray[np.bool_]:
    x0, y0, x1, y1 = seen
    return (xy[:, 0] >= x0) & (xy[:, 1] >= y0) & (xy[:, 0] < x1) & (xy[:, 1] < y1)
