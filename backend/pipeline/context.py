"""What a stage is given besides its parameters."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from shared.artifacts import Artifact, StageResult
from shared.errors import JobCancelled
from shared.messages import Progress
from shared.shot import ShotFolder

from . import manifest


class JobObserver(Protocol):
    """Who hears of a job while it runs. Calls come from the thread that runs the stages."""

    def progress(self, progress: Progress) -> None: ...

    def notice(self, sentence: str) -> None: ...

    def stage_done(self, result: StageResult) -> None: ...

    def is_cancelled(self) -> bool: ...


class RateMeter:
    """Units a second of the recent past, and the time to the end. Speed is measured over windows of a
    quarter of a second, since steps come in bursts, and older windows fade within a few seconds, so that
    the estimate follows a stage whose steps differ."""

    _FADE = 0.2
    _WINDOW_S = 0.25

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = (clock(), 0)
        self._rate: float | None = None

    def update(self, done: int, total: int) -> tuple[float | None, float | None]:
        """(units a second, seconds to `total`), None while unknown."""
        now = self._clock()
        since, before = self._last
        if done < before:  # a stage that counts anew for its next step
            self._rate, self._last = None, (now, done)
        elif now - since >= self._WINDOW_S:
            speed = (done - before) / (now - since)
            self._rate = speed if self._rate is None else self._rate + self._FADE * (speed - self._rate)
            self._last = (now, done)
        return self._rate, (total - done) / self._rate if self._rate else None


@dataclass
class StageContext:
    """Progress, cancellation, logging and places for one run of one stage.

    footage: what to read, "" when the plate is there already. checkpoint_dir: private to this stage and
    key; survives a crash and is removed when the stage is complete. span: the part (from, to) of the whole
    job's 0..1 that this stage covers.
    """

    stage: str
    shot: ShotFolder
    footage: str
    device: str
    checkpoint_dir: Path
    observer: JobObserver
    log: logging.Logger
    span: tuple[float, float] = (0.0, 1.0)
    notices: list[str] = field(default_factory=list)
    _meter: RateMeter = field(default_factory=RateMeter)
    _fraction: float = 0.0

    def progress(self, done: int, total: int, frame: int | None = None, note: str = "") -> None:
        """Says how far the stage is, in its own units. Raises `JobCancelled` when a cancel was asked for."""
        self.check_cancelled()
        rate, eta = self._meter.update(done, total)
        start, end = self.span
        self._fraction = max(self._fraction, start + (end - start) * min(done / max(total, 1), 1.0))
        self.observer.progress(Progress(self.stage, done, total, frame, rate, eta, self._fraction, note))

    def check_cancelled(self) -> None:
        if self.observer.is_cancelled():
            raise JobCancelled(f"{self.stage} was cancelled.")

    def notice(self, sentence: str) -> None:
        """Something the user should know though the stage goes on; shown now and kept in the result."""
        self.notices.append(sentence)
        self.log.warning(sentence)
        self.observer.notice(sentence)

    def begin_changes(self) -> None:
        """To be called right before the stage first changes files of an earlier run: from then until it is
        complete, the stage counts as not done. A stage that fails earlier loses nothing."""
        manifest.remove(self.shot, self.stage)

    def artifact(self, kind: str, path: Path, frames: tuple[int, int] | None = None) -> Artifact:
        """A finished file or frame folder of the shot, as the result lists it."""
        return manifest.measure(self.shot, self.shot.relative(path), kind, frames)
