"""`depth/depth.mp4`: the previews as a video in the plate's rate."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from backend.pipeline.atomic import atomic_path
from shared.errors import InternalError

_OPTIONS = {"crf": "16", "preset": "fast"}


def write_video(
    path: Path, pictures: Iterable[NDArray[np.uint8]], size: tuple[int, int], rate: Fraction, pixel_aspect: Fraction
) -> None:
    """H.264 of uint8 [H, W] pictures, encoded as they come. size: (height, width); odd ones get a last row or column
    again, which 4:2:0 needs."""
    try:
        with atomic_path(path) as beside, av.open(str(beside), "w", options={"movflags": "faststart"}) as container:
            stream: Any = container.add_stream("libx264", rate=rate, options=_OPTIONS)
            stream.height, stream.width = (side + side % 2 for side in size)
            stream.pix_fmt = "yuv420p"
            stream.sample_aspect_ratio = pixel_aspect
            for picture in pictures:
                frame = av.VideoFrame.from_ndarray(_even(picture), format="gray")
                container.mux(stream.encode(frame.reformat(format="yuv420p")))
            container.mux(stream.encode(None))
    except av.FFmpegError as bad:
        raise InternalError(f"{path} could not be encoded: {bad}.", "Check the disk, then run the job again.") from bad


def _even(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = picture.shape
    return np.pad(picture, ((0, height % 2), (0, width % 2)), mode="edge")
