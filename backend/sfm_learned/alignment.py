"""Sub-pixel places of matched keypoints.

A learned matcher places keypoints to about a pixel, each time anew. Every track keeps the patch of the first frame it
was matched in and is aligned with it in all others, as engine `sfm` does (`backend/sfm/patches.py`): that takes
both the matcher's noise and any constant offset of its keypoints out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from backend.sfm.frames import Flags, Floats, FrameSource, Indices, read_frames, working_size
from backend.sfm.patches import Alignment, Anchors, PatchAligner, Singles, smoothed
from backend.sfm.settings import Preset, longest_side, patch_radius
from backend.sfm.tracks import Tracks

_LEAST_LIKENESS = 0.8
_MOST_SHIFT_PX = 3.0
_ANCHOR_SIGMA_PX = 0.05
"""Of the patch's own place, working px: it is what the others are measured against."""


@dataclass(frozen=True)
class _Alive:
    """Tracks that have a patch and go on: number [N], affine [N, 2, 2] from its first frame, anchors."""

    number: Indices
    affine: Floats
    anchors: Anchors

    def select(self, keep: Flags) -> _Alive:
        return _Alive(self.number[keep], self.affine[keep], self.anchors.select(keep))

    def join(self, number: Indices, anchors: Anchors) -> _Alive:
        straight = np.broadcast_to(np.eye(2), (len(number), 2, 2))
        return _Alive(
            np.concatenate([self.number, number]), np.concatenate([self.affine, straight]), self.anchors.join(anchors)
        )


def align_tracks(source: FrameSource, tracks: Tracks, preset: Preset, checkpoint: Callable[[], None]) -> Tracks:
    """The tracks with every observation whose patch was found moved onto it, and with its sigma; the others stay as
    the matcher has them. One frame and the patches of the tracks under way are in memory."""
    size = working_size(source.width, source.height, longest_side(preset, source.width, source.height))
    work = _Aligning(
        tracks, size, np.array([source.width / size[0], source.height / size[1]]), patch_radius(preset, size)
    )
    for frame in read_frames(source, range(tracks.frames), size):
        checkpoint()
        work.step(frame.index, smoothed(frame.gray))
    return replace(tracks, xy=work.xy, sigma=work.sigma)


class _Aligning:
    def __init__(self, tracks: Tracks, size: tuple[int, int], scale: Floats, radius: int) -> None:
        self._tracks, self._size, self._scale = tracks, size, scale
        self.xy, self.sigma = tracks.xy.copy(), tracks.sigma.copy()
        self._aligner = PatchAligner(radius)
        self._alive = _Alive(np.zeros(0, np.int64), np.zeros((0, 2, 2)), self._aligner.empty())
        self._last = np.zeros(tracks.count, np.int64)
        np.maximum.at(self._last, tracks.track, tracks.frame)

    def step(self, index: int, picture: Singles) -> None:
        rows = self._tracks.rows_of(index)
        number, centre = self._tracks.track[rows], self._tracks.xy[rows] / self._scale - 0.5
        place = np.full(self._tracks.count, -1, np.int64)
        place[self._alive.number] = np.arange(len(self._alive.number))
        has_patch = place[number] >= 0
        self._align(rows[has_patch], place[number[has_patch]], centre[has_patch], picture)
        self._begin(rows[~has_patch], number[~has_patch], centre[~has_patch], picture)
        self._alive = self._alive.select(self._last[self._alive.number] > index)

    def _align(self, rows: Indices, place: Indices, centre: Floats, picture: Singles) -> None:
        if not len(rows):
            return
        before = self._alive.affine[place]
        found = self._aligner.align(self._alive.anchors.select(place), picture, centre, before)
        good = _believable(found, centre)
        self.xy[rows[good]] = (found.centre[good] + 0.5) * self._scale
        self.sigma[rows[good]] = found.sigma[good] * self._scale.mean()
        self._alive.affine[place[good]] = found.affine[good]

    def _begin(self, rows: Indices, number: Indices, centre: Floats, picture: Singles) -> None:
        """Takes the patches of tracks that have none, away from the picture's border."""
        margin = self._aligner.radius + 1.0
        inside = (centre > margin).all(1) & (centre < np.array(self._size) - 1.0 - margin).all(1)
        self._alive = self._alive.join(number[inside], self._aligner.anchor(picture, centre[inside]))
        self.sigma[rows[inside]] = _ANCHOR_SIGMA_PX * self._scale.mean()


def _believable(found: Alignment, centre: Floats) -> Flags:
    good: Flags = np.isfinite(found.centre).all(1) & (found.likeness > _LEAST_LIKENESS)
    good &= np.linalg.norm(found.centre - centre, axis=1) < _MOST_SHIFT_PX
    stretch = np.linalg.svd(np.nan_to_num(found.affine), compute_uv=False)
    good &= (stretch[:, 0] < 2.5) & (stretch[:, 1] > 0.4)
    return good
