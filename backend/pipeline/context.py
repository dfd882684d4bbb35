"""What a stage is given besides its parameters."""

from __future__ import annotations

import logging
import math
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
    """Units a second of the recent past, and the time to the end.

    Speed is measured over windows of a quarter of a second, since steps come in bursts. What is remembered of the
    past grows with the time that a stage has run, from a second to a third of a minute: a long stage has no reason
    to change its mind about its end within seconds. The end itself moves slowly too, so that the time left counts
    down rather than jump.
    """

    _WINDOW_S = 0.25
    _MEMORY_S = (1.0, 20.0)
    _SHARE = 0.5
    """Of the time that the stage has run, which is remembered."""
    _END_S = 3.0
    """In which a changed estimate of the end is taken over for the most part."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._last = (self._began, 0)
        self._heard = False
        self._rate: float | None = None
        self._end: float | None = None

    def update(self, done: int, total: int) -> tuple[float | None, float | None]:
        """(units a second, seconds to `total`), None while unknown."""
        now = self._clock()
        since, before = self._last
        continues, self._heard = not self._heard and done > 1, True
        if done < before or continues:  # a stage that counts anew for its next step, or has some behind it
            self._rate, self._end, self._began, self._last = None, None, now, (now, done)
        elif now - since >= self._WINDOW_S:
            self._rate = self._mixed(self._rate, (done - before) / (now - since), now - since, self._memory_s(now))
            self._last = (now, done)
            if self._rate:
                self._end = self._mixed(self._end, now + max(total - done, 0) / self._rate, now - since, self._END_S)
        if self._end is None:
            return self._rate, None
        return self._rate, max(self._end - now, 0.0) if done < total else 0.0

    def _memory_s(self, now: float) -> float:
        least, most = self._MEMORY_S
        return min(max(self._SHARE * (now - self._began), least), most)

    @staticmethod
    def _mixed(old: float | None, new: float, passed_s: float, memory_s: float) -> float:
        """An average that forgets; a first value counts as it is."""
        return new if old is None else old + (1.0 - math.exp(-passed_s / memory_s)) * (new - old)


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
    _frames_meter: RateMeter = field(default_factory=RateMeter)
    _fraction: float = 0.0
    shares: tuple[float, float] | None = None
    """Of this stage that was done, 0..1, as it said first and last; None before it said anything."""

    def progress(
        self, done: int, total: int, frame: int | None = None, note: str = "", frames: tuple[int, int] = (0, 0)
    ) -> None:
        """Says how far the stage is, in its own units. frames: (done, total) of the pass over the clip that is under
        way, where that counts otherwise than the whole stage. Raises `JobCancelled` when a cancel was asked for."""
        self.check_cancelled()
        rate, eta = self._meter.update(done, total)
        frames_rate = self._frames_meter.update(*frames)[0] if frames[1] else None
        start, end = self.span
        share = min(done / max(total, 1), 1.0)
        self.shares = (share if self.shares is None else self.shares[0], share)
        self._fraction = max(self._fraction, start + (end - start) * share)
        self.observer.progress(
            Progress(self.stage, done, total, frame, rate, eta, self._fraction, note, *frames, frames_rate)
        )

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
