"""The extension's side of the backend: connection, jobs, and work on a thread. No bpy here.

Nothing in it waits: the pump calls `poll` from Blender's main thread; answers, events and finished
background work are handled there. `close` ends every thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .shared import connection
from .shared.backend_process import start_backend, stop_backend
from .shared.client import Client
from .shared.errors import BackendError, BacklotError, InternalError
from .shared.link import FATAL
from .shared.messages import JobEvent, JobRequest, JobStatus
from .shared.wire import pack, unpack

if TYPE_CHECKING:
    from .summary import ShotSummary

_EVENTS_AT_ONCE, _ALL_AT_ONCE = 20, 10_000

Failed = Callable[[BacklotError], None]


@dataclass
class _Work:
    """Something a thread does, and who wants to know."""

    future: Future[Any]
    then: Callable[[Any], None]
    failed: Failed


@dataclass
class _Call:
    """A method that is posted as soon as there is a connection."""

    method: str
    params: dict[str, Any]
    then: Callable[[Any], None]
    failed: Failed


class Session:
    """home: Backlot's home folder."""

    def __init__(self, home: Path | None = None) -> None:
        self.home = home or connection.home_dir()
        self.jobs: dict[str, JobStatus] = {}
        self.error: BacklotError | None = None
        self.changed = True
        self._client: Client | None = None
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="backlot")
        self._at_work = threading.Lock()
        """The background thread has it while it works; see `still`."""
        self._work: list[_Work] = []
        self._unsent: list[_Call] = []
        self._awaited = 0
        self._starting = False
        self.stopping = False
        """Whether the backend goes away because it was told to."""
        self._was_online = False
        self._greeted = 0
        self._summaries: dict[Path, ShotSummary | None] = {}

    def close(self) -> None:
        """Ends the connection and the threads; jobs go on in the backend."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._drop_client(tell=False)

    @contextmanager
    def still(self) -> Iterator[None]:
        """Inside, none of the session's threads runs Python; waits for what the background thread is at."""
        with self._at_work:
            if self._client is None:
                yield
                return
            with self._client.still():
                yield

    # -- backend --------------------------------------------------------------------------------------

    @property
    def online(self) -> bool:
        return self._client is not None and self._client.online

    @property
    def busy(self) -> bool:
        """Whether something is under way that the pump should look at often."""
        running = any(not job.is_over for job in self.jobs.values())
        return bool(self._work or self._unsent or self._awaited or self._starting or running)

    @property
    def reading(self) -> bool:
        """Whether the background thread has something to do."""
        return bool(self._work)

    @property
    def status_line(self) -> str:
        if self.online:
            return "The backend is running"
        if self._starting:
            return "The backend is starting"
        return "The backend is not running"

    def start(self, python: Path | None = None, source: Path | None = None) -> None:
        """Starts the backend on a thread if none runs, then connects."""
        if self.online or self._starting:
            return
        self._starting, self.error, self.changed = True, None, True
        self.background(
            lambda: start_backend(self.home, python=python, source=source),
            lambda _: self._connect(),
            self._start_failed,
        )

    def restart(self, python: Path | None = None, source: Path | None = None) -> None:
        """Ends the backend that runs, also one that does not answer, and starts it again; its jobs go on."""
        if self._starting:
            return
        self._drop_client()
        self._starting, self.error = True, None

        def again() -> None:
            stop_backend(self.home)
            start_backend(self.home, python=python, source=source)

        self.background(again, lambda _: self._connect(), self._start_failed)

    def reconnect(self) -> None:
        """Connects anew, with what the connection file says now."""
        self._connect()

    @property
    def starting(self) -> bool:
        return self._starting

    @property
    def lost(self) -> BacklotError | None:
        """Why there is no connection to a backend that there was one to, or is thought to run."""
        return self._client.last_error if self._client is not None else None

    @property
    def greeted(self) -> int:
        """How many times a backend has said welcome. It may be gone again before anybody looked."""
        return self._greeted + (self._client.greeted if self._client is not None else 0)

    @property
    def unfinished(self) -> list[JobStatus]:
        """Jobs that have not ended, as far as was heard."""
        return [job for job in self.jobs.values() if not job.is_over]

    def ping(self, then: Callable[[Any], None]) -> None:
        """Asks whether the backend answers. `then` is not called when the connection breaks."""
        if self._client is not None:
            self._client.call_later("ping", then=then)

    def connect_if_running(self) -> None:
        """Connects to a backend that somebody else started."""
        if self._client is None and not self._starting and connection.connection_path(self.home).exists():
            self._connect()

    def stop(self) -> None:
        """Ends the backend; its running jobs continue at its next start."""
        if self._client is not None:
            self.stopping = True
            self._client.call_later("shutdown", then=lambda _: self._drop_client(), failed=self.show)

    def _connect(self) -> None:
        self._starting = self.stopping = False
        self._drop_client()
        self._client = Client(self.home, name="blender", start=False)
        self._client.heard_gone = self._gone
        self._client.watch(None)
        self._client.open()

    def _start_failed(self, error: BacklotError) -> None:
        self._starting = False
        waiting, self._unsent = self._unsent, []
        for call in waiting:
            call.failed(error)
        self.show(error)

    def _drop_client(self, *, tell: bool = True) -> None:
        """tell: those who wait for an answer hear that there will be none."""
        client, self._client, self.changed = self._client, None, True
        if client is None:
            return
        client.close()
        self._greeted += client.greeted
        if tell:
            client.poll(_ALL_AT_ONCE)

    def show(self, error: BacklotError) -> None:
        """Panels say it until something else is asked for."""
        self.error, self.changed = error, True

    # -- jobs -----------------------------------------------------------------------------------------

    def submit(self, request: JobRequest, then: Callable[[JobStatus], None]) -> None:
        """Queues a job as soon as there is a connection; `then` gets its first state."""
        self.ask("job.submit", pack(request), self._remembering(then), self.show)

    def ask(self, method: str, params: dict[str, Any], then: Callable[[Any], None], failed: Failed) -> None:
        """Calls a method as soon as there is a connection; `then` or `failed` is called inside a later `poll`."""
        self.error, self.changed = None, True
        self.inquire(method, params, then, failed)

    def inquire(self, method: str, params: dict[str, Any], then: Callable[[Any], None], failed: Failed) -> None:
        """As `ask`, for what the panels want to know by themselves: what they say stays."""
        self._unsent.append(_Call(method, params, then, failed))
        self._send_unsent()

    def query(self, method: str, params: dict[str, Any], then: Callable[[Any], None], failed: Failed) -> None:
        """As `ask`, for what nobody asked for by hand: it clears no error and does not wait for a connection."""
        if self._client is not None:
            self._client.call_later(method, params, then=then, failed=failed)

    def cancel(self, job: str) -> None:
        self._job_call("job.cancel", {"job": job}, self._remember)

    def retry(self, job: str, then: Callable[[JobStatus], None]) -> None:
        self._job_call("job.retry", {"job": job}, then)

    def move(self, job: str, beside: str, *, after: bool) -> None:
        """Puts a waiting job right before (or after) another waiting one."""
        self._job_call("job.move", {"job": job, "after" if after else "before": beside}, self._remember)

    def forget(self, jobs: list[str]) -> None:
        """Takes jobs that are over out of the list, here and in every other Blender."""
        self.query("job.forget", {"jobs": jobs}, lambda answer: self._gone(answer["jobs"]), self.show)

    def look_up(self, job: str, failed: Failed) -> None:
        """Asks what became of a job that is too old to be in the list."""
        self.query("job.status", {"job": job}, self._remembering(lambda _: None), failed)

    def job_of(self, folder: Path, jobs: str = "") -> JobStatus | None:
        """The newest of the named jobs (ids between spaces) that is the shot's, or else the newest one of the shot."""
        of_shot = [status for status in self.jobs.values() if Path(status.request.shot) == folder]
        named = [status for status in of_shot if status.id in jobs.split()]
        return max(named or of_shot, key=lambda status: status.created, default=None)

    def _job_call(self, method: str, params: dict[str, Any], then: Callable[[JobStatus], None]) -> None:
        self.query(method, params, self._remembering(then), self.show)

    def _gone(self, jobs: list[str]) -> None:
        for job in jobs:
            self.jobs.pop(job, None)
        self.changed = True

    def _remembering(self, then: Callable[[JobStatus], None]) -> Callable[[Any], None]:
        def answered(plain: Any) -> None:
            status = unpack(JobStatus, plain)
            self._remember(status)
            then(status)

        return answered

    def _remember(self, status: JobStatus) -> None:
        known = self.jobs.get(status.id)
        if known is None or not known.is_over:  # what crossed the end on its way must not undo it
            self.jobs[status.id] = status
        self.changed = True

    def _send_unsent(self) -> None:
        if self._client is None or not self._client.online:
            return
        waiting, self._unsent = self._unsent, []
        for call in waiting:
            self._awaited += 1
            then, failed = self._counted(call.then), self._counted(call.failed)
            self._client.call_later(call.method, call.params, then=then, failed=failed)

    def _counted(self, heard: Callable[[Any], None]) -> Callable[[Any], None]:
        def answered(result: Any) -> None:
            self._awaited, self.changed = self._awaited - 1, True
            heard(result)

        return answered

    # -- shots ----------------------------------------------------------------------------------------

    def summary(self, folder: Path) -> ShotSummary | None:
        """What is known of a shot folder; read on a thread, so None until that is done."""
        if folder not in self._summaries:
            self.refresh_summary(folder)
        return self._summaries[folder]

    def known_summary(self, folder: Path) -> ShotSummary | None:
        """As `summary`, without asking for one that nobody looked at."""
        return self._summaries.get(folder)

    def refresh_summary(self, folder: Path) -> None:
        """Reads a shot folder's facts again."""
        from .summary import read_summary

        self._summaries.setdefault(folder, None)

        def read(found: ShotSummary) -> None:
            self._summaries[folder], self.changed = found, True

        self.background(lambda: read_summary(folder), read, self.show)

    # -- the pump's side ------------------------------------------------------------------------------

    def background(self, work: Callable[[], Any], then: Callable[[Any], None], failed: Failed) -> None:
        """Does `work` (no bpy in it) on a thread; `then` or `failed` is called inside a later `poll`."""

        def at_work() -> Any:
            with self._at_work:
                return work()

        self._work.append(_Work(self._threads.submit(at_work), then, failed))

    def poll(self, deadline: float) -> list[JobEvent]:
        """Handles what has arrived, until `deadline` (`time.perf_counter`), and returns the job events."""
        self._finish_work()
        client = self._client
        if client is None:
            return []
        self._notice_connection(client)
        self._send_unsent()
        events: list[JobEvent] = []
        while True:
            some = client.poll(_EVENTS_AT_ONCE)
            events += some
            if len(some) < _EVENTS_AT_ONCE or time.perf_counter() > deadline:
                break
        for event in events:
            self._remember(event.status)
        return events

    def _notice_connection(self, client: Client) -> None:
        refused = client.last_error
        if refused is not None and refused.code in FATAL and self.error is not refused:
            self.show(refused)
        if client.online != self._was_online:
            self._was_online, self.changed = client.online, True
            if client.online and isinstance(self.error, BackendError):
                self.error = None

    def _finish_work(self) -> None:
        looked = [(work, work.future.done()) for work in self._work]  # once: it may end between two looks
        finished = [work for work, is_done in looked if is_done]
        self._work = [work for work, is_done in looked if not is_done]
        for work in finished:
            error = work.future.exception()
            self.changed = True
            if error is None:
                work.then(work.future.result())
            elif isinstance(error, BacklotError):
                work.failed(error)
            else:
                work.failed(InternalError(f"{type(error).__name__}: {error}"))
