"""Small real clips for the tests of media and ingest, made with the libraries that read them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from backend.pipeline.runner import run_job
from shared.artifacts import StageResult
from shared.messages import JobRequest, Progress
from shared.shot import ShotFolder

Image = NDArray[Any]
WIDTH, HEIGHT = 128, 64
_BITS = 8


def numbered(index: int, width: int = WIDTH, height: int = HEIGHT) -> Image:
    """[H,W,3] uint8 RGB whose upper half spells `index` in eight black and white stripes, and whose lower
    half is red on the left and blue on the right."""
    image = np.zeros((height, width, 3), np.uint8)
    stripe = width // _BITS
    for bit in range(_BITS):
        if index >> bit & 1:
            image[: height // 2, bit * stripe : (bit + 1) * stripe] = 255
    image[height // 2 :, : width // 2, 0] = 200
    image[height // 2 :, width // 2 :, 2] = 200
    return image


def number_of(image: Image) -> int:
    """What `numbered` spelled, read from an upright picture of any size and depth."""
    height, width = image.shape[:2]
    top = image[height // 4].astype(float).reshape(width, -1).mean(axis=1) / np.iinfo(image.dtype).max
    stripe = width // _BITS
    return sum(1 << bit for bit in range(_BITS) if top[bit * stripe + stripe // 2] > 0.5)


def noise(index: int, width: int = WIDTH, height: int = HEIGHT) -> Image:
    """Incompressible pictures: files of them can be cut at a known frame."""
    return np.random.default_rng(index).integers(0, 255, (height, width, 3), np.uint8)


def write_video(
    path: Path,
    frames: Iterable[Image],
    *,
    codec: str = "libx264",
    rate: Fraction = Fraction(24),
    pix_fmt: str = "yuv420p",
    pts: Sequence[int] | None = None,
    tick: Fraction = Fraction(1, 1000),
    rotation: float | None = None,
    hflip: bool = False,
    sar: Fraction | None = None,
    colour: tuple[int, int, int, int] | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """A video of RGB frames. `pts` in `tick`s make a variable rate. `rotation` counter-clockwise degrees.
    `colour`: H.273 primaries, transfer, matrix, and libav's range (1 limited, 2 full)."""
    with av.open(str(path), "w", options=container_options or {}) as container:
        container.metadata.update(metadata or {})
        stream: Any = None
        for index, image in enumerate(frames):
            if stream is None:
                stream = container.add_stream(codec, rate)
                stream.height, stream.width = image.shape[:2]
                stream.pix_fmt = pix_fmt
                stream.options = {"crf": "10", **(options or {})} if codec == "libx264" else options or {}
                _tag(stream, sar, colour, tick if pts else None)
                if rotation is not None:
                    stream.set_display_rotation(rotation, hflip=hflip)
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            if pts is not None:
                frame.pts, frame.time_base = pts[index], tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _tag(stream: Any, sar: Fraction | None, colour: tuple[int, int, int, int] | None, tick: Fraction | None) -> None:
    context = stream.codec_context
    if sar is not None:
        context.sample_aspect_ratio = sar
    if colour is not None:
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = colour
    if tick is not None:
        context.time_base = tick


def write_flat_yuv(
    path: Path, yuv: tuple[int, int, int], *, pix_fmt: str, matrix: int, codec: str = "ffv1", full: bool = False
) -> Path:
    """A clip of three equal frames of one exact YUV code."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, 24)
        stream.width, stream.height, stream.pix_fmt = 64, 32, pix_fmt
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, 2 if full else 1
        for _ in range(3):
            frame = av.VideoFrame(64, 32, pix_fmt)
            frame.colorspace, frame.color_range = matrix, 2 if full else 1
            for plane, code in zip(frame.planes, yuv, strict=True):
                dtype = np.uint16 if "10" in pix_fmt else np.uint8
                plane.update(np.full(plane.buffer_size // np.dtype(dtype).itemsize, code, dtype).tobytes())
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_dpx(path: Path, image: Image, *, transfer: int | None = None, aspect: tuple[int, int] | None = None) -> Path:
    """A 10-bit DPX of [H,W,3] RGB codes 0..1023. `transfer`: byte 801 of the header (3 is log)."""
    height, width = image.shape[:2]
    encoder: Any = av.CodecContext.create("dpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "gbrp10le"
    encoder.time_base = Fraction(1, 24)
    frame = av.VideoFrame(width, height, "gbrp10le")
    for plane, channel in zip(frame.planes, (1, 2, 0), strict=True):
        rows = np.zeros((height, plane.line_size // 2), np.uint16)
        rows[:, :width] = image[..., channel]
        plane.update(rows.tobytes())
    data = bytearray(b"".join(bytes(p) for p in [*encoder.encode(frame), *encoder.encode(None)]))
    if transfer is not None:
        data[801] = transfer
    if aspect is not None:
        struct.pack_into("<II", data, 1628, *aspect)
    path.write_bytes(data)
    return path


def write_images(folder: Path, numbers: Iterable[int], name: str = "shot.{:04d}.png", deep: bool = False) -> Path:
    """Frames that spell their numbers (modulo 256)."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        image = cv2.cvtColor(numbered(number % 256), cv2.COLOR_RGB2BGR)
        assert cv2.imwrite(str(folder / name.format(number)), image.astype(np.uint16) * 257 if deep else image)
    return folder


@dataclass
class Recorder:
    """A job's observer that remembers, and can cancel at a frame."""

    cancel_at: int | None = None
    seen: list[Progress] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def progress(self, progress: Progress) -> None:
        self.seen.append(progress)

    def notice(self, sentence: str) -> None:
        self.notices.append(sentence)

    def stage_done(self, result: StageResult) -> None:
        pass

    def is_cancelled(self) -> bool:
        return self.cancel_at is not None and any(p.done >= self.cancel_at for p in self.seen)


def ingest(
    footage: Path | str, shot: Path, observer: Recorder | None = None, **params: Any
) -> tuple[ShotFolder, StageResult]:
    """Runs the stage through the pipeline, as the backend does."""
    request = JobRequest(shot=str(shot), footage=str(footage), stages=("ingest",), params={"ingest": params})
    (result,) = run_job(request, observer or Recorder())
    return ShotFolder(shot), result


def plate_image(shot: ShotFolder, number: int) -> Image:
    """A plate frame as it lies on disk, [H,W,3] RGB."""
    image = cv2.imread(str(shot.frame_path(number)), cv2.IMREAD_UNCHANGED)
    assert image is not None, f"frame {number} is missing"
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
