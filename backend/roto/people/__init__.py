"""Engine `person`: people without weights of their own, by the models that MediaPipe's wheel carries.

worker/ runs in `.venv-mocap`, a process of its own: MediaPipe needs numpy 1. evidence.py is what it says of a picture
(people as boxes, 33 landmarks, soft masks), process.py starts it and asks. tracks.py joins the people of single frames
over time, anchors.py makes hints of their masks and engine.py hands them to the propagation. docs/roto-learned.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.roto.job import RotoJob
    from backend.roto.propagation import FrameMasks


def roto_frames(job: RotoJob) -> Iterator[FrameMasks]:
    """The masks of a clip's people; see `engine.roto_frames`. Imports nothing before: the worker lacks most of it."""
    from .engine import roto_frames as run

    return run(job)
