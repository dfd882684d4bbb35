"""Logs on disk: for each job a file of JSON lines, and one of what native libraries printed.

    logs/JOB.jsonl    {"time": seconds since the epoch, "level": ..., "stage": ..., "message": ...} a line
    logs/JOB.output   raw standard output and error of the worker during the job

The worker appends to both while the job runs; the server adds lines before and after.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from backend.worker.protocol import log_line
from shared.messages import LogChunk

LOG = logging.getLogger("backlot.server.logs")
CHUNK_BYTES = 64 * 1024
_TAIL_BYTES = 16 * 1024
_Result = TypeVar("_Result")


class JobLogs:
    """The folder `logs_dir`. All that touches it goes to a thread of its own, in order: who was told that a
    job has ended reads the line that says so."""

    def __init__(self, logs_dir: Path) -> None:
        self._dir = logs_dir
        self._dir.mkdir(parents=True, exist_ok=True)
        self._thread = ThreadPoolExecutor(1, "job-logs")

    def lines_path(self, job: str) -> Path:
        return self._dir / f"{job}.jsonl"

    def output_path(self, job: str) -> Path:
        return self._dir / f"{job}.output"

    def add(self, job: str, level: str, message: str, stage: str = "") -> None:
        """Appends a line, soon."""
        text = log_line(level, stage, message)
        self._thread.submit(_append, self.lines_path(job), text)

    async def read(self, job: str, offset: int) -> LogChunk:
        """Whole lines from byte `offset` on, 64 KiB at most."""
        return await self._in_order(_read_chunk, self.lines_path(job), offset)

    async def tail(self, job: str, count: int = 60) -> list[str]:
        """The last lines that a job's worker printed, or logged if it printed nothing."""
        return await self._in_order(_last_lines, [self.output_path(job), self.lines_path(job)], count)

    async def remove(self, jobs: list[str]) -> None:
        """Removes the logs of jobs."""
        await self._in_order(_remove, [path for job in jobs for path in (self.lines_path(job), self.output_path(job))])

    async def keep_only(self, jobs: set[str]) -> None:
        """Removes the logs of all others."""
        await self._in_order(self._keep_only, jobs)

    async def _in_order(self, work: Callable[..., _Result], *args: object) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)

    def _keep_only(self, jobs: set[str]) -> None:
        logs = [path for path in self._dir.iterdir() if path.suffix in (".jsonl", ".output")]
        _remove([path for path in logs if path.stem not in jobs])

    def close(self) -> None:
        self._thread.shutdown()


def _remove(paths: list[Path]) -> None:
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            LOG.warning("%s could not be removed: %s", path, error)


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:  # a full disk must not take the job's log line down with the job
        LOG.warning("%s could not be written: %s", path, error)


def _read_chunk(path: Path, offset: int) -> LogChunk:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(CHUNK_BYTES)
    except FileNotFoundError:
        return LogChunk("", offset)
    end = data.rfind(b"\n") + 1
    if not end and len(data) == CHUNK_BYTES:  # one line longer than a chunk: cut at a whole character
        end = CHUNK_BYTES
        while end and data[end - 1] & 0xC0 == 0x80:
            end -= 1
        end = max(end - 1, 0)
    return LogChunk(data[:end].decode("utf-8", "replace"), offset + end)


def _last_lines(paths: list[Path], count: int) -> list[str]:
    for path in paths:
        try:
            with path.open("rb") as file:
                file.seek(max(file.seek(0, os.SEEK_END) - _TAIL_BYTES, 0))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            continue
        if lines:
            return list(deque((line for line in lines if line.strip()), maxlen=count))
    return []
