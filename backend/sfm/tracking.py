"""The tracks of a whole clip, with a checkpoint, and what is wrong with a clip that cannot be tracked."""

from __future__ import annotations

import hashlib

import numpy as np

from shared.errors import CutInClip, TooFewFeatures

from .frames import FrameSource, read_frames, working_size
from .progress import Steps
from .settings import SfmSettings, longest_side, patch_radius
from .tracker import StepReport, Tracker, TrackerSettings
from .tracks import Tracks, build_tracks, load_tracks, save_tracks

_LEAST_TRACKS = 30
_STEADY_SHARE = 0.5
_LOOK_AROUND = 3
CHECKPOINT_NAME = "tracks.npz"


def plate_px(source: FrameSource, settings: SfmSettings) -> float:
    """Plate pixels per tracking pixel."""
    longest = longest_side(settings.preset, source.width, source.height)
    return max(source.width, source.height) / longest


def tracking_key(source: FrameSource, settings: SfmSettings) -> str:
    """Names what the tracks are made from: with the same key, tracks have the same numbers."""
    size = f"{source.width}x{source.height}:{source.numbers[0]}:{len(source.numbers)}"
    return hashlib.blake2b(f"{settings.tracking_key}:{size}".encode(), digest_size=12).hexdigest()


def track_clip(source: FrameSource, settings: SfmSettings, steps: Steps) -> Tracks:
    """Tracks of at least three frames. Raises `TooFewFeatures` and `CutInClip`."""
    saved = None if settings.checkpoint is None else settings.checkpoint / CHECKPOINT_NAME
    key = tracking_key(source, settings)
    tracks = load_tracks(saved, key) if saved is not None else None
    if tracks is None:
        tracks = _track(source, settings, steps)
        if saved is not None:
            save_tracks(saved, tracks, key)
    _require_tracks(tracks, source)
    return tracks


def _track(source: FrameSource, settings: SfmSettings, steps: Steps) -> Tracks:
    longest = longest_side(settings.preset, source.width, source.height)
    size = working_size(source.width, source.height, longest)
    preset = settings.preset
    tracker = Tracker(
        TrackerSettings(
            preset.features, patch_radius(preset, size), source.width / size[0], source.height / size[1]
        )
    )  # fmt: skip
    reports: list[StepReport] = []
    total = len(source.numbers)
    for frame in read_frames(source, range(total), size):
        reports.append(tracker.step(frame))
        steps.frame_done(frame.index, source.numbers[frame.index])
    tracker.finish()
    for at in tracker.breaks:
        _explain_break(at, reports, source)
    rows = tracker.observations
    return build_tracks(
        np.concatenate([row[0] for row in rows]),
        np.concatenate([np.full(len(row[0]), row[1]) for row in rows]),
        np.concatenate([row[2] for row in rows]),
        np.concatenate([row[3] for row in rows]),
        total,
    ).longer_than(3)


def _explain_break(at: int, reports: list[StepReport], source: FrameSource) -> None:
    """A cut is a break between steady pictures; anything else is a picture that cannot be followed."""
    number = source.numbers[at]
    around = [r for r in reports[max(1, at - _LOOK_AROUND) : at + _LOOK_AROUND + 1] if r.index != at]
    steady = [r.followed > _STEADY_SHARE * r.asked and r.alive >= _LEAST_TRACKS for r in around]
    if all(steady):
        raise CutInClip(
            f"The clip has a cut at frame {number}: nothing in it was seen in frame {source.numbers[at - 1]}.",
            f"Set the frame range to end at frame {source.numbers[at - 1]} or to start at frame {number}, and "
            "solve each part as a shot of its own.",
            frame=number,
        )
    raise TooFewFeatures(
        f"The picture cannot be followed from frame {source.numbers[at - 1]} to frame {number}: too few features stay "
        "visible (motion blur, darkness, or something that covers the set).",
        frame=number,
    )


def _require_tracks(tracks: Tracks, source: FrameSource) -> None:
    per_frame = tracks.per_frame()
    if np.median(per_frame) >= _LEAST_TRACKS:
        return
    worst = source.numbers[int(per_frame.argmin())]
    raise TooFewFeatures(
        f"Only {int(np.median(per_frame))} features can be followed in a typical frame "
        f"({int(per_frame.min())} in frame {worst}); a solve needs at least {_LEAST_TRACKS}.",
        frame=worst,
    )
