"""What the solver is told: parameters, footage, hints and what other stages know of the lens, as one."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from backend.sfm.settings import SfmSettings
from shared.errors import InvalidParameter, ShotCorrupt
from shared.sensors import width_mm
from shared.shot import ShotFolder, SourceFacts
from shared.solve_hints import LensHint, SolveHints
from shared.stages import SolveParams


@dataclass(frozen=True)
class KnownFocal:
    """px of the plate's width, None when it has to be solved from nothing. source: user, metadata or learned.
    fixed: exact. least_px, most_px: ends of the range it lies in, None without."""

    px: float | None
    source: str
    fixed: bool = False
    least_px: float | None = None
    most_px: float | None = None


def settings_of(
    params: SolveParams, facts: SourceFacts, hints: SolveHints, learned_px: float | None = None
) -> SfmSettings:
    """The solver's settings, without its places on disk. learned_px: a network's guess of the focal length. Raises
    `InvalidParameter`."""
    focal = known_focal(params, facts, hints.lens, learned_px)
    if params.rolling_shutter == "known" and params.readout_ms is None:
        raise InvalidParameter(
            "The rolling shutter is said to be known, but no readout time is given.",
            "Enter the readout time in milliseconds, or let it be estimated.",
        )
    return SfmSettings(
        quality=params.quality,
        focal_px=focal.px,
        focal_source=focal.source,
        fix_focal=focal.fixed,
        focal_min_px=focal.least_px,
        focal_max_px=focal.most_px,
        zoom=params.zoom,
        motion=params.motion,
        distortion=params.distortion,
        rolling_shutter=params.rolling_shutter,
        readout_ms=params.readout_ms,
        fps=float(Fraction(facts.fps)),
        find_movers=not params.no_movers,
        pixel_aspect=facts.pixel_aspect,
        hints=hints,
        seed=params.seed,
    )


def known_focal(
    params: SolveParams, facts: SourceFacts, hint: LensHint | None = None, learned_px: float | None = None
) -> KnownFocal:
    """The focal length that is known before the solve. The job's parameters win over hints.json, both over the file,
    the file over a network's guess; pixels win over millimetres.

    Raises `InvalidParameter` for millimetres without a sensor, for keeping a focal length nobody gave, and for one
    outside of its range.
    """
    hint = hint or LensHint()
    least = _in_px(params.focal_min_px, params.focal_min_mm, params, facts) or hint.focal_min_px
    most = _in_px(params.focal_max_px, params.focal_max_mm, params, facts) or hint.focal_max_px
    given = _in_px(params.focal_px, params.focal_mm, params, facts)
    if given is not None:
        known = KnownFocal(given, "user", params.fix_focal, least, most)
    elif hint.focal_px is not None:
        known = KnownFocal(hint.focal_px, "user", params.fix_focal or hint.fixed, least, most)
    elif facts.focal_px is not None:
        known = KnownFocal(facts.focal_px, "metadata", params.fix_focal, least, most)
    elif params.fix_focal:
        raise InvalidParameter(
            "There is no focal length to keep: none was given, and the footage carries none.",
            "Enter the focal length, or let it be solved.",
        )
    else:
        known = KnownFocal(learned_px, "user" if learned_px is None else "learned", False, least, most)
    return _within_range(known)


def _in_px(px: float | None, mm: float | None, params: SolveParams, facts: SourceFacts) -> float | None:
    if px is not None or mm is None:
        return px
    sensor = params.sensor_mm or width_mm(params.sensor)
    if sensor is None:
        raise InvalidParameter(
            "A focal length in millimetres says nothing without the width of the sensor.",
            "Choose the camera, or enter the sensor's width in millimetres.",
        )
    return mm * facts.width / sensor


def _within_range(known: KnownFocal) -> KnownFocal:
    """Said by the user, a focal length outside of its range is a mistake; from elsewhere it gives way."""
    least, most = known.least_px or 0.0, known.most_px or math.inf
    if least > most:
        raise InvalidParameter(
            f"The shortest focal length ({least:.1f} px) is longer than the longest ({most:.1f} px).",
            "Correct one of them; the other may come from camera/hints.json.",
        )
    if known.px is None or least <= known.px <= most:
        return known
    if known.source == "user":
        raise InvalidParameter(
            f"The focal length ({known.px:.1f} px) is outside of its range ({least:.1f} to {most:.1f} px).",
            "Correct the focal length or the range.",
        )
    return KnownFocal(min(max(known.px, least), most), known.source, known.fixed, known.least_px, known.most_px)


def learned_focal_px(shot: ShotFolder) -> float | None:
    """`focal_px` of depth/meta.json: what a depth network without a solved camera took the lens for, px of the
    plate's width. None without one, or when the network was given the solved camera (`focal_source` is not
    "learned"). Raises `ShotCorrupt`."""
    path: Path = shot.root / "depth/meta.json"
    if not path.is_file():
        return None
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        focal = said.get("focal_px") if said.get("focal_source") == "learned" else None
        return None if focal is None else _sane(float(focal))
    except (ValueError, TypeError, AttributeError) as bad:
        raise ShotCorrupt(f"{path} cannot be read: {bad}.", "Run the depth stage again, or delete it.") from bad


def _sane(focal: float) -> float:
    if not (math.isfinite(focal) and focal > 0.0):
        raise ValueError(f"focal_px is {focal}")
    return focal
