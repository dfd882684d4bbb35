"""Roto by networks with public weights, which users fetch themselves.

choice.py picks a model that is there and allowed. sam2.py runs SAM 2.1 one frame at a time and memory.py forgets what
it no longer needs; prompts.py says what of the artist's hints it is told. clip.py takes objects through a clip, forward
and backward, and keep.py holds what it found on disk. boxes.py finds what words name, linking.py joins boxes over
time; sam3.py does both at once. engine.py is what the roto stage calls. docs/roto-learned.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.roto.job import RotoJob
    from backend.roto.propagation import FrameMasks


def roto_frames(job: RotoJob) -> Iterator[FrameMasks]:
    """The masks of the job's objects; see `engine.roto_frames`."""
    from .engine import roto_frames as run

    return run(job)
