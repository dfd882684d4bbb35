"""A decoded libav frame as an array: YUV coding and limited range undone, nothing else."""

from __future__ import annotations

import re
import threading
from typing import Any

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from numpy.typing import NDArray

from .colour import SWS_MATRIX

_PLANAR_RGB = re.compile(r"gbra?p(9|10|12|14)le$")
_ACCURATE = Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND


class FrameConverter:
    """Turns frames of one clip into arrays, from any number of threads (libswscale's state is per thread).

    matrix: the YUV matrix to undo (a key of SWS_MATRIX), "" for RGB. deep: 16-bit arrays, else 8-bit.
    """

    def __init__(self, matrix: str, deep: bool) -> None:
        self._matrix = SWS_MATRIX.get(matrix, SWS_MATRIX["bt709"])
        self._deep = deep
        self._local = threading.local()

    def to_rgb(self, frame: VideoFrame) -> NDArray[Any]:
        """[H,W,3] RGB, uint8 0..255 or uint16 0..65535, full range, as stored (not turned)."""
        planar = _PLANAR_RGB.match(frame.format.name)
        if planar and self._deep:
            top = float(2 ** int(planar[1]) - 1)
            return _merge(frame, np.uint16, 65535.0 / top)
        if not hasattr(self._local, "reformatter"):
            self._local.reformatter = VideoReformatter()
        # libswscale writes planar RGB four times faster than packed at the same (full chroma) accuracy.
        planes = self._local.reformatter.reformat(
            frame,
            format="gbrp16le" if self._deep else "gbrp",
            src_colorspace=self._matrix,
            src_color_range=ColorRange.JPEG if is_full_range(frame) else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=_ACCURATE,
            threads=1,
        )
        if not self._deep:
            return _merge(planes, np.uint8, 1.0)
        return _reach_white(_merge(planes, np.uint16, 1.0), frame)


def is_full_range(frame: VideoFrame) -> bool:
    """Whether luma uses all codes: as flagged; unflagged means limited, except for RGB and JPEG's yuvj."""
    if frame.color_range in (ColorRange.MPEG, ColorRange.JPEG):
        return bool(frame.color_range == ColorRange.JPEG)
    name = frame.format.name
    return bool(frame.format.is_rgb or name.startswith(("yuvj", "gray", "pal8", "mono", "gbr")))


def _reach_white(image: NDArray[Any], frame: VideoFrame) -> NDArray[Any]:
    """libswscale shifts YUV up to 16 bits without filling the low ones, so that white falls short of 65535:
    by 1/256 in limited range (it counts in 255 * 256), by the missing bits in full range."""
    if frame.format.is_rgb:
        return image
    bits = frame.format.components[0].bits if is_full_range(frame) else 8
    return np.asarray(cv2.add(image, image >> bits))


def _merge(frame: VideoFrame, dtype: type[np.generic], scale: float) -> NDArray[Any]:
    green, blue, red = (_plane(plane, dtype) for plane in frame.planes[:3])
    image: NDArray[Any] = cv2.merge([red, green, blue])
    if scale == 1.0:
        return image
    scaled: NDArray[Any] = np.rint(image * np.float32(scale)).astype(np.uint16)
    return scaled


def _plane(plane: VideoPlane, dtype: type[np.generic]) -> NDArray[Any]:
    rows = np.frombuffer(plane, dtype).reshape(plane.height, -1)  # type: ignore[call-overload]
    return np.asarray(rows[:, : plane.width])
