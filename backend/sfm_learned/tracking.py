"""Tracks of a whole clip from a learned matcher, at a size that the device has memory for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backend.inference.memory import Batches, release
from backend.sfm.frames import FrameSource, read_frames, working_size
from backend.sfm.progress import Steps
from backend.sfm.settings import SfmSettings
from backend.sfm.tracking import CHECKPOINT_NAME
from backend.sfm.tracks import Tracks, load_tracks, save_tracks
from shared.errors import CutInClip, OutOfMemory, TooFewFeatures

from .alignment import align_tracks
from .graph import MatchGraph, thinned
from .matches import PairMatcher
from .stream import MatchStream, PairPlan

_SMALLER = 0.75
_SMALLEST = 240
"""Longer side, px, below which matching makes no sense: a device that cannot do this much is too small."""

_LEAST_TRACKS = 30
_LEAST_LINKS = 30
_LOOK_AROUND = 3


@dataclass(frozen=True)
class MatchPlan:
    """longest: px of the longer side that frames are matched at. keypoints: most in a frame, for models that detect
    them. pairs: which frames meet."""

    longest: int
    keypoints: int
    pairs: PairPlan


def match_plan(features: int) -> MatchPlan:
    """The plan of a preset that keeps so many features in a frame."""
    if features <= 600:
        return MatchPlan(640, 1024, PairPlan((1, 3), 4))
    if features <= 1200:
        return MatchPlan(832, 2048, PairPlan((1, 2, 4, 8), 8))
    if features <= 2200:
        return MatchPlan(1024, 3072, PairPlan((1, 2, 4, 8, 16), 12))
    return MatchPlan(1280, 4096, PairPlan((1, 2, 3, 5, 8, 13, 21), 16))


def track_by_matching(
    source: FrameSource, matcher: PairMatcher, settings: SfmSettings, steps: Steps, notice: Callable[[str], None]
) -> Tracks:
    """Tracks of at least three frames, px of the plate. Raises `TooFewFeatures`, `CutInClip` and `OutOfMemory`."""
    saved = None if settings.checkpoint is None else settings.checkpoint / CHECKPOINT_NAME
    key = f"{matcher.name}:{settings.tracking_key}:{source.width}x{source.height}:{len(source.numbers)}"
    tracks = load_tracks(saved, key) if saved is not None else None
    if tracks is None:
        tracks = _track(source, matcher, settings, steps, notice)
        if saved is not None:
            save_tracks(saved, tracks, key)
    return tracks


def _track(
    source: FrameSource, matcher: PairMatcher, settings: SfmSettings, steps: Steps, notice: Callable[[str], None]
) -> Tracks:
    with steps.step("matching", "Matching frames", 0.45):
        tracks = _matched_at_some_size(source, matcher, settings, steps, notice)
    _require_tracks(tracks, source)
    with steps.step("aligning", "Aligning features", 0.5):
        return align_tracks(source, tracks, settings.preset, steps)


def _matched_at_some_size(
    source: FrameSource, matcher: PairMatcher, settings: SfmSettings, steps: Steps, notice: Callable[[str], None]
) -> Tracks:
    """Matched at the preset's size, or at the largest below it that fits the device."""
    longest = min(match_plan(settings.preset.features).longest, max(source.width, source.height))
    while True:
        fitting = _matched(source, matcher, settings, longest, steps, notice)
        if fitting is not None:
            return fitting
        smaller = int(longest * _SMALLER)
        if smaller < _SMALLEST:
            raise OutOfMemory(
                f"The device has too little memory to match even two frames at {longest} px.",
                "Close other programs, run this job on another device (--device cpu), or use engine sfm.",
            )
        notice(f"The device has too little memory to match frames at {longest} px: {smaller} px is used instead.")
        longest = smaller


def _matched(
    source: FrameSource,
    matcher: PairMatcher,
    settings: SfmSettings,
    longest: int,
    steps: Steps,
    notice: Callable[[str], None],
) -> Tracks | None:
    """None when not even one pair of this size fits."""
    size = working_size(source.width, source.height, longest)
    scale = np.array([source.width / size[0], source.height / size[1]])
    plan, px = match_plan(settings.preset.features), float(scale.mean())
    graph = MatchGraph(len(source.numbers), matcher.merge_px * px)
    stream = MatchStream(matcher, plan.pairs, Batches(matcher.batch, "pairs of frames", notice), graph, scale)
    try:
        for frame in read_frames(source, range(len(source.numbers)), size):
            stream.step(frame)
            steps.frame_done(frame.index, source.numbers[frame.index])
    except OutOfMemory:
        return None
    finally:
        del stream
        release()
    _require_links(graph, source)
    return thinned(graph.tracks(matcher.sigma_px * px), (source.width, source.height), settings.preset.features)


def _require_links(graph: MatchGraph, source: FrameSource) -> None:
    """A cut is a break between pictures that match their other neighbours well."""
    links, numbers = graph.links, source.numbers
    broken = [i for i in range(1, len(numbers)) if links[i] < _LEAST_LINKS]
    if not broken:
        return
    at = broken[0]
    around = [links[i] for i in range(max(1, at - _LOOK_AROUND), min(len(numbers), at + _LOOK_AROUND + 1)) if i != at]
    if around and min(around) >= _LEAST_LINKS:
        raise CutInClip(
            f"The clip has a cut at frame {numbers[at]}: nothing in it was seen in frame {numbers[at - 1]}.",
            f"Set the frame range to end at frame {numbers[at - 1]} or to start at frame {numbers[at]}, and solve each "
            "part as a shot of its own.",
            frame=numbers[at],
        )
    raise TooFewFeatures(
        f"Frame {numbers[at]} cannot be matched with the frames before it (motion blur, darkness, or something that "
        "covers the set).",
        frame=numbers[at],
    )


def _require_tracks(tracks: Tracks, source: FrameSource) -> None:
    per_frame = tracks.per_frame()
    if np.median(per_frame) < _LEAST_TRACKS:
        worst = source.numbers[int(per_frame.argmin())]
        raise TooFewFeatures(
            f"Only {int(np.median(per_frame))} features can be matched in a typical frame ({int(per_frame.min())} in "
            f"frame {worst}); a solve needs at least {_LEAST_TRACKS}.",
            frame=worst,
        )
