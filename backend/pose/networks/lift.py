"""MediaPipe's 3D for joints that another network saw in the picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..job import Mask, Picture
from ..keypoints import Floats, Keypoints
from ..places import Place
from ..protocol import Engine

_SAME = 0.12
"""Of the person's longer side: median distance of the two networks' joints up to which they saw one person alike."""

_SEEN = 0.5


class LiftedEngine:
    """Implements `engines.Engine`: the joints in the picture are those of `flat`, their relative 3D is that of `solid`,
    which also adds joints that `flat` does not know. Where the two contradict each other there is no 3D."""

    def __init__(self, flat: Engine, solid: Engine) -> None:
        self._flat, self._solid = flat, solid
        self.name, self.model = flat.name, flat.model
        self.version = f"{flat.version}+{solid.name} {solid.version}"

    def keypoints(self, picture: Picture, place: Place, mask: Mask | None) -> Keypoints | None:
        flat = self._flat.keypoints(picture, place, mask)
        if flat is None:
            return None
        solid = self._solid.keypoints(picture, place, mask)
        return flat if solid is None else lifted(flat, solid)


def lifted(flat: Keypoints, solid: Keypoints) -> Keypoints:
    """`flat` with what `solid` has more."""
    if solid.relative is None or solid.sd_m is None or not _alike(flat, solid):
        return flat
    more = [i for i, name in enumerate(solid.names) if name not in flat.names]
    names = (*flat.names, *(solid.names[i] for i in more))
    relative = np.zeros((len(names), 3), np.float32)
    sd_m = np.full(len(names), np.inf, np.float32)
    for at, name in enumerate(names):
        if name in solid.names:
            relative[at], sd_m[at] = solid.relative[solid.index(name)], solid.sd_m[solid.index(name)]
    return replace(
        flat,
        names=names,
        xy=_joined(flat.xy, solid.xy[more]),
        score=_joined(flat.score, solid.score[more]),
        sd_px=_joined(flat.sd_px, solid.sd_px[more]),
        relative=relative,
        sd_m=sd_m,
        hands=solid.hands if flat.hands is None else flat.hands,
        face=solid.face if flat.face is None else flat.face,
    )


def _joined(one: Floats, more: Floats) -> Floats:
    return np.concatenate([one, more]).astype(np.float32)


def _alike(flat: Keypoints, solid: Keypoints) -> bool:
    both = [name for name in flat.names if name in solid.names]
    mine, theirs = [flat.index(name) for name in both], [solid.index(name) for name in both]
    seen = (flat.score[mine] >= _SEEN) & (solid.score[theirs] >= _SEEN)
    if not seen.any():
        return False
    apart = np.linalg.norm(flat.xy[mine] - solid.xy[theirs], axis=1)[seen]
    side = max(flat.box[2] - flat.box[0], flat.box[3] - flat.box[1])
    return float(np.median(apart)) < _SAME * side
