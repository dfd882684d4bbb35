"""`python -m backend run`: a job in this very process, reported on the terminal."""

from __future__ import annotations

import abc
import json
import logging
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

from backend.pipeline.runner import run_job
from shared.artifacts import StageResult
from shared.messages import JobRequest, Progress
from shared.wire import pack

_REPORT_EVERY_S = 0.25


def run_here(request: JobRequest, *, as_json: bool) -> int:
    """Runs the job and prints how it goes: JSON lines, or a line a person can follow. The first Ctrl-C or terminate
    signal (of `timeout`, of a farm) cancels in an orderly way, the second Ctrl-C at once."""
    observer: TerminalObserver = JsonObserver() if as_json else TextObserver()
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        observer.cancelled.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        results = run_job(request, observer)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        observer.end_line()
    observer.finished(request, results)
    return 0


class TerminalObserver(abc.ABC):
    """The part that both ways of printing share: the cancel flag and how often to report."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self._last: tuple[float, str] = (0.0, "")

    def is_cancelled(self) -> bool:
        return self.cancelled.is_set()

    def is_due(self, progress: Progress) -> bool:
        now = time.monotonic()
        due = (
            now - self._last[0] >= _REPORT_EVERY_S or progress.stage != self._last[1] or progress.done == progress.total
        )
        if due:
            self._last = (now, progress.stage)
        return due

    @abc.abstractmethod
    def progress(self, progress: Progress) -> None: ...

    @abc.abstractmethod
    def notice(self, sentence: str) -> None: ...

    @abc.abstractmethod
    def stage_done(self, result: StageResult) -> None: ...

    @abc.abstractmethod
    def finished(self, request: JobRequest, results: tuple[StageResult, ...]) -> None: ...

    def end_line(self) -> None:  # noqa: B027  (most ways of printing have no unfinished line)
        """Leaves the terminal at the start of a line."""


class JsonObserver(TerminalObserver):
    """One JSON object a line: event is progress, notice, stage, done (or failed, printed by `main`)."""

    def progress(self, progress: Progress) -> None:
        if self.is_due(progress):
            self._print("progress", progress=pack(progress))

    def notice(self, sentence: str) -> None:
        self._print("notice", text=sentence)

    def stage_done(self, result: StageResult) -> None:
        self._print("stage", result=pack(result))

    def finished(self, request: JobRequest, results: tuple[StageResult, ...]) -> None:
        self._print("done", shot=request.shot, results=pack(results))

    def _print(self, event: str, **values: Any) -> None:
        print(json.dumps({"event": event, **values}, ensure_ascii=False), flush=True)


class TextObserver(TerminalObserver):
    """A progress line that is rewritten in place, and a line for everything that stays."""

    def __init__(self) -> None:
        super().__init__()
        self._open_line = False

    def progress(self, progress: Progress) -> None:
        if not self.is_due(progress) or not sys.stderr.isatty():
            return
        eta = "" if progress.eta_s is None else f", {progress.eta_s:.0f} s left"
        note = f" {progress.note}" if progress.note else ""
        text = f"{progress.fraction:4.0%} {progress.stage} {progress.done}/{progress.total}{note}{eta}"
        print(f"\r{text:<78}", end="", file=sys.stderr, flush=True)
        self._open_line = True

    def notice(self, sentence: str) -> None:
        self.end_line()
        print(f"note: {sentence}", file=sys.stderr)

    def stage_done(self, result: StageResult) -> None:
        self.end_line()
        if result.skipped:
            print(f"{result.stage}: up to date")
            return
        facts = ", ".join(f"{_words(name)} {_short(fact)}" for name, fact in result.facts.items() if _is_short(fact))
        print(f"{result.stage}: {result.seconds:.1f} s; {facts}")

    def finished(self, request: JobRequest, results: tuple[StageResult, ...]) -> None:
        print(f"shot: {request.shot}")

    def end_line(self) -> None:
        if self._open_line:
            print(file=sys.stderr)
            self._open_line = False


def _is_short(fact: object) -> bool:
    """Lists and tables are for programs: they are in the JSON lines and in the shot."""
    return isinstance(fact, str | int | float) and fact != ""


def _words(name: str) -> str:
    return name.replace("_", " ")


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
