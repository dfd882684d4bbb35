"""Everything about a server that may be chosen."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
"""The folder that holds `backend/` and `shared/`: children run there."""

_PYTHON = (sys.executable, "-X", "utf8")


@dataclass(frozen=True)
class Settings:
    """home: Backlot's own folder. port: 0 lets the operating system choose. idle_timeout_s: stop after that
    long without a client and without a job. parent_pid: stop when that process ends.

    worker_command, frames_command, preview_command, doctor_command, world_command: the programs started as children.
    cancel_grace_s: how
    long a cancelled job may take to end by itself before its worker is killed; stop_grace_s: the same when
    the server stops. silence_s: a worker that says nothing for that long is reported. worker_idle_s: how
    long a worker stays warm without work. start_limit_s: how long a child may take to get ready.
    outbox_bytes: a client for which more than that waits is dropped. crash_limit: a job that was running
    that many times when the server died is not tried again. keep_jobs, keep_days: what history remembers.
    """

    home: Path
    port: int = 0
    idle_timeout_s: float | None = None
    parent_pid: int | None = None
    worker_command: tuple[str, ...] = (*_PYTHON, "-m", "backend.worker")
    frames_command: tuple[str, ...] = (*_PYTHON, "-m", "backend.worker.frames")
    preview_command: tuple[str, ...] = (*_PYTHON, "-m", "backend.roto.cut.process")
    doctor_command: tuple[str, ...] = (*_PYTHON, "-m", "backend.doctor", "--json")
    world_command: tuple[str, ...] = (*_PYTHON, "-m", "backend.world.process")
    hello_timeout_s: float = 10.0
    cancel_grace_s: float = 1.2
    stop_grace_s: float = 1.0
    silence_s: float = 120.0
    worker_idle_s: float = 900.0
    start_limit_s: float = 60.0
    max_sessions: int = 64
    outbox_bytes: int = 16 * 1024 * 1024
    crash_limit: int = 3
    keep_jobs: int = 500
    keep_days: float = 90.0

    @property
    def logs_dir(self) -> Path:
        return self.home / "logs"
