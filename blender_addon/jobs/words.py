"""Jobs in words. No bpy here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from ..shared.errors import BacklotError
from ..shared.messages import CANCELLED, DONE, FAILED, QUEUED, RUNNING, JobStatus, MachineStatus, in_line
from ..shared.stages import STAGES, in_order

_WORK = {
    "": "Starting on",
    "ingest": "Reading",
    "roto": "Finding the masks of",
    "matte": "Making the mattes of",
    "solve": "Solving the camera of",
    "depth": "Estimating the depth of",
    "mocap": "Capturing the motion in",
    "export": "Exporting the camera of",
}
_OWN = ("", "blender")
"""What Blenders call themselves, for the backend's list of jobs."""
_NEARLY_FULL = 0.92
_GB = 2.0**30


def duration(seconds: float) -> str:
    """`75 s` -> `1:15`."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


def time_left(seconds: float) -> str:
    """As an estimate is said: `about 45 s`."""
    if seconds < 7.5:
        return "a few seconds"
    if seconds < 97.5:
        return f"about {5 * round(seconds / 5)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min"
    hours, rest = divmod(10 * round(minutes / 10), 60)
    return f"about {hours} h {rest} min" if rest else f"about {hours} h"


def _briefly(seconds: float) -> str:
    """As `time_left`, in a few letters: `45 s`, `12 min`, `1:20 h`."""
    if seconds < 97.5:
        return f"{max(5, 5 * round(seconds / 5))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(10 * round(minutes / 10), 60)
    return f"{hours}:{rest:02d} h"


def rate(frames_a_second: float) -> str:
    if frames_a_second >= 9.95:
        return f"{frames_a_second:.0f} frames a second"
    if frames_a_second >= 0.5:
        return f"{frames_a_second:.1f} frames a second"
    return f"{1.0 / max(frames_a_second, 1e-6):.0f} s a frame"


def device_name(device: str) -> str:
    """`cuda:0` -> `GPU 0`."""
    kind, _, index = device.partition(":")
    return {"cpu": "CPU", "cuda": f"GPU {index or 0}", "mps": "GPU"}.get(kind, device)


def stage_label(name: str) -> str:
    return next((stage.label for stage in STAGES if stage.name == name), name)


def shot_name(status: JobStatus) -> str:
    """The clip without its ending, or the shot folder without the one that Backlot gives it."""
    footage = status.request.footage
    if not footage:
        return Path(status.request.shot).name.removesuffix("_backlot")
    return Path(footage).stem.rstrip("#").rstrip("._-") or Path(footage).name


def percent(status: JobStatus) -> str:
    return f"{int(100 * status.progress.fraction)} %"


def ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number // 10 % 10 != 1 else 0, "th")
    return f"{number}{ending}"


def place(status: JobStatus, jobs: Mapping[str, JobStatus]) -> int:
    """In the line of those that wait, from 1; 0 for a job that does not wait."""
    return next((number for number, job in enumerate(in_line(jobs.values()), 1) if job.id == status.id), 0)


# -- one job ------------------------------------------------------------------------------------------------


def in_list(status: JobStatus, number: int) -> str:
    """A few letters: what stands beside its name. number: its place in the line."""
    if status.state == QUEUED:
        return f"{ordinal(number)} in line"
    if status.state == RUNNING:
        left = status.progress.eta_s
        return percent(status) if left is None else f"{percent(status)}, {_briefly(left)}"
    if status.state == DONE:
        return duration(ran_s(status))
    return "Failed" if status.state == FAILED else "Cancelled"


def ran_s(status: JobStatus) -> float:
    """Seconds that the job ran, or has been running; 0 before it began."""
    if status.started is None:
        return 0.0
    return max(0.0, (status.ended or time.time()) - status.started)


def step_text(status: JobStatus) -> str:
    """`Solve Camera, step 2 of 2`. Before the first step, what was asked for."""
    stage = status.progress.stage
    if not stage:
        return wanted(status)
    names = _stages(status)
    label = stage_label(stage)
    return f"{label}, step {names.index(stage) + 1} of {len(names)}" if stage in names and len(names) > 1 else label


def progress_text(status: JobStatus) -> str:
    """`Following features, 120 of 300 frames, 4.1 frames a second, about 45 s left`."""
    progress = status.progress
    parts = [progress.note] if progress.note else []
    if progress.frames_total:
        parts.append(f"{progress.frames_done} of {progress.frames_total} frames")
    if progress.frames_rate:
        parts.append(rate(progress.frames_rate))
    if progress.eta_s is not None:
        names = _stages(status)
        ends_job = progress.stage in names and names.index(progress.stage) == len(names) - 1
        parts.append(f"{time_left(progress.eta_s)} left" + ("" if ends_job else " of this step"))
    return ", ".join(parts) or "Starting"


def waiting_text(status: JobStatus, jobs: Mapping[str, JobStatus]) -> str:
    """`2nd in line for the CPU, which works on clip.mp4`."""
    text = f"{ordinal(place(status, jobs))} in line"
    if not status.device:
        return text
    text += f" for {_the(status.device)}"
    busy = next((job for job in jobs.values() if job.state == RUNNING and job.device == status.device), None)
    return f"{text}, which works on {shot_name(busy)}" if busy is not None else text


def lines(status: JobStatus, jobs: Mapping[str, JobStatus]) -> list[str]:
    """A job that has not failed, as a panel says it."""
    return [*_state_lines(status, jobs), *([f"Asked for by {status.client}"] if status.client not in _OWN else [])]


def _state_lines(status: JobStatus, jobs: Mapping[str, JobStatus]) -> list[str]:
    if status.state == QUEUED:
        return [waiting_text(status, jobs), wanted(status)]
    if status.state == RUNNING:
        ran = f"Running for {duration(ran_s(status))}"
        on = f"{ran} on {_the(status.device)}" if status.device else ran
        return [step_text(status), progress_text(status), on]
    took = duration(ran_s(status))
    if status.state == DONE:
        return [f"Done in {took} at {_clock(status.ended)}", wanted(status), *status.notices]
    return [f"Cancelled after {took} at {_clock(status.ended)}", wanted(status)]


def wanted(status: JobStatus) -> str:
    """What was asked for: `Solve Camera, Depth`. Reading the clip is worth a word only for itself."""
    stages = status.request.stages
    return ", ".join(stage_label(name) for name in stages if name != "ingest" or len(stages) == 1)


def ended_text(status: JobStatus) -> str:
    """What the artist is told when a job ends."""
    if status.state == DONE:
        return f"{shot_name(status)}: {wanted(status)} done in {duration(ran_s(status))}"
    if status.state == CANCELLED:
        return f"{shot_name(status)}: cancelled"
    return f"{shot_name(status)}: {(status.error or {}).get('message', 'failed')}"


# -- all of them --------------------------------------------------------------------------------------------


def status_bar_text(status: JobStatus, jobs: Mapping[str, JobStatus]) -> str:
    """`Backlot: Solving the camera of shot_010, 63 %, about 45 s left`."""
    waiting = len(in_line(jobs.values()))
    if status.state == QUEUED:
        return f"Backlot: {shot_name(status)} is {ordinal(place(status, jobs))} in line"
    stage = status.progress.stage
    work = _WORK.get(stage, f"{stage_label(stage)} of")
    parts = [f"{work} {shot_name(status)}", percent(status)]
    if status.progress.eta_s is not None:
        parts.append(f"{time_left(status.progress.eta_s)} left")
    if waiting:
        parts.append(f"{waiting} waiting")
    return f"Backlot: {', '.join(parts)}"


def gigabytes(count: float) -> str:
    """`2.0 GB`. count: bytes."""
    return f"{count / _GB:.1f} GB"


def memory_text(used: float, total: float) -> str:
    """`12.3 of 32 GB`. used, total: bytes."""
    return f"{used / _GB:.1f} of {total / _GB:.0f} GB"


def workers_bytes(machine: MachineStatus) -> int:
    return sum(worker.used_bytes for worker in machine.workers)


def is_nearly_full(used: float, total: float) -> bool:
    return used > _NEARLY_FULL * total


def _stages(status: JobStatus) -> list[str]:
    """All that the job brings up to date, in order; empty for stages that this version does not know."""
    try:
        return [info.name for info in in_order(status.request.stages)]
    except BacklotError:
        return []


def _the(device: str) -> str:
    return f"the {device_name(device)}" if device in ("cpu", "mps") else device_name(device)


def _clock(when: float | None) -> str:
    return time.strftime("%H:%M", time.localtime(when)) if when is not None else "?"
