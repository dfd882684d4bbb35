"""What is known of a clip as people read it: facts, and what is unusual with the parameters that override it.
No bpy here."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from .jobs import words
from .shared.shot import SourceFacts

_HDR = {"pq": "HDR (PQ)", "hlg": "HDR (HLG)"}
_ENCODINGS = {"scene-linear": "Scene-linear", "log": "Log-encoded"}
_FORMATS = {"h264": "H.264", "hevc": "H.265", "prores": "ProRes", "av1": "AV1", "vp9": "VP9", "dnxhd": "DNxHD",
            "mjpeg": "Motion JPEG", "png": "PNG", "exr": "OpenEXR", "dpx": "DPX", "tiff": "TIFF"}  # fmt: skip


@dataclass(frozen=True)
class ClipWarning:
    """text: what is unusual. params: of ingest, which override it; none where nothing can."""

    text: str
    params: tuple[str, ...] = ()


def fact_rows(facts: SourceFacts) -> tuple[tuple[str, str], ...]:
    """Label and value."""
    rate = Fraction(facts.fps)
    seconds = facts.frame_count / rate
    length = f"{float(seconds):.1f} s" if seconds < 60 else f"{words.duration(float(seconds))} min"
    depth = f"{facts.bit_depth}-bit" if facts.bit_depth < 32 else "float"
    codec = _FORMATS.get(facts.codec, facts.codec)
    rows = [
        ("Resolution", f"{facts.width} × {facts.height}"),
        ("Frame Rate", f"{float(rate):.6g} fps"),
        ("Frames", f"{facts.frame_start} to {facts.frame_end}, {length}"),
        ("Format", f"{codec}, {depth}" if codec else depth),
        ("Colour", _HDR.get(facts.hdr, "") or _ENCODINGS.get(facts.encoding, "")),
        ("Primaries", _primaries(facts)),
    ]
    if facts.focal_px is not None:
        rows.append(("Lens", f"{facts.focal_px:.0f} px, from the file"))
    return tuple(row for row in rows if row[1])


def clip_warnings(facts: SourceFacts) -> tuple[ClipWarning, ...]:
    """What is unusual about a clip, each with what overrides it."""
    found = []
    if facts.rotation:
        found.append(ClipWarning(f"Turned by {facts.rotation}° to be upright", ("rotation",)))
    if facts.variable_rate:
        shown = float(Fraction(facts.fps))
        found.append(ClipWarning(f"Variable frame rate, made constant at {shown:.6g} fps", ("fps",)))
    elif facts.source_fps and Fraction(facts.source_fps) != facts.rate:
        found.append(ClipWarning(f"Resampled from {float(Fraction(facts.source_fps)):.6g} fps", ("fps",)))
    elif facts.kind == "sequence" and not facts.source_fps:
        found.append(ClipWarning("The files do not say the frame rate", ("fps",)))
    if facts.pixel_aspect != 1.0:
        found.append(ClipWarning(f"Pixels are {facts.pixel_aspect:.4g} times as wide as high", ("pixel_aspect",)))
    if facts.hdr or facts.encoding in _ENCODINGS:
        what = _HDR.get(facts.hdr, facts.hdr.upper()) or _ENCODINGS[facts.encoding]
        kept = "the plate is a viewable copy" if facts.proxy else "the plate keeps its code values"
        found.append(ClipWarning(f"{what}: {kept}", () if facts.encoding == "scene-linear" else ("encoding",)))
    if facts.interlaced:
        found.append(ClipWarning("Interlaced: deinterlace it first for a good solve"))
    if facts.missing_frames:
        count = len(facts.missing_frames)
        first = facts.missing_frames[0]
        found.append(ClipWarning(f"{count} {'frame is' if count == 1 else 'frames are'} missing, from {first} on",
                                 ("frame_start", "frame_end")))  # fmt: skip
    return tuple(found)


def _primaries(facts: SourceFacts) -> str:
    name = facts.primaries.replace("bt", "BT.") if facts.primaries.startswith("bt") else facts.primaries
    return ", ".join(part for part in (name, facts.range) if part)
