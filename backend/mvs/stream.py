"""A clip's depth, frame after frame, with a bounded number of pictures and maps in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from backend.depth.frame import FrameDepth
from backend.depth.poses import Pose

from .choose import camera_points, choose_sources, in_picture
from .consistency import DepthMap, agreed
from .estimate import Estimate, estimate
from .fill import filled
from .settings import MvsSettings
from .views import Floats, View

ViewOf = Callable[[int], View]
"""Index into the clip to the undistorted view; may be called again for one that was dropped."""

_KEPT_VIEWS = 24
_NEAREST = 1.3
"""How much nearer than the nearest sparse point (its 0.5 percentile) a surface may be."""


class Recent:
    """Views by index, the least recently used dropped."""

    def __init__(self, view_of: ViewOf, most: int = _KEPT_VIEWS) -> None:
        self._view_of, self._most = view_of, most
        self._kept: OrderedDict[int, View] = OrderedDict()

    def __getitem__(self, index: int) -> View:
        view = self._kept.pop(index) if index in self._kept else self._view_of(index)
        self._kept[index] = view
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return view


def clip_depth(
    poses: Sequence[Pose | None],
    points: Floats,
    view_of: ViewOf,
    settings: MvsSettings,
    wanted: Sequence[int] | None = None,
    checkpoint: Callable[[], None] = lambda: None,
) -> Iterator[FrameDepth]:
    """The depth of every frame with a pose, in order. poses: by index, None where the solve failed. points [N, 3]: the
    solve's, world. wanted: indices to yield, all by default; their neighbours are estimated as well."""
    views = Recent(view_of)
    posed = [i for i, pose in enumerate(poses) if pose is not None]
    estimates: dict[int, Estimate | None] = {}
    for index in posed if wanted is None else [i for i in wanted if poses[i] is not None]:
        confirming = confirmers(index, posed, settings)
        for one in (index, *confirming):
            if one not in estimates:
                checkpoint()
                estimates[one] = _estimated(one, poses, points, views, settings)
        own = estimates[index]
        if own is not None:
            others = [estimates[i] for i in confirming]
            sources = _sources(index, poses, points, settings)
            yield checked(own, [one.map for one in others if one is not None], sources, settings)
        for old in [i for i in estimates if i < index - max(settings.confirmers)]:
            del estimates[old]


def confirmers(index: int, posed: Sequence[int], settings: MvsSettings) -> list[int]:
    """The frames whose maps a frame is checked against: on both sides, more of one where the clip ends."""
    place = posed.index(index)
    there = [place + sign * away for away in settings.confirmers for sign in (-1, 1)]
    return [posed[i] for i in there if 0 <= i < len(posed)]


def _sources(index: int, poses: Sequence[Pose | None], points: Floats, settings: MvsSettings) -> list[Pose]:
    pose = poses[index]
    assert pose is not None
    low, high = max(0, index - settings.reach), index + settings.reach + 1
    others = [other for other in poses[low:high] if other is not None]
    return choose_sources(pose, others, points[in_picture(pose, points)], settings)


def _estimated(
    index: int, poses: Sequence[Pose | None], points: Floats, views: Recent, settings: MvsSettings
) -> Estimate | None:
    """None for a frame without sources."""
    pose = poses[index]
    assert pose is not None
    sources = _sources(index, poses, points, settings)
    if not sources:
        return None
    by_number = {other.number: i for i, other in enumerate(poses) if other is not None}
    z = camera_points(pose, points[in_picture(pose, points)])[:, 2]
    near = _NEAREST / float(np.percentile(z, 0.5))
    return estimate(views[index], [views[by_number[one.number]] for one in sources], near, settings)


def checked(own: Estimate, others: Sequence[DepthMap], sources: Sequence[Pose], settings: MvsSettings) -> FrameDepth:
    """The map as its neighbours leave it: confirmed, averaged, holes filled."""
    with torch.inference_mode():
        said = agreed(own.map, others, settings.consistent)
        needed = min(settings.confirmed_by, len(others))
        usable = own.map.view.usable > 0
        known = (said.votes >= needed) & (said.votes > said.against) & (own.photometric > 0) & usable
        share = said.votes / max(len(others), 1)
        sure = 0.5 + 0.5 * (0.6 * share + 0.4 * own.photometric).clamp(0.0, 1.0)
        inverse = filled(said.inverse, known, own.map.view.gray)
        confidence = torch.where(known, sure, 0.25 * own.photometric + 0.05)
        depth = torch.where(inverse > 1e-9, 1.0 / inverse.clamp_min(1e-9), torch.full_like(inverse, 1e10))
    numbers = tuple(one.number for one in sources)
    return FrameDepth(own.map.view.number, depth.cpu().numpy(), confidence.cpu().numpy(), numbers)
