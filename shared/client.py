"""The client of the backend: one for scripts that wait, and the same one for user interfaces that poll.

Scripts:

    with Client() as client:
        job = client.run("clip.mp4", shot="shots/clip", on_event=print)

User interfaces call `call_later` and, from a timer on their main thread, `poll`: it runs the callbacks of
the calls that were answered and returns the job events, without ever waiting. The connection comes back by
itself, and watched jobs are watched again: their state arrives as events with `sequence` 0.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from . import connection
from .backend_process import start_backend
from .codec import Notification
from .errors import (
    BacklotError,
    ConnectionLost,
    FootageNotFound,
    JobCancelled,
    RequestTimeout,
    from_wire,
)
from .link import FATAL, Link
from .messages import CANCELLED, DONE, EVENT, FAILED, GONE, JobEvent, JobRequest, JobsGone, JobStatus
from .wire import pack, unpack

CALL_TIMEOUT_S = 30.0
RECONNECT_TIMEOUT_S = 60.0
_ALL = "*"

OnEvent = Callable[[JobEvent], None]
_Inbox = queue.SimpleQueue["JobEvent | Callable[[], None]"]


class Client:
    """home: Backlot's home folder, the user's own by default. name: shown in logs and the job list.
    start: start the backend when none runs. revive: starts it again, once, when it dies while a job is waited for;
    with `start` that is done unless told otherwise."""

    def __init__(
        self,
        home: Path | None = None,
        *,
        name: str = "script",
        start: bool = True,
        revive: Callable[[], object] | None = None,
    ) -> None:
        self.home = home or connection.home_dir()
        self._start = start
        self._revive = revive or ((lambda: start_backend(self.home)) if start else None)
        self._inbox: _Inbox = queue.SimpleQueue()
        self.heard_gone: Callable[[list[str]], None] = lambda jobs: None
        """Called inside `poll` with jobs that the backend's history has forgotten; also with those that it does not
        list any more when it is connected to again."""
        self._known: set[str] = set()
        self._watched: set[str] = set()
        self._changed = threading.Condition()
        self._last_error: BacklotError | None = None
        self.greeted = 0
        """How many times a backend has said welcome."""
        self._link = Link(self.home, name, self)

    def __enter__(self) -> Client:
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self, timeout_s: float = CALL_TIMEOUT_S) -> None:
        """Starts the backend if wanted, connects and waits for its welcome. Raises `BackendError`s."""
        if self._start:
            start_backend(self.home)
        else:
            connection.read(self.home)
        self._link.start()
        self._wait_online(timeout_s)

    def open(self) -> None:
        """Connects in the background: for user interfaces, which learn of it from `online`."""
        self._link.start()

    def close(self) -> None:
        """Ends the connection and its thread. Jobs go on."""
        self._link.close()

    def still(self) -> AbstractContextManager[None]:
        """Inside, the connection's thread runs no Python. Keep it short: nothing is received meanwhile."""
        return self._link.still()

    @property
    def online(self) -> bool:
        return self._link.online

    @property
    def last_error(self) -> BacklotError | None:
        """Why there is no connection; None while there is one."""
        return self._last_error

    # -- calls ----------------------------------------------------------------------------------------

    def call(self, method: str, params: Mapping[str, Any] | None = None, timeout_s: float = CALL_TIMEOUT_S) -> Any:
        """The result of a method. Raises what the backend answered, `ConnectionLost`, `RequestTimeout`."""
        answer = self._link.post(method, dict(params or {}))
        try:
            return answer.result(timeout_s)
        except FutureTimeout as late:
            raise RequestTimeout(f"The backend did not answer {method} within {timeout_s:g} s.") from late

    def call_later(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        then: Callable[[Any], None] | None = None,
        failed: Callable[[BacklotError], None] | None = None,
    ) -> None:
        """Posts a method; `then` gets its result, or `failed` its error, inside a later `poll`."""

        def answered(answer: Future[Any]) -> None:
            error = answer.exception()
            if isinstance(error, BacklotError):
                if failed is not None:
                    self._inbox.put(lambda: failed(error))
            elif then is not None:
                self._inbox.put(lambda: then(answer.result()))

        self._link.post(method, dict(params or {})).add_done_callback(answered)

    def poll(self, limit: int = 100) -> list[JobEvent]:
        """Runs the callbacks that are due and returns the job events, `limit` of both together at most.
        Never waits."""
        events: list[JobEvent] = []
        for _ in range(limit):
            try:
                item = self._inbox.get_nowait()
            except queue.Empty:
                break
            if isinstance(item, JobEvent):
                events.append(item)
            else:
                item()
        return events

    # -- jobs -----------------------------------------------------------------------------------------

    def submit(self, request: JobRequest) -> JobStatus:
        """Queues a job."""
        return unpack(JobStatus, self.call("job.submit", pack(request)))

    def status(self, job: str) -> JobStatus:
        return unpack(JobStatus, self.call("job.status", {"job": job}))

    def jobs(self, limit: int = 50) -> list[JobStatus]:
        """Jobs, newest first."""
        return [unpack(JobStatus, item) for item in self.call("job.list", {"limit": limit})]

    def cancel(self, job: str) -> JobStatus:
        return unpack(JobStatus, self.call("job.cancel", {"job": job}))

    def watch(self, job: str | None = None) -> None:
        """Asks for the events of a job (or of all), now and after every reconnect."""
        self._watched.add(job or _ALL)
        self._send_watch(job or _ALL)

    def wait(
        self,
        job: str,
        on_event: OnEvent | None = None,
        reconnect_timeout_s: float = RECONNECT_TIMEOUT_S,
        timeout_s: float | None = None,
    ) -> JobStatus:
        """Waits for a job's end and returns it done. Raises the job's own error, `JobCancelled`, or
        `ConnectionLost` when the backend stays away for `reconnect_timeout_s`. A job that is not over `timeout_s`
        from now, waiting in the queue included, is cancelled."""
        self.status(job)  # an unknown job is an error now, not silence for ever
        self.watch(job)
        latest = None if timeout_s is None else time.monotonic() + timeout_s
        try:
            status = self._wait_over(job, on_event, reconnect_timeout_s, latest)
            if status is None:
                status = self.cancel(job)  # as it is now: it may have ended this very moment
                if status.state not in (DONE, FAILED):
                    raise JobCancelled(f"Job {job} took longer than {timeout_s:g} s and was cancelled.")
        finally:
            self._watched.discard(job)
        if status.state == FAILED:
            raise from_wire(status.error or {"message": f"Job {job} failed without saying why."})
        if status.state == CANCELLED:
            raise JobCancelled(f"Job {job} was cancelled.")
        return status

    def run(
        self,
        footage: str | Path,
        *,
        shot: str | Path,
        stages: Sequence[str] = ("ingest", "solve"),
        params: dict[str, dict[str, Any]] | None = None,
        on_event: OnEvent | None = None,
        force: bool = False,
    ) -> JobStatus:
        """Submits a job and waits for its end; see `wait`. footage "" continues a shot that has its plate."""
        request = JobRequest(
            shot=str(Path(shot).absolute()),
            footage=absolute_footage(footage),
            stages=tuple(stages),
            params=params or {},
            force=force,
        )
        return self.wait(self.submit(request).id, on_event)

    def _wait_over(
        self, job: str, on_event: OnEvent | None, reconnect_timeout_s: float, latest: float | None
    ) -> JobStatus | None:
        """The job's last status; None when `latest`, a time of the monotonic clock, has come before."""
        offline_since: float | None = None
        while latest is None or time.monotonic() < latest:
            try:
                item = self._inbox.get(timeout=0.25)
            except queue.Empty:
                offline_since = self._check_online(offline_since, reconnect_timeout_s)
                continue
            if not isinstance(item, JobEvent):
                item()
            elif item.status.id == job:
                if on_event is not None:
                    on_event(item)
                if item.status.is_over:
                    return item.status
        return None

    def _check_online(self, offline_since: float | None, reconnect_timeout_s: float) -> float | None:
        if self.online:
            return None
        now = time.monotonic()
        since = now if offline_since is None else offline_since
        if self._revive is not None and connection.is_left_behind(self.home):
            revive, self._revive = self._revive, None
            revive()
        if now - since > reconnect_timeout_s or (self._last_error and self._last_error.code in FATAL):
            raise self._last_error or ConnectionLost("The connection to the backend was lost.")
        return since

    # -- called by the link's thread ------------------------------------------------------------------

    def connected(self) -> None:
        self._last_error = None
        self.greeted += 1
        for job in list(self._watched):
            self._send_watch(job)
        with self._changed:
            self._changed.notify_all()

    def disconnected(self, why: BacklotError) -> None:
        self._last_error = why
        with self._changed:
            self._changed.notify_all()

    def notified(self, notification: Notification) -> None:
        if notification.method == EVENT:
            event = unpack(JobEvent, notification.params)
            self._known.add(event.status.id)
            self._inbox.put(event)
        elif notification.method == GONE:
            self._forget(set(unpack(JobsGone, notification.params).jobs))

    def _forget(self, jobs: set[str]) -> None:
        self._known -= jobs
        if jobs:
            self._inbox.put(lambda: self.heard_gone(sorted(jobs)))

    def _send_watch(self, job: str) -> None:
        def replay(answer: Future[Any]) -> None:
            if answer.exception() is not None:  # went offline again: the next connection asks anew
                return
            found = [unpack(JobStatus, item) for item in answer.result()]
            if job == _ALL:
                self._forget(self._known - {status.id for status in found})
            for status in found:
                self._known.add(status.id)
                self._inbox.put(JobEvent(0, status.state, status))

        self._link.post("job.watch", {"job": None if job == _ALL else job}).add_done_callback(replay)

    def _wait_online(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not self.online:
                if self._last_error is not None and self._last_error.code in FATAL:
                    raise self._last_error
                left = deadline - time.monotonic()
                if left <= 0:
                    raise self._last_error or RequestTimeout("The backend did not say welcome in time.")
                self._changed.wait(left)


def absolute_footage(footage: str | Path) -> str:
    """The footage as the backend needs it: absolute, because its working folder is another one. Raises
    `FootageNotFound` when the folder it should lie in does not exist."""
    if not str(footage):
        return ""
    path = Path(footage).expanduser().absolute()
    if not path.parent.is_dir():
        raise FootageNotFound(f"There is no footage at {path}: the folder does not exist.")
    return str(path)
