"""Everything that can be known of footage while decoding no more than one frame of it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from av.video.frame import VideoFrame

from . import colour, images, lens, orientation, video
from .clip import Clip, Colour, Picture
from .footage import Footage, ImageSequence, VideoFile, describe_numbers, find_footage


def probe(named: str | Path | Footage, check: video.Check = video.never) -> Clip:
    """The clip that `named` (a path, folder or pattern) means. `check` is called now and then and may raise
    to stop. Raises `FootageError`s."""
    footage = named if isinstance(named, (VideoFile, ImageSequence)) else find_footage(named)
    if isinstance(footage, VideoFile):
        return _probe_video(footage, check)
    return _probe_sequence(footage)


def _probe_sequence(footage: ImageSequence) -> Clip:
    picture = images.probe_image(footage.paths[0])
    notices: list[str] = []
    if footage.missing:
        notices.append(f"The sequence has no file for frame {describe_numbers(footage.missing)}: left out.")
    if footage.counted and len(footage.paths) > 1:
        notices.append("The file names carry no common frame number: frames are numbered from 1 by name.")
    return Clip(
        footage=footage,
        picture=picture,
        frame_count=len(footage.paths),
        rate=picture.rate,
        index=None,
        encoding=picture.coding or "video",
        metadata=picture.metadata,
        notices=(*notices, *_picture_notices(picture, picture.coding or "video")),
    )


def _probe_video(footage: VideoFile, check: video.Check) -> Clip:
    frame, said = video.first_frame(footage.path)
    picture = _picture_of(frame, said)
    index = video.index_video(footage.path, check)
    curve = colour.named_log(picture.metadata)
    encoding = "log" if curve or picture.colour.transfer.startswith("log") else "video"
    notices = list(_picture_notices(picture, encoding))
    if curve:
        notices.append(f"The file names the log curve {curve}.")
    return Clip(
        footage=footage,
        picture=picture,
        frame_count=len(index.timing.ticks),
        rate=index.timing.rate,
        index=index,
        encoding=encoding,
        metadata=picture.metadata,
        notices=tuple(notices),
    )


def _picture_of(frame: VideoFrame, said: dict[str, Any]) -> Picture:
    aspect = said["pixel_aspect"] or Fraction(1)
    pixel_aspect = float(aspect) if aspect > 0 else 1.0
    metadata: dict[str, str] = said["metadata"]
    return Picture(
        width=frame.width,
        height=frame.height,
        bit_depth=frame.format.components[0].bits,
        codec=said["codec"],
        pixel_format=frame.format.name,
        pixel_aspect=pixel_aspect,
        orientation=_orientation(frame),
        colour=_colour(frame),
        alpha=len(frame.format.components) in (2, 4),
        interlaced=frame.interlaced_frame,
        focal=lens.from_container(metadata, round(frame.width * pixel_aspect), frame.height),
        metadata=metadata,
    )


def _orientation(frame: VideoFrame) -> orientation.Orientation | None:
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    return orientation.UPRIGHT if matrix is None else orientation.from_display_matrix(bytes(matrix))


def _colour(frame: VideoFrame) -> Colour:
    primaries = colour.PRIMARIES.get(frame.color_primaries, "")
    matrix = colour.MATRICES.get(frame.colorspace, "")
    rgb = frame.format.is_rgb or frame.format.name.startswith(("gbr", "pal8"))
    jpeg = frame.format.name.startswith("yuvj")
    assumed = "bt601" if jpeg else colour.assumed_matrix(frame.width, frame.height, primaries)
    decodable = {"bt2020-cl": "bt2020"}.get(matrix, matrix)
    return Colour(
        primaries=primaries,
        transfer=colour.TRANSFERS.get(frame.color_trc, ""),
        matrix="rgb" if rgb else matrix,
        range=colour.RANGES.get(frame.color_range, ""),
        decoded_as="" if rgb else decodable if decodable in colour.SWS_MATRIX else assumed,
    )


def _picture_notices(picture: Picture, encoding: str) -> list[str]:
    notices = []
    if picture.colour.hdr:
        notices.append(f"The clip is HDR ({picture.colour.hdr.upper()}): the plate keeps its code values.")
    if encoding == "log" and not picture.coding:
        notices.append("The clip is log-encoded: the plate keeps its code values.")
    if picture.interlaced:
        notices.append("The clip is interlaced: fields are left as they are; deinterlace it first for a good solve.")
    if picture.alpha:
        notices.append("The clip's alpha channel is not part of the plate.")
    if picture.orientation is None:
        notices.append("The file asks for a rotation by a free angle, which is not applied.")
    undone = picture.colour.decoded_as
    if undone and picture.colour.matrix and undone != picture.colour.matrix:
        notices.append(f"The colour matrix {picture.colour.matrix} is not supported: decoded as {undone}.")
    if "dataWindow" in picture.metadata:
        notices.append("The EXR data window differs from its display window: the plate is the display window.")
    return notices
