"""Numbers and errors as people read them."""

from __future__ import annotations

import textwrap
from typing import Any

from .shared.errors import BacklotError, from_wire
from .shared.messages import CANCELLED, DONE, FAILED, QUEUED, JobStatus
from .shared.stages import STAGES

_PIXELS_PER_LETTER = 7.0


def duration(seconds: float) -> str:
    """`75 s` -> `1:15`."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


def stage_label(name: str) -> str:
    return next((stage.label for stage in STAGES if stage.name == name), name or "Starting")


def progress_text(status: JobStatus) -> str:
    """What a running job does, in one line: stage, frame, time left."""
    if status.state == QUEUED:
        return "Waiting in the queue"
    progress = status.progress
    parts = [stage_label(progress.stage)]
    if progress.note:
        parts.append(progress.note)
    elif progress.total:
        parts.append(f"{progress.done}/{progress.total}")
    if progress.eta_s is not None:
        parts.append(f"{duration(progress.eta_s)} left")
    return ", ".join(parts)


def state_text(status: JobStatus) -> str:
    """What became of a job, in a few words."""
    if status.state == DONE:
        took = (status.ended or 0) - (status.started or 0)
        return f"Done in {duration(took)}"
    if status.state == CANCELLED:
        return "Cancelled"
    if status.state == FAILED:
        return (status.error or {}).get("message", "Failed")
    return progress_text(status)


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
