"""Landmarks of given regions of a picture, as it is or mirrored: what a region is taken for wavers with how it lies in
the network's picture, and a mirrored one errs in another way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from shared.errors import MalformedMessage

from ..evidence import BODY, HAND, PARTS, Floats, Look, Picture, Region
from .graphs import Networks

_BODY_MIRROR = (0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9, *(i + 1 if i % 2 else i - 1 for i in range(11, 33)))
"""Of BlazePose's landmarks, which one each is in a mirror."""


def look_at(
    networks: Networks, picture: Picture, part: str, regions: Sequence[Region], mirrored: Sequence[bool]
) -> list[Look | None]:
    """Raises `MalformedMessage` for an unknown part."""
    if part not in PARTS:
        raise MalformedMessage(f"There is no landmark network for {part!r}; there is: {', '.join(PARTS)}.")
    turned = np.ascontiguousarray(picture[:, ::-1]) if any(mirrored) else picture
    found = []
    for region, mirror in zip(regions, mirrored, strict=True):
        if mirror:
            look = networks.look(turned, part, mirrored_region(region, picture.shape[1]))
            found.append(None if look is None else mirrored_look(look, part, picture.shape[1]))
        else:
            found.append(networks.look(picture, part, region))
    return found


def mirrored_region(region: Region, width: int) -> Region:
    x, y, size, turn = region
    return width - x, y, size, -turn


def mirrored_look(look: Look, part: str, width: int) -> Look:
    """The look in the picture as it was before it was mirrored. A face keeps its points' order: that is done where
    they are named."""
    order = list(_BODY_MIRROR) if part == BODY else list(range(len(look.landmarks)))
    landmarks: Floats = look.landmarks[order]
    landmarks[:, 0] = width - landmarks[:, 0]
    world: Floats = look.world[order]
    world[:, 0] *= -1.0
    score = 1.0 - look.score if part == HAND else look.score
    return replace(look, landmarks=landmarks, world=world, refined=mirrored_region(look.refined, width), score=score)
