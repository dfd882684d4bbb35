"""Makes the shipped sample from rendered frames: `python -m tools.sample_set.pack RENDERED assets/sample` (in .venv).

Adds a little grain, as a camera would, and encodes H.264. The truth is copied as it is.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

GRAIN_SIGMA = 1.6
"""Standard deviation of the grain in 8-bit steps, at middle grey; less in the lights and darks."""
CRF = 15
FPS = 24
SIZE = 640, 360
BT709 = 1
"""The number of BT.709 among H.264's colour primaries, transfer functions and matrices."""


def grainy(picture: Picture, frame: int) -> Picture:
    """[H,W,3] uint8 with luminance grain a pixel and a half wide and a third as much in colour."""
    chance = np.random.default_rng(20_000 + frame)
    shape = picture.shape[:2]
    luminance = cv2.GaussianBlur(chance.standard_normal(shape), (0, 0), 0.6)
    luminance /= luminance.std()
    grain = luminance[..., None] + 0.33 * chance.standard_normal((*shape, 3))
    values = picture.astype(np.float64)
    strength = GRAIN_SIGMA * (0.35 + 0.65 * 4 * values / 255 * (1 - values / 255))
    return np.asarray(np.clip(np.rint(values + strength * grain), 0, 255), np.uint8)


def frames(rendered: Path) -> Iterator[Picture]:
    """The rendered frames in order, RGB with grain."""
    for number, path in enumerate(sorted((rendered / "frames").glob("frame_*.png")), 1):
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is None:
            raise OSError(f"{path} cannot be read")
        yield grainy(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8), number)


def encode(pictures: Iterator[Picture], path: Path) -> int:
    """Writes an H.264 clip in BT.709 video range; returns how many frames it has."""
    count = 0
    with av.open(str(path), "w", options={"movflags": "faststart"}) as file:
        stream = file.add_stream("libx264", rate=FPS, options={"crf": str(CRF), "preset": "veryslow"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.color_primaries = context.color_trc = context.colorspace = BT709
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = frame.reformat(format="yuv420p", src_colorspace="itu709", dst_colorspace="itu709")
            file.mux(stream.encode(frame))
            count += 1
        file.mux(stream.encode())
    return count


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("rendered", type=Path)
    parser.add_argument("sample", type=Path)
    options = parser.parse_args(argv)
    truth = options.sample / "gt"
    (truth / "depth").mkdir(parents=True, exist_ok=True)
    shutil.copy(options.rendered / "gt/camera.npz", truth / "camera.npz")
    for depth in sorted((options.rendered / "gt/depth").glob("*.npz")):
        shutil.copy(depth, truth / "depth" / depth.name)
    count = encode(frames(options.rendered), options.sample / "clip.mp4")
    size = sum(path.stat().st_size for path in options.sample.rglob("*") if path.is_file())
    print(f"{count} frames, {size / 1e6:.2f} MB in {options.sample}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
