"""Which source frame becomes which frame of the plate, and the facts of that plate."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from shared.errors import FootageEmpty, FootageUnreadable, InvalidParameter
from shared.shot import SourceFacts
from shared.stages import IngestParams

from .clip import Clip
from .colour import HDR_TRANSFERS
from .footage import ImageSequence, VideoFile
from .orientation import UPRIGHT, Orientation
from .proxy import LINEAR, Proxy
from .timing import FALLBACK_RATE, constant_rate, parse_rate

_JITTER_WORTH_SAYING = 0.15
_OF_ENCODING = ("The clip is HDR", "The clip is log-encoded", "The file names the log curve")
"""How notices begin that another encoding makes untrue."""
_BOILERPLATE = re.compile(
    r"(major_brand|minor_version|compatible_brands|encoder|language|handler_name|vendor_id|duration|software"
    r"|screenWindow.*|pixelAspectRatio|.*(_ul|uid|umid)|(toolkit|product)_version_num|_statistics.*|number_of_.*|bps)$",
    re.IGNORECASE,
)
"""What muxers write of themselves."""


@dataclass(frozen=True)
class Take:
    """numbers: plate numbers, ascending. sources: index of each one's source frame (into the index of a
    video, or the files of a sequence), never descending. deep: the plate has 16 bits."""

    clip: Clip
    facts: SourceFacts
    numbers: tuple[int, ...]
    sources: NDArray[np.int64]
    orientation: Orientation
    deep: bool
    proxy: Proxy | None
    notices: tuple[str, ...]

    def with_proxy(self, proxy: Proxy) -> Take:
        """The same take, its float or log originals shown through `proxy`."""
        return replace(self, proxy=proxy, facts=replace(self.facts, proxy=proxy.sentence))


def plan_take(clip: Clip, params: IngestParams) -> Take:
    """The plate that `params` ask for. Raises `InvalidParameter`, `FootageEmpty` for a range without
    frames, `FootageUnreadable` for a range that a damaged clip does not reach."""
    clip = _with_encoding(clip, params)
    rate, numbers, sources, notices = _schedule(clip, params)
    numbers, sources = _in_range(clip, params, numbers, sources)
    orientation = _orientation(clip, params)
    facts = _facts(clip, params, rate, numbers, orientation)
    deep = clip.picture.bit_depth > 8 and not clip.picture.coding
    every = (*clip.notices, *notices, *_repeats(clip, rate, sources))
    return Take(clip, facts, tuple(int(n) for n in numbers), sources, orientation, deep, None, every)


def _with_encoding(clip: Clip, params: IngestParams) -> Clip:
    """The clip as if its file said what the parameter says. Raises `InvalidParameter` for float images, which are
    scene-linear."""
    if params.encoding == "auto":
        return clip
    picture = clip.picture
    if picture.coding == LINEAR:
        raise InvalidParameter(
            f"{clip.footage.name} holds float images, which are scene-linear: they cannot be {params.encoding}.",
            "Set the encoding to auto.",
        )
    is_log = params.encoding == "log"
    transfer = params.encoding if params.encoding in HDR_TRANSFERS else "" if is_log else "bt709"
    picture = replace(
        picture, colour=replace(picture.colour, transfer=transfer), coding=picture.coding if is_log else ""
    )
    notices = tuple(notice for notice in clip.notices if not notice.startswith(_OF_ENCODING))
    return replace(clip, picture=picture, encoding="log" if is_log else "video", notices=notices)


def _schedule(clip: Clip, params: IngestParams) -> tuple[Fraction, NDArray[np.int64], NDArray[np.int64], list[str]]:
    """(plate rate, all plate numbers, their sources, notices) before any range is applied."""
    wanted = parse_rate(params.fps) if params.fps is not None else None
    if params.fps is not None and wanted is None:
        raise InvalidParameter(
            f"fps is {params.fps!r}, which is no frame rate.", "Give a number or a fraction, such as 25 or 24000/1001."
        )
    if isinstance(clip.footage, ImageSequence):
        notices = []
        if wanted is None and clip.rate is None:
            notices.append(f"The sequence does not say its frame rate: {FALLBACK_RATE} fps is assumed (--fps sets it).")
        numbers = np.array(clip.footage.numbers, np.int64)
        return wanted or clip.rate or FALLBACK_RATE, numbers, np.arange(len(numbers)), notices
    assert clip.index is not None
    timing = clip.index.timing
    sources = constant_rate(timing, wanted or timing.rate)
    return wanted or timing.rate, np.arange(1, len(sources) + 1), sources, []


def _in_range(
    clip: Clip, params: IngestParams, numbers: NDArray[np.int64], sources: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    start, end = params.frame_start, params.frame_end
    if start is not None and end is not None and start > end:
        raise InvalidParameter(f"The first frame ({start}) lies after the last ({end}).", "Swap them.")
    last = int(numbers[-1])
    _refuse_cut(clip, last, end)
    keep = np.ones(len(numbers), bool)
    if start is not None:
        keep &= numbers >= start
    if end is not None:
        keep &= numbers <= end
    if not keep.any():
        raise FootageEmpty(
            f"{clip.footage.name} has no frame in the range asked for: its frames are {int(numbers[0])} to {last}.",
            "Set a frame range inside it.",
        )
    return numbers[keep], sources[keep]


def _refuse_cut(clip: Clip, last: int, end: int | None) -> None:
    """A clip that breaks off is not quietly taken for a shorter one."""
    expected = clip.index.expected if clip.index else None
    if expected is None or (end is not None and end <= last):
        return
    raise FootageUnreadable(
        f"{clip.footage.name} breaks off after frame {last}: the file is cut or damaged.",
        f"Copy the clip again, or set the last frame to {last} or lower to use the part that is whole.",
        frame=last,
    )


def _orientation(clip: Clip, params: IngestParams) -> Orientation:
    if params.rotation == "auto":
        return clip.picture.orientation or UPRIGHT
    return Orientation(int(params.rotation))


def _repeats(clip: Clip, rate: Fraction, sources: NDArray[np.int64]) -> list[str]:
    """What a change of rate did to the frames."""
    if clip.index is None or len(sources) < 2:
        return []
    steps = np.diff(sources)
    repeated, dropped = int((steps == 0).sum()), int(np.maximum(steps - 1, 0).sum())
    counts = f"{_count(repeated, 'frame')} repeated, {dropped} dropped"
    if clip.index.timing.variable:
        return [f"The clip's frame rate varies: the plate runs at a constant {rate_text(rate)} fps ({counts})."]
    if repeated or dropped:
        return [f"Resampled from {rate_text(clip.index.timing.rate)} to {rate_text(rate)} fps ({counts})."]
    if clip.index.timing.jitter > _JITTER_WORTH_SAYING:
        part = round(100 * clip.index.timing.jitter)
        return [f"The times of the frames waver by up to {part} % of a frame: all are kept, at {rate_text(rate)} fps."]
    return []


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def rate_text(rate: Fraction) -> str:
    """`24`, `23.976`: a rate for people."""
    return str(rate.numerator) if rate.denominator == 1 else f"{float(rate):.3f}".rstrip("0").rstrip(".")


def _facts(
    clip: Clip, params: IngestParams, rate: Fraction, numbers: NDArray[np.int64], orientation: Orientation
) -> SourceFacts:
    picture, turned = clip.picture, orientation.swaps_sides
    width, height = (picture.height, picture.width) if turned else (picture.width, picture.height)
    stored = params.pixel_aspect or picture.pixel_aspect
    aspect = stored if params.pixel_aspect or not turned else 1.0 / stored
    first, last = int(numbers[0]), int(numbers[-1])
    colour, present = picture.colour, set(numbers.tolist())
    return SourceFacts(
        kind="video" if isinstance(clip.footage, VideoFile) else "sequence",
        width=width,
        height=height,
        fps=str(rate),
        frame_start=first,
        frame_end=last,
        frame_count=len(numbers),
        pixel_aspect=aspect,
        rotation=orientation.clockwise,
        bit_depth=picture.bit_depth,
        codec=picture.codec,
        pixel_format=picture.pixel_format,
        transfer=colour.transfer,
        primaries=colour.primaries,
        matrix=colour.matrix,
        range=colour.range,
        hdr=colour.hdr,
        encoding=clip.encoding,
        interlaced=picture.interlaced,
        variable_rate=bool(clip.index and clip.index.timing.variable),
        source_fps=str(clip.rate) if clip.rate else "",
        source_frames=clip.frame_count,
        missing_frames=tuple(n for n in range(first, last + 1) if n not in present),
        focal_px=_focal_px(clip, aspect, turned),
        focal_origin=picture.focal.origin if picture.focal else "",
        metadata=_metadata(clip, orientation),
    )


def _focal_px(clip: Clip, aspect: float, turned: bool) -> float | None:
    """Metadata's focal length is in heights of a stored pixel; the plate's fx counts its own widths."""
    if clip.picture.focal is None:
        return None
    return round(clip.picture.focal.px / (1.0 if turned else aspect), 3)


def _metadata(clip: Clip, orientation: Orientation) -> dict[str, str]:
    said = {key: value for key, value in clip.metadata.items() if len(value) <= 500 and not _BOILERPLATE.match(key)}
    if orientation.mirrored:
        said["mirrored"] = "true"
    if clip.picture.colour.decoded_as and not clip.picture.colour.matrix:
        said["assumed_matrix"] = clip.picture.colour.decoded_as
    return said
