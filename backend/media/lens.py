"""Focal length in pixels from what a file says of its lens. None where it says nothing: nobody guesses here."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from . import exif

FULL_FRAME_DIAGONAL_MM = math.hypot(36.0, 24.0)
_MM_PER_UNIT = {2.0: 25.4, 3.0: 10.0, 4.0: 1.0, 5.0: 0.001}
_EQUIVALENT = re.compile(r"focal[_. ]?length(?:[_. ]?in)?[_. ]?35[_ ]?mm", re.IGNORECASE)
_EXR_FOCAL = ("pinholeFocalLength", "effectiveFocalLength", "nominalFocalLength")


@dataclass(frozen=True)
class Focal:
    """px: along the picture's longer side as it is stored (square pixels). origin: where it was read."""

    px: float
    origin: str


def from_equivalent(mm: float, width: int, height: int, origin: str) -> Focal | None:
    """From a 35 mm equivalent, which keeps the angle along the diagonal (CIPA DCG-001)."""
    if not 4.0 <= mm <= 4000.0:
        return None
    return Focal(mm / FULL_FRAME_DIAGONAL_MM * math.hypot(width, height), origin)


def from_exif(tags: exif.Tags, width: int, height: int) -> Focal | None:
    """By the pitch of the sensor when the file has it and was not resized, else by the 35 mm equivalent."""
    mm, resolution = tags.get(exif.FOCAL_LENGTH), tags.get(exif.PLANE_X_RESOLUTION)
    unit = _MM_PER_UNIT.get(_number(tags.get(exif.PLANE_RESOLUTION_UNIT, 2.0)))
    whole = _number(tags.get(exif.IMAGE_WIDTH)) in (float(width), float(height))
    if isinstance(mm, float) and isinstance(resolution, float) and unit and whole and mm > 0 and resolution > 0:
        return Focal(mm * resolution / unit, "EXIF FocalLength and FocalPlaneXResolution")
    equivalent = _number(tags.get(exif.FOCAL_LENGTH_35MM))
    return from_equivalent(equivalent, width, height, "EXIF FocalLengthIn35mmFilm")


def from_container(metadata: Mapping[str, str], width: int, height: int) -> Focal | None:
    """From a movie's metadata, such as com.apple.quicktime.camera.focal_length.35mm_equivalent."""
    for key, value in metadata.items():
        number = re.match(r"\s*([0-9]+(?:\.[0-9]+)?)", value)
        if _EQUIVALENT.search(key) and number:
            return from_equivalent(float(number[1]), width, height, key)
    return None


def from_exr(header: Mapping[str, object]) -> Focal | None:
    """From OpenEXR's standard attributes: focal length in mm and photosite pitch in micrometres."""
    pitch = _number(header.get("sensorPhotositePitch"))
    for name in _EXR_FOCAL:
        mm = _number(header.get(name))
        if mm > 0 and pitch > 0:
            return Focal(mm * 1000.0 / pitch, f"OpenEXR {name}")
    return None


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
