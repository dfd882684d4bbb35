"""Skeleton pictures and keypoint files of one person: `pose/<label>/` and `pose_json/<label>/`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend.media.png import encode_rgb_png
from backend.pipeline.atomic import atomic_path, write_text
from shared.artifacts import frame_name

from .drawing import skeleton_picture
from .keypoints import HALF_VISIBLE, PersonTrack, PoseResult
from .openpose import BODY_25, frame_document

POSE, POSE_JSON = "pose", "pose_json"
METADATA = "tracking_metadata.json"
METADATA_VERSION = 1


def _nothing(done: int) -> None:
    pass


def write_pose_pictures(
    folder: Path, track: PersonTrack, width: int, height: int, step: Callable[[int], None] = _nothing
) -> None:
    """A picture for each of the clip's frames in `folder`, black where the person is not seen. width, height: of the
    plate. step: hears each finished frame's place. Raises `DiskFull`, `ShotReadOnly`."""
    for index, number in enumerate(sorted((*track.frames, *track.absent))):
        seen = track.by_frame.get(number)
        picture = skeleton_picture([] if seen is None else [seen], width, height)
        with atomic_path(folder / frame_name(number)) as beside:
            beside.write_bytes(encode_rgb_png(picture))
        step(index)


def write_pose_json(folder: Path, track: PersonTrack, person: int = 0, step: Callable[[int], None] = _nothing) -> None:
    """A document in OpenPose's layout for each of the clip's frames in `folder`, without people where the person is
    not seen. person: its number among the clip's people. Raises `DiskFull`, `ShotReadOnly`."""
    for index, number in enumerate(sorted((*track.frames, *track.absent))):
        seen = track.by_frame.get(number)
        document = frame_document([] if seen is None else [(person, seen)])
        write_text(folder / frame_name(number, "json"), json.dumps(document) + "\n")
        step(index)


def write_tracking_metadata(folder: Path, result: PoseResult, label: str, *, fps: str, width: int, height: int) -> None:
    """`tracking_metadata.json` of a person: who it is, and where in which frames. fps: exact fraction."""
    document = tracking_metadata(result, label, fps=fps, width=width, height=height)
    write_text(folder / METADATA, json.dumps(document, indent=1) + "\n")


def tracking_metadata(result: PoseResult, label: str, *, fps: str, width: int, height: int) -> dict[str, Any]:
    """box: x0, y0, x1, y1 px of the plate. score: mean over the joints. whole: share of the joints to be seen."""
    track = result.tracks[label]
    return {
        "version": METADATA_VERSION,
        "label": label,
        "id": list(result.tracks).index(label),
        "people": list(result.tracks),
        "engine": result.engine,
        "engine_version": result.version,
        "model": result.model,
        "fps": fps,
        "width": width,
        "height": height,
        "layout": "BODY_25",
        "keypoints": list(BODY_25),
        "half_visible_below": HALF_VISIBLE,
        "frames": [
            {
                "frame": number,
                "state": "half-visible" if seen.is_half_visible else "seen",
                "box": [round(value, 2) for value in seen.box],
                "score": round(float(seen.score.mean()), 4),
                "whole": round(seen.whole, 4),
                "hands": [seen.hands is not None and bool(seen.hands[side, :, 2].any()) for side in (0, 1)],
                "face": seen.face is not None and bool(seen.face[:, 2].any()),
            }
            for number, seen in zip(track.frames, track.keypoints, strict=True)
        ],
        "absent": list(track.absent),
    }
