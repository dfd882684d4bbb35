"""The list of jobs as Blender's lists want it: property groups in the window manager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..properties import JobItem, selected_job
from ..shared.messages import RUNNING, JobStatus, in_line
from . import words


def in_rows(jobs: Mapping[str, JobStatus]) -> list[JobStatus]:
    """What runs, then what waits, the next one first, then what has ended, the newest first."""
    running = sorted((job for job in jobs.values() if job.state == RUNNING), key=lambda job: job.started or 0.0)
    over = [job for job in jobs.values() if job.is_over]
    return [*running, *in_line(jobs.values()), *sorted(over, key=lambda job: job.ended or job.created, reverse=True)]


def show(listed: Any, jobs: Mapping[str, JobStatus]) -> None:
    """Writes the rows; the job that is selected stays so, wherever its row goes. listed: a `JobList`."""
    held = selected_job(listed)
    selected = held.job if held is not None else ""
    ordered = in_rows(jobs)
    while len(listed.items) > len(ordered):
        listed.items.remove(len(listed.items) - 1)
    while len(listed.items) < len(ordered):
        listed.items.add()
    places = {status.id: number for number, status in enumerate(in_line(jobs.values()), 1)}
    for item, status in zip(listed.items, ordered, strict=True):
        _write(item, status, words.in_list(status, places.get(status.id, 0)))
    ids = [status.id for status in ordered]
    if selected in ids:
        listed.active = ids.index(selected)
    elif listed.active >= len(ids):
        listed.active = max(0, len(ids) - 1)


def _write(item: JobItem, status: JobStatus, detail: str) -> None:
    item.job, item.state, item.detail = status.id, status.state, detail
    item.name = item.title = words.shot_name(status)
    item.fraction = status.progress.fraction
