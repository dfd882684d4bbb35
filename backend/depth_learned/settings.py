"""What the learned engines can be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .maps import Picture


@dataclass(frozen=True)
class LearnedSettings:
    """align_every: frames from one that is fitted to the solved points to the next; those between follow
    smoothly, and the last is always fitted.
    edges: whether depth edges are drawn after the picture; without it maps are exactly the library's, aligned."""

    align_every: int = 1
    edges: bool = True


@dataclass(frozen=True)
class Pictures:
    """The undistorted frames of a clip. numbers: of the plate, by index. size: (height, width). of: the picture of an
    index; may be asked for again."""

    numbers: Sequence[int]
    size: tuple[int, int]
    of: Callable[[int], Picture]


def no_step(index: int) -> None:
    """Hears which frame was done, and may raise to stop: here nothing."""


def no_notice(sentence: str) -> None:
    """Hears what an artist should know: here nothing."""
