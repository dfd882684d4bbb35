"""What probing finds out about footage."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from .colour import HDR_TRANSFERS
from .footage import Footage
from .lens import Focal
from .orientation import UPRIGHT, Orientation
from .timing import Timing


@dataclass(frozen=True)
class Colour:
    """Names of ITU-T H.273 as the file declares them, "" when it does not. decoded_as: the YUV matrix that
    is undone, "" for RGB footage."""

    primaries: str = ""
    transfer: str = ""
    matrix: str = ""
    range: str = ""
    decoded_as: str = ""

    @property
    def hdr(self) -> str:
        return HDR_TRANSFERS.get(self.transfer, "")


@dataclass(frozen=True)
class Picture:
    """The make of one stored picture. width, height: px as stored. pixel_aspect: width of a stored pixel
    over its height. coding: "" when code values are the plate's, else what `proxy.Proxy` turns into one.
    rate: when the picture's own header names one."""

    width: int
    height: int
    bit_depth: int
    codec: str
    pixel_format: str
    pixel_aspect: float = 1.0
    orientation: Orientation | None = UPRIGHT
    colour: Colour = field(default_factory=Colour)
    coding: str = ""
    alpha: bool = False
    interlaced: bool = False
    focal: Focal | None = None
    rate: Fraction | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class VideoIndex:
    """A video's frames in the order they are shown. timing: their times. keys int64: ticks of frames that
    decode without others. counted: the container has no times, so frames are told apart by counting.
    expected: frames the file should have when it breaks off early, else None."""

    timing: Timing
    keys: NDArray[np.int64]
    counted: bool = False
    expected: int | None = None


@dataclass(frozen=True)
class Clip:
    """Footage and everything known of it. rate: nominal, of the source; None when nothing says. index:
    videos only. notices: sentences for the user."""

    footage: Footage
    picture: Picture
    frame_count: int
    rate: Fraction | None
    index: VideoIndex | None
    encoding: str
    metadata: dict[str, str]
    notices: tuple[str, ...] = ()
