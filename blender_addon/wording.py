"""Numbers and errors as people read them."""

from __future__ import annotations

import textwrap
from typing import Any

from .shared.errors import BacklotError, from_wire

_PIXELS_PER_LETTER = 7.0
_SMALL_WORDS = ("a", "an", "and", "as", "at", "by", "for", "from", "if", "in", "into", "of", "off", "on", "or", "over",
                "per", "the", "to", "with")  # fmt: skip
_UNITS = ("mm", "px", "fps", "ms")


def title(text: str) -> str:
    """In title case, as Blender writes labels: `Focal length in pixels` -> `Focal Length in Pixels`. Words that have
    capitals already stay as they are."""
    words = text.split(" ")
    between = range(1, len(words) - 1)
    return " ".join(
        word
        if word != word.lower() or word in _UNITS or (index in between and word in _SMALL_WORDS)
        else word[:1].upper() + word[1:]
        for index, word in enumerate(words)
    )


def result_lines(facts: dict[str, Any]) -> list[str]:
    """The solve's facts as short lines; what a stage did not report is left out."""
    lines = []
    if facts.get("frames_solved") is not None and facts.get("frames"):
        lines.append(f"{facts['frames_solved']} of {facts['frames']} frames solved")
    if facts.get("reprojection_error_px") is not None:
        lines.append(f"Error {facts['reprojection_error_px']:.2f} px")
    if facts.get("focal_px") is not None:
        source = f" ({facts['focal_source']})" if facts.get("focal_source") else ""
        lines.append(f"Focal length {facts['focal_px']:.1f} px{source}")
    if facts.get("points") is not None:
        lines.append(f"{facts['points']} points")
    return lines


def roto_line(facts: dict[str, Any]) -> str:
    """What the roto stage did, in one line: how many of the frames were done, and how many had not changed."""
    done, frames = facts.get("frames_made"), facts.get("frames")
    if done is None or frames is None:
        return "The masks are done"
    if done == 0:
        return "No frame had to be done again"
    return f"Done: {done} of {frames} frames" + (" (the others had not changed)" if done < frames else "")


def letters(region_width: int, ui_scale: float) -> int:
    """How many letters fit into a region."""
    return max(20, int(region_width / (_PIXELS_PER_LETTER * max(ui_scale, 0.1))) - 6)


def draw_wrapped(layout: Any, text: str, width: int, icon: str = "NONE") -> None:
    """A text as several labels: Blender's labels do not wrap."""
    for index, line in enumerate(textwrap.wrap(text, width) or [""]):
        layout.label(text=line, icon=icon if index == 0 else "BLANK1" if icon != "NONE" else "NONE")


def draw_error(layout: Any, error: BacklotError | dict[str, Any], width: int) -> None:
    """What happened, and below it what to do."""
    known = error if isinstance(error, BacklotError) else from_wire(error)
    column = layout.column(align=True)
    draw_wrapped(column, known.message, width, "ERROR")
    if known.remedy:
        draw_wrapped(column, known.remedy, width, "INFO")
