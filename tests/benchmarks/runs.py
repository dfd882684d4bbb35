"""What a solver made of a clip, and how long a command takes."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.scoring import Array, Lens


@dataclass(frozen=True)
class Run:
    """seconds: wall time from start to exit of everything. cpu_seconds: of all processes. poses: solved
    world_from_camera by frame index. lens: K for each of the clip's frames. failure: why it gave nothing. motion:
    kind of every frame that has a pose, where the solver says it. steps: seconds by step. shot: folder it left.
    recorded: when and where, for a run that comes from the cache."""

    solver: str
    seconds: float
    cpu_seconds: float
    poses: dict[int, Array]
    lens: Lens | None
    failure: str = ""
    motion: list[str] = field(default_factory=list)
    steps: dict[str, float] = field(default_factory=dict)
    shot: Path | None = None
    recorded: str = ""


class CommandFailed(Exception):
    """The line in which a command said why it gave up."""


class Clock:
    """Wall and processor seconds (of child processes) since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), self._children()

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self._wall, self._children() - self._cpu

    @staticmethod
    def _children() -> float:
        times = os.times()
        return times.children_user + times.children_system


def call(
    command: list[str], cwd: Path | None = None, env: dict[str, str] | None = None, timeout: float | None = None
) -> str:
    """The command's output. Raises `CommandFailed` for another exit status than 0 and for one that takes longer
    than `timeout` seconds."""
    try:
        done = subprocess.run(
            command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=timeout,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        raise CommandFailed(f"stopped after {timeout:.0f} s") from late
    _require_success(done.returncode, done.stdout, done.stderr)
    return done.stdout


def call_watched(command: list[str], cwd: Path, watch: Callable[[str, int], None]) -> str:
    """`call`, with `watch(line, process id)` for every line of the output as it comes."""
    lines = []
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
        subprocess.Popen(
            command, cwd=cwd, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL, text=True
        ) as process,
    ):  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            watch(line, process.pid)
            lines.append(line)
        process.wait()
        errors.seek(0)
        _require_success(process.returncode, "".join(lines), errors.read())
    return "".join(lines)


def _require_success(code: int, out: str, err: str) -> None:
    if code == 0:
        return
    lines = [line.strip() for line in (err + "\n" + out).splitlines() if line.strip()]
    if not lines:
        raise CommandFailed(f"exit status {code}")
    raise CommandFailed(lines[-1] if lines[0].startswith("Traceback") else lines[0])
