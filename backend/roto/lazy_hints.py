"""Hints whose mask is made when it is asked for: engines find masks of many frames, and hold all hints at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .cut import Hints

Bools = NDArray[np.bool_]


class FoundHints(Hints):
    """A mask of the object at one frame. make: plate number -> bool [H, W]. said: what corrects the mask."""

    def __init__(self, label: str, frame: int, make: Callable[[int], Bools], said: Hints | None = None) -> None:
        said = said or Hints()
        super().__init__(said.include, said.exclude, said.boxes, said.strokes, label=label, frame=frame)
        object.__setattr__(self, "_make", make)

    @property
    def mask(self) -> Bools:
        made: Bools = self._make(self.frame)  # type: ignore[attr-defined]  # set in __init__
        return made

    @mask.setter
    def mask(self, mask: Bools | None) -> None:
        """Nothing: the base class gives its default."""
