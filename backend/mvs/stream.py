"""A clip's depth, frame after frame, with a bounded number of pictures and maps in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from backend.depth.frame import FrameDepth
from backend.depth.poses import Pose

from .choose import camera_points, choose_confirmers, choose_sources, in_picture
from .estimate import Estimate, estimate
from .settings import Checkpoint, MvsSettings
from .surface import checked
from .views import Floats, View

ViewOf = Callable[[int], View]
"""Index into the clip to the undistorted view; may be called again for one that was dropped."""

_KEPT_VIEWS = 24
_POINTS = 3000
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
    checkpoint: Checkpoint = lambda: None,
) -> Iterator[FrameDepth]:
    """The depth of every frame with a pose, in order. poses: by index, None where the solve failed. points [N, 3]: the
    solve's, world. wanted: indices to yield, all by default; their neighbours are estimated as well."""
    clip = _Clip(poses, _thinned(points), Recent(view_of), settings)
    estimates: dict[int, Estimate | None] = {}
    for index in [i for i in (range(len(poses)) if wanted is None else wanted) if poses[i] is not None]:
        confirming = clip.confirmers(index)
        for one in (index, *confirming):
            if one not in estimates:
                checkpoint()
                estimates[one] = clip.estimated(one, checkpoint)
        own = estimates[index]
        if own is not None:
            maps = [found.map for found in (estimates[i] for i in confirming) if found is not None]
            yield checked(own, maps, tuple(one.number for one in clip.sources(index)), settings)
        for old in [i for i in estimates if i < index - settings.confirm_reach]:
            del estimates[old]


def _thinned(points: Floats) -> Floats:
    """Every n-th of the points [N, 3]: enough to choose frames by."""
    return points[:: max(1, len(points) // _POINTS)]


@dataclass(frozen=True)
class _Clip:
    """What is known of the whole clip. poses: by index. points [N, 3]: world."""

    poses: Sequence[Pose | None]
    points: Floats
    views: Recent
    settings: MvsSettings

    def sources(self, index: int) -> list[Pose]:
        """The frames that a frame is matched with."""
        pose = self._pose(index)
        return choose_sources(pose, self._around(index, self.settings.reach), self._seen(pose), self.settings)

    def confirmers(self, index: int) -> list[int]:
        """Indices of the frames whose maps a frame is checked against."""
        pose = self._pose(index)
        others = self._around(index, self.settings.confirm_reach)
        picked = {one.number for one in choose_confirmers(pose, others, self._seen(pose), self.settings)}
        return [i for i, one in enumerate(self.poses) if one is not None and one.number in picked]

    def estimated(self, index: int, checkpoint: Checkpoint) -> Estimate | None:
        """A frame's map; None without sources."""
        numbers = {one.number for one in self.sources(index)}
        if not numbers:
            return None
        pose = self._pose(index)
        near = _NEAREST / float(np.percentile(camera_points(pose, self._seen(pose))[:, 2], 0.5))
        sources = [self.views[i] for i, one in enumerate(self.poses) if one is not None and one.number in numbers]
        return estimate(self.views[index], sources, near, self.settings, checkpoint)

    def _pose(self, index: int) -> Pose:
        pose = self.poses[index]
        assert pose is not None
        return pose

    def _seen(self, pose: Pose) -> Floats:
        return self.points[in_picture(pose, self.points)]

    def _around(self, index: int, reach: int) -> list[Pose]:
        near = self.poses[max(0, index - reach) : index + reach + 1]
        return [one for one in near if one is not None]
