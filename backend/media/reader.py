"""The frames of a take, in order and one at a time.

A `PlateFrame` is cheap until `load()` is called, which converts, turns and checks the picture; several
threads may load different frames at once. Videos decode in the thread that iterates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from shared.errors import BacklotError, FootageChanged, FootageUnreadable
from shared.stages import IngestParams

from . import images
from .clip import VideoIndex
from .convert import FrameConverter
from .footage import Footage, ImageSequence, VideoFile
from .probe import probe
from .processors import cpu_count
from .proxy import choose_proxy
from .take import Take, plan_take
from .video import Check, never, open_video

_PROXY_SAMPLES = 5
_FEW_CORES = 4


class PlateFrame(Protocol):
    """One frame of the plate to be."""

    @property
    def number(self) -> int: ...

    def load(self) -> NDArray[Any]:
        """[H,W,3] RGB uint8 or uint16: upright, still distorted, not desqueezed. Raises `FootageError`s."""

    def plate_bytes(self) -> bytes | None:
        """The source file's bytes when they can be the plate file as they are."""


@dataclass(frozen=True)
class VideoPlateFrame:
    number: int
    frame: VideoFrame
    take: Take
    converter: FrameConverter

    def load(self) -> NDArray[Any]:
        picture = self.take.clip.picture
        if (self.frame.width, self.frame.height) != (picture.width, picture.height):
            raise FootageUnreadable(
                f"Frame {self.number} of {self.take.clip.footage.name} is {self.frame.width}x{self.frame.height}, "
                f"the clip begins with {picture.width}x{picture.height}.",
                "Set the frame range to one side of the change.",
            )
        return self.take.orientation.apply(self.converter.to_rgb(self.frame))

    def plate_bytes(self) -> bytes | None:
        return None


@dataclass(frozen=True)
class ImagePlateFrame:
    number: int
    path: Path
    take: Take

    def original(self) -> NDArray[Any]:
        """[H,W,3] RGB as the file stores it. Errors name the frame."""
        try:
            image = images.read_rgb(self.path)
            self._check_like_the_first(image)
        except BacklotError as error:
            raise images.error_of_frame(self.number, self.path, error) from error
        return image

    def load(self) -> NDArray[Any]:
        image = self.original()
        if self.take.proxy is not None:
            image = self.take.proxy.apply(image)
        return self.take.orientation.apply(image)

    def _check_like_the_first(self, image: NDArray[Any]) -> None:
        picture, (height, width) = self.take.clip.picture, image.shape[:2]
        if (width, height) != (picture.width, picture.height):
            raise FootageUnreadable(
                f"{self.path.name} is {width}x{height}, the sequence begins with {picture.width}x{picture.height}.",
                "Export all frames at one size.",
            )
        expected = "f" if picture.coding == "scene-linear" else "u"
        if image.dtype.kind != expected or (expected == "u" and (image.dtype == np.uint16) != (picture.bit_depth > 8)):
            raise FootageUnreadable(
                f"{self.path.name} has another bit depth ({image.dtype}) than the sequence begins with.",
                "Export all frames at one bit depth.",
            )

    def plate_bytes(self) -> bytes | None:
        if self.take.deep or self.take.proxy is not None or not self.take.orientation.is_identity:
            return None
        if self.path.suffix.lower() != ".png":
            return None
        data = images.read_bytes(self.path)
        picture = self.take.clip.picture
        size = (int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"))
        return data if size == (picture.width, picture.height) and images.is_plain_png(data) else None


def read_take(take: Take, numbers: Iterable[int] | None = None, check: Check = never) -> Iterator[PlateFrame]:
    """The plate frames `numbers` (all when None) of a take, ascending. `check` is called often and may raise
    to stop. Raises `FootageError`s: a frame that does not decode is named, with the last good one."""
    chosen = set(take.numbers if numbers is None else numbers)
    wanted = [(n, int(s)) for n, s in zip(take.numbers, take.sources, strict=True) if n in chosen]
    footage = take.clip.footage
    if isinstance(footage, ImageSequence):
        for number, source in wanted:
            yield ImagePlateFrame(number, footage.paths[source], take)
    elif wanted:
        yield from _read_video(footage, take, wanted, check)


def _read_video(footage: VideoFile, take: Take, wanted: list[tuple[int, int]], check: Check) -> Iterator[PlateFrame]:
    assert take.clip.index is not None
    converter = FrameConverter(take.clip.picture.colour.decoded_as, take.deep)
    before = _stamp(footage.path)
    at, held, decoder = 0, None, _Decoder(footage.path, take.clip.index, wanted[0][1], check)
    for source, frame in decoder:
        while at < len(wanted) and wanted[at][1] <= source:
            number, asked = wanted[at]
            shown = frame if asked == source else held
            if shown is None or (asked != source and decoder.troubled):
                raise _lost(footage, number, decoder)
            yield VideoPlateFrame(number, shown, take, converter)
            at += 1
        if at == len(wanted):
            break
        held = frame
    if _stamp(footage.path) != before:
        raise FootageChanged(f"{footage.path} changed while it was read.")
    # A last coded frame without a picture (N-VOP) is not worth failing for; more than one is a broken file.
    if at == len(wanted) - 1 and held is not None and not decoder.troubled:
        yield VideoPlateFrame(wanted[at][0], held, take, converter)
    elif at < len(wanted):
        raise _lost(footage, wanted[at][0], decoder)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


def _lost(footage: VideoFile, number: int, decoder: _Decoder) -> FootageUnreadable:
    reason = f" ({decoder.trouble})" if decoder.trouble else ""
    last = f"the last good frame is {number - 1}" if number > 1 else "no frame before it is good"
    return FootageUnreadable(
        f"Frame {number} of {footage.name} cannot be decoded{reason}; {last}.",
        f"Copy or export the clip again, or set the last frame to {number - 1}."
        if number > 1
        else "Copy or export the clip again.",
        frame=number,
    )


class _ThreadedError(Exception):
    """Decoding failed while several threads were at it."""


class _Decoder:
    """Iterates (source index, frame) in shown order, from `first` or a little before it. Decoding errors do
    not end it: they are kept, and show as indices that never come."""

    def __init__(self, path: Path, index: VideoIndex, first: int, check: Check) -> None:
        self._path, self._index, self._first, self._check = path, index, first, check
        # Decoding is seldom what ingest waits for (PNG encoding is), and one thread never loses the mark
        # of a damaged frame: several only where there are cores enough to outrun it.
        self._threads = cpu_count() > _FEW_CORES
        self.trouble = ""

    @property
    def troubled(self) -> bool:
        return bool(self.trouble)

    def __iter__(self) -> Iterator[tuple[int, VideoFrame]]:
        given = self._first - 1
        if self._threads:
            try:
                for source, frame in self._from(self._first):
                    if source != given + 1:
                        break
                    given = source
                    yield source, frame
            except _ThreadedError:
                pass
            if given + 1 >= len(self._index.timing.ticks):
                return
            # libav's frame threads lose good frames around a bad one, and do not always say so: what comes
            # after the first hole is decoded by one thread.
            self._threads, self.trouble = False, ""
        yield from self._from(given + 1)

    def _from(self, first: int) -> Iterator[tuple[int, VideoFrame]]:
        key = self._seek_key(first)
        if key is not None:
            began = False
            for source, frame in self._decode(key):
                if not began and source > first:
                    break  # the container sought too far: start over from the beginning
                began = True
                if source >= first:
                    yield source, frame
            if began:
                return
            self.trouble = ""
        yield from ((s, f) for s, f in self._decode(None) if s >= first)

    def _seek_key(self, first: int) -> int | None:
        """The key frame to seek to: one before the nearest, since pictures that lead a key frame in shown
        order lean on the group before it. None to start at the beginning."""
        if self._index.counted or first >= len(self._index.timing.ticks) or first <= 0:
            return None
        ticks, keys = self._index.timing.ticks, self._index.keys
        at = int(np.searchsorted(keys, ticks[first], side="right")) - 1
        all_keys = len(keys) >= len(ticks)
        at = at if all_keys else at - 1
        return int(keys[at]) if at > 0 else None

    def _decode(self, key: int | None) -> Iterator[tuple[int, VideoFrame]]:
        with open_video(self._path, threads=self._threads) as (container, stream):
            if key is not None:
                try:
                    container.seek(key, stream=stream)
                except (av.FFmpegError, OSError):
                    return  # as if it had sought too far
            last = -1
            for frame in self._frames(container, stream):
                self._check()
                source = self._source_of(frame, last)
                if source > last:
                    last = source
                    yield source, frame

    def _frames(self, container: Any, stream: Any) -> Iterator[VideoFrame]:
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                frames = [] if packet.is_corrupt else packet.decode()
                if packet.is_corrupt:
                    self.trouble = "its data is cut"
            except (av.FFmpegError, OSError) as bad:
                if self._threads:
                    raise _ThreadedError from bad
                self.trouble = str(getattr(bad, "strerror", None) or bad)
                if not isinstance(bad, av.InvalidDataError):
                    return
                continue
            for frame in frames:
                if frame.is_corrupt:
                    self.trouble = "its data is damaged"
                else:
                    yield frame

    def _source_of(self, frame: VideoFrame, last: int) -> int:
        """The index of a decoded frame: by its time, else the one after the last."""
        ticks = self._index.timing.ticks
        if self._index.counted or frame.pts is None:
            return last + 1
        at = int(np.searchsorted(ticks, frame.pts))
        if at == len(ticks):
            # Shown after the last indexed frame: beyond the good part of a cut file.
            return at if frame.pts > ticks[-1] else at - 1
        if at > 0 and frame.pts - ticks[at - 1] < ticks[at] - frame.pts:
            return at - 1
        return at


def open_footage(named: str | Path | Footage, params: IngestParams | None = None) -> tuple[Take, Iterator[PlateFrame]]:
    """Footage by path, folder or pattern, ready to stream: its take (facts, notices) and its frames."""
    take = finish_take(plan_take(probe(named), params or IngestParams()))
    return take, read_take(take)


def finish_take(take: Take) -> Take:
    """A take of float or log originals with the proxy that suits them, chosen from a few of its frames."""
    coding = take.clip.picture.coding
    if not coding or take.proxy is not None:
        return take
    count = min(_PROXY_SAMPLES, len(take.numbers))
    chosen = {take.numbers[round(i * (len(take.numbers) - 1) / max(count - 1, 1))] for i in range(count)}
    frames = [frame for frame in read_take(take, chosen) if isinstance(frame, ImagePlateFrame)]
    samples = [frame.original()[::2, ::2].copy() for frame in frames]
    return take.with_proxy(choose_proxy(coding, samples))
