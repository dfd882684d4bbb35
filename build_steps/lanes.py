"""Test jobs side by side: each in a process of its own, its output printed whole when it ends.

Two lanes: most layers use one processor, and some start servers and windows of their own and measure their patience,
so that more at once would make them fail for want of time.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from .console import say
from .layout import ROOT, BuildError

LANES = 2

_LOOK_S = 5.0
"""How often a process is looked at."""


@dataclass
class Count:
    """Tests of a job, or of all; notes are the sentences to repeat at the end. cpu_s: user and system time of the
    job's processes."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    notes: list[str] = field(default_factory=list)
    cpu_s: float = 0.0

    def add(self, other: Count) -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.notes += other.notes
        self.cpu_s += other.cpu_s


class Output:
    """Where a job's words and its processes' output go: on the screen at once, or into a file until it ends."""

    def __init__(self, kept: IO[bytes] | None) -> None:
        self.kept = kept

    def say(self, text: str) -> None:
        if self.kept is None:
            say(text)
            return
        size = self.kept.seek(0, os.SEEK_END)
        self.kept.seek(max(0, size - 1))
        begins_line = self.kept.read(1) in (b"", b"\n")  # a process that was killed may have left half a line
        self.kept.write(f"{'' if begins_line else chr(10)}{text}\n".encode())
        self.kept.flush()

    def text(self) -> str:
        """What was kept, without the last line end; "" when it is on the screen already."""
        if self.kept is None:
            return ""
        self.kept.seek(0)
        return self.kept.read().decode("utf-8", "replace").rstrip("\n")


@dataclass(frozen=True)
class Job:
    """A layer, or a part of it that runs by itself. run: gives its count; raises `BuildError` when it cannot run."""

    name: str
    run: Callable[[Output], Count]


class Processes:
    """The test processes that run now, so that all can be ended when the run is interrupted."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._ended = False

    def run(
        self,
        command: Sequence[str],
        output: Output,
        variables: Mapping[str, str],
        silence_s: float,
        life: Path | None = None,
    ) -> tuple[int, float]:
        """(exit code, processor seconds of it and of what it waited for). It is killed when `life`, a file that it
        writes on, has not grown for `silence_s`, or without one when it has run that long: then raises
        `subprocess.TimeoutExpired`. Not after a whole time: on a busy computer everything takes several times as
        long."""
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        with self._lock:
            if self._ended:
                raise BuildError("interrupted")
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": path, **variables},
                stdin=subprocess.DEVNULL,
                stdout=output.kept,
                stderr=output.kept,
            )
            self._running.add(process)
        late, ended = threading.Event(), threading.Event()

        def watch() -> None:
            size, since = -1, time.monotonic()
            while not ended.wait(min(_LOOK_S, silence_s / 4)):
                now = life.stat().st_size if life is not None and life.is_file() else 0
                if now != size:
                    size, since = now, time.monotonic()
                elif time.monotonic() - since > silence_s:
                    late.set()
                    _send(process, "SIGKILL")
                    return

        watcher = threading.Thread(target=watch, name="watch", daemon=True)
        watcher.start()
        try:
            code, cpu_s = _wait(process)
        finally:
            ended.set()
            watcher.join()
            with self._lock:
                self._running.discard(process)
        if late.is_set():
            raise subprocess.TimeoutExpired(list(command), silence_s)
        return code, cpu_s

    def end(self) -> None:
        """Ends what runs and lets nothing more begin."""
        with self._lock:
            self._ended = True
            for process in self._running:
                _send(process, "SIGTERM")


def _send(process: subprocess.Popen[bytes], name: str) -> None:
    """Ends a process. Not by its own methods: those ask for its exit code, which `_wait` wants."""
    if not hasattr(os, "wait4"):
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.Signals[name])


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, float]:
    """Exit code and processor seconds; 0 seconds where the system does not tell."""
    if not hasattr(os, "wait4"):
        return process.wait(), 0.0
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime


def describe_exit(code: int) -> str:
    """Words for an exit code."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"crashed with {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def run_jobs(jobs: Sequence[Job], lanes: int, processes: Processes) -> Count:
    """Runs the jobs, at most `lanes` at once, begun in their order. A job that cannot run counts as one failure, and
    the others go on. processes: where the jobs run theirs; ended when this is interrupted."""
    total, printing = Count(), threading.Lock()

    def run_one(job: Job) -> None:
        with _output(kept=lanes > 1) as output:
            if lanes == 1:
                say(f"\n== {job.name} ==")
            count = _counted(job, output)
            with printing:
                if lanes > 1:
                    say(f"\n== {job.name} ==")
                    text = output.text()
                    if text:
                        say(text)
                total.add(count)

    with ThreadPoolExecutor(lanes, thread_name_prefix="lane") as pool:
        try:
            for done in [pool.submit(run_one, job) for job in jobs]:
                done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            processes.end()
            raise
    return total


@contextlib.contextmanager
def _output(*, kept: bool) -> Iterator[Output]:
    if not kept:
        yield Output(None)
        return
    with tempfile.TemporaryFile("a+b", prefix="backlot-test-") as file:
        yield Output(file)


def _counted(job: Job, output: Output) -> Count:
    """The job's count, with its summary as the last line of its output."""
    started = time.monotonic()
    try:
        count = job.run(output)
    except BuildError as failed:
        output.say(str(failed))
        count = Count(failed=1, notes=[f"{job.name}: could not run: {str(failed).splitlines()[0]}"])
    spent = f"{time.monotonic() - started:.0f} s, {count.cpu_s:.0f} s of processor time"
    output.say(f"{job.name}: {count.passed} ok, {count.failed} bad, {count.skipped} left out, {spent}")
    return count
