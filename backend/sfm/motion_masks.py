"""Masks of what moves by itself, frame by frame: a bounded window of pictures, no whole clip in memory.

Per frame: evidence (motion_evidence.py) of it and its two neighbours, brought together along the flow; colours of
moving and still things (appearance.py); labels that end at edges (edge_aware.py), brought to the plate's size along
the plate's own edges. What stands still in some frames is bridged by its tracks, its colours and its neighbours in
time; somebody who stands still for longer than that is not found while standing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .appearance import Appearance, colour_cells
from .edge_aware import ColourGuide, settle_labels
from .frames import Flags, FrameSource, Indices, Picture, working_size
from .motion_evidence import GAPS, Evidence, Witness
from .scene import Scene
from .sliding import without_sliders
from .still_background import StillBackground, same_pose
from .track_motion import TrackMotion
from .tracks import Tracks

Singles = NDArray[np.float32]

_LONGEST = 480
"""Working resolution: px of the longer side."""

_NEIGHBOUR = 0.5
"""Weight of the evidence of the frames before and after."""

_STRENGTH = 9.0
_COLOUR_ODDS = 2.0
_RADIUS, _PLATE_RADIUS = 1.0 / 24.0, 1.0 / 120.0
"""Windows of the guided filter over the picture's width: for labels, and for their rim at plate size."""

_LOOKS, _LOOK_LONGEST = 4, 240
"""Frames of a clip that are looked at before every frame is, and the longer side, px, that they are looked at with."""

_LEAST_SHARE, _PLAIN = 0.0015, 8.0
"""Share of a picture that something must cover to count as moving; what covers less than eight times that must do so
in two of the frames looked at."""

_CLEAR_PX, _LEAST_TRACKS = 1.0 / 640.0, 6
"""What a still point leaves of a track, over the picture's width, that is clearly a movement; and how many such tracks
something must have, being most of those on it, where the camera moves."""


@dataclass(frozen=True)
class _Working:
    """A frame at working resolution."""

    rgb: Picture
    gray: Picture


class MotionMasks:
    """uint8 [H, W] of every frame in order, 0 static .. 255 moving, or None where nothing moves. May be gone through
    more than once; `source` must still be open then. tracks: all there were, with their motion's odds. px: plate px per
    tracking px."""

    def __init__(
        self, source: FrameSource, scene: Scene, tracks: Tracks, motion: TrackMotion, checkpoint: Callable[[], None],
        px: float = 1.0,
    ) -> None:  # fmt: skip
        self._source, self._count, self._checkpoint = source, len(source.numbers), checkpoint
        self._plate = (source.width, source.height)
        self._size = working_size(*self._plate, _LONGEST)
        self._scene, self._tracks, self._motion, self._px = scene, tracks, motion, px

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Picture | None]:
        if self.anything_moves():
            # What slides is told from what moves only where something seems to move: that reads the plate.
            self._motion = without_sliders(
                self._source, self._scene, self._tracks, self._motion, self._px, self._checkpoint
            )  # fmt: skip
        if not self.anything_moves():
            yield from (None for _ in range(self._count))
            return
        appearance = Appearance()
        background = StillBackground(self._scene, lambda index: self._load(index, self._size).rgb)
        for t, working, odds in self._gathered():
            self._checkpoint()
            absent = background.odds(t, working.rgb)
            if absent is not None:
                odds = np.where(absent > 0.0, np.maximum(odds, 0.0) + absent, odds)
            yield self._mask(t, working, odds, appearance)

    def anything_moves(self) -> bool:
        """A look at a few frames: those where most tracks move, and some between. Something moves when it does in two
        of them, or when it is large: what does so in one alone is an edge that flow got wrong."""
        found, size = 0, working_size(*self._plate, _LOOK_LONGEST)
        witness = self._witness(size)
        for t in self._frames_to_look_at().tolist():
            self._checkpoint()
            window = {i: self._load(i, size) for i in (t - max(GAPS), t, t + max(GAPS)) if 0 <= i < self._count}
            seen = witness.evidence(t, {i: w.gray for i, w in window.items()})
            label = settle_labels(seen.odds, _guide(window[t].rgb), _STRENGTH, 2, None)
            share = largest_share(self._confirmed(t, label > 0.0, _LEAST_TRACKS)) / _LEAST_SHARE
            found += 2 if share > _PLAIN else int(share > 1.0)
            if found >= 2:
                return True
        return False

    def _confirmed(self, t: int, moving: Flags, least: int) -> Flags:
        """The regions [h, w] of `moving` that so many tracks confirm. Where the camera moves, flow alone is wrong at
        the edges of near things, on blank walls and on highlights. Before a camera that stands nothing is seen to move
        but what does."""
        neighbours = [i for i in (t - max(GAPS), t + max(GAPS)) if 0 <= i < self._count]
        if np.isin(neighbours, same_pose(self._scene, t)).all():
            return moving
        return confirmed_by_tracks(moving, self._tracks, self._motion, t, self._plate, least)

    def _witness(self, size: tuple[int, int]) -> Witness:
        return Witness(self._scene, self._tracks, self._motion, self._plate, size)

    def _frames_to_look_at(self) -> Indices:
        moving = self._motion.moving[self._tracks.track]
        busiest = np.argsort(-np.bincount(self._tracks.frame[moving], minlength=self._count), kind="stable")[:2]
        spread = np.linspace(0, self._count - 1, _LOOKS)[1:-1]
        return np.unique(np.r_[busiest, np.rint(spread).astype(np.int64)])

    def _gathered(self) -> Iterator[tuple[int, _Working, Singles]]:
        """Every frame with its odds, those of its neighbours in time added along the flow."""
        witness = self._witness(self._size)
        pictures: dict[int, _Working] = {}
        found: dict[int, Evidence] = {}
        for t in range(self._count):
            for ahead in range(t, min(t + 2, self._count)):
                if ahead not in found:
                    self._fill(pictures, ahead)
                    found[ahead] = witness.evidence(ahead, {i: p.gray for i, p in pictures.items()})
            yield t, pictures[t], _joined(t, found)
            found.pop(t - 1, None)

    def _fill(self, pictures: dict[int, _Working], t: int) -> None:
        """The pictures that frame t needs, and no more."""
        for i in range(max(0, t - max(GAPS)), min(self._count, t + max(GAPS) + 1)):
            if i not in pictures:
                pictures[i] = self._load(i, self._size)
        for old in [i for i in pictures if i < t - max(GAPS)]:
            del pictures[old]

    def _load(self, index: int, size: tuple[int, int]) -> _Working:
        small = np.asarray(cv2.resize(self._source.rgb(index), size, interpolation=cv2.INTER_AREA), np.uint8)
        return _Working(small, np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8))

    def _mask(self, t: int, working: _Working, odds: Singles, appearance: Appearance) -> Picture | None:
        guide, cells = _guide(working.rgb), colour_cells(working.rgb)
        label = settle_labels(odds, guide, _STRENGTH, 3, None)
        for _ in range(2):
            looks = appearance.odds(cells, 0.5 * (1.0 + label), _COLOUR_ODDS)
            label = settle_labels(odds + looks, guide, _STRENGTH, 2, label)
        label = np.where((label > 0.0) & ~self._confirmed(t, label > 0.0, 1), -label, label)
        appearance.remember(cells, 0.5 * (1.0 + label))
        if largest_share(label > 0.0) < 0.2 * _LEAST_SHARE:
            return None
        return self._at_plate_size(t, label)

    def _at_plate_size(self, t: int, label: Singles) -> Picture:
        fine = ColourGuide(self._source.rgb(t), self._size, max(1, round(self._size[0] * _PLATE_RADIUS)))
        mask: Picture = np.clip(np.rint(127.5 * (1.0 + fine(label))), 0, 255).astype(np.uint8)
        return mask


def _guide(rgb: Picture) -> ColourGuide:
    """Of labels: half as fine as the working picture."""
    size = max(rgb.shape[1] // 2, 1), max(rgb.shape[0] // 2, 1)
    return ColourGuide(rgb, size, max(2, round(size[0] * _RADIUS)))


def confirmed_by_tracks(
    moving: Flags, tracks: Tracks, motion: TrackMotion, t: int, plate: tuple[int, int], least: int
) -> Flags:
    """The regions of `moving` [h, w] in frame t, of the plate (w, h), that have at least so many tracks of their own
    which move clearly, most of those on them, as judged over all of their lives."""
    height, width = moving.shape
    count, region = cv2.connectedComponents(moving.astype(np.uint8))
    rows = tracks.rows_of(t)
    rows = rows[motion.judged[tracks.track[rows]]]
    track = tracks.track[rows]
    x, y = np.floor(tracks.xy[rows] * [width, height] / plate).astype(np.int64).T
    under = region[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
    clear = motion.moving[track] & (motion.left_px[track] > _CLEAR_PX * plate[0])
    there, agreed = np.bincount(under, minlength=count), np.bincount(under, clear, minlength=count)
    confirmed = (agreed >= least) & (agreed > 0.5 * there)
    confirmed[0] = False
    found: Flags = confirmed[region]
    return found


def largest_share(moving: NDArray[np.bool_]) -> float:
    """Share of the picture that the largest connected moving region has."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(moving.astype(np.uint8))
    return 0.0 if count < 2 else float(stats[1:, cv2.CC_STAT_AREA].max()) / moving.size


def _joined(t: int, found: dict[int, Evidence]) -> Singles:
    """Odds of frame t, with those of the frames before and after where the flow from t leads to."""
    total, weight = found[t].odds.copy(), 1.0
    for step, flow in found[t].flows.items():
        if t + step not in found:
            continue
        y, x = np.mgrid[0 : flow.shape[0], 0 : flow.shape[1]].astype(np.float32)
        other = found[t + step].odds
        total += np.float32(_NEIGHBOUR) * cv2.remap(
            other, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        weight += _NEIGHBOUR
    return np.asarray(total / np.float32(weight), np.float32)
