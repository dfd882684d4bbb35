"""The server from start to end."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import os
import signal
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from shared import PROTOCOL, VERSION, connection
from shared.backend_process import EXIT_ALREADY_RUNNING
from shared.errors import BacklotError
from shared.file_lock import try_lock

from .checkup import Checkup
from .dispatcher import Dispatcher
from .frames import FrameService
from .history import History
from .hub import Hub
from .job_book import JobBook
from .job_logs import JobLogs
from .lifetime import stop_when_idle, stop_with_parent
from .machine import MachineService
from .methods import Methods
from .previews import PreviewService
from .session import Session
from .settings import Settings
from .world_service import WorldService

LOG = logging.getLogger("backlot.server")

HOST = "127.0.0.1"
EXIT_OK = 0
EXIT_PORT_IN_USE = 18
EXIT_HOME_UNUSABLE = 19
_GOODBYE_S = 2.0
_MAX_SERVER_LOG_BYTES = 5 * 1024 * 1024


def serve(home: Path, *, port: int = 0, idle_timeout: float | None = None, parent_pid: int | None = None) -> int:
    """Runs the server until it is told to stop; returns its exit code. See `Settings` for the words."""
    return run(Settings(home=home, port=port, idle_timeout_s=idle_timeout, parent_pid=parent_pid))


def run(settings: Settings) -> int:
    """As `serve`, with everything chosen."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        connection.make_private(settings.home)
        settings.logs_dir.mkdir(exist_ok=True)
        lock = (settings.home / "instance.lock").open("a+")
    except OSError as error:
        print(f"Backlot's folder {settings.home} cannot be used: {error}.", file=sys.stderr)
        return EXIT_HOME_UNUSABLE
    with lock:
        if not try_lock(lock):
            print(f"A Backlot backend is already running for {settings.home}.", file=sys.stderr)
            return EXIT_ALREADY_RUNNING
        _shorten_log()
        return asyncio.run(_run(settings))


async def _run(settings: Settings) -> int:
    server = Server(settings)
    try:
        await server.listen()
    except OSError as error:
        print(f"Port {settings.port} cannot be used: {error.strerror or error}.", file=sys.stderr)
        print("Choose another port, or leave it to the system (no --port).", file=sys.stderr)
        return EXIT_PORT_IN_USE
    try:
        await server.open()
        await server.stopped.wait()
    except (BacklotError, OSError) as error:
        print(f"Backlot's folder {settings.home} cannot be used: {error}", file=sys.stderr)
        return EXIT_HOME_UNUSABLE
    finally:
        await server.close()
    return EXIT_OK


class Server:
    """Everything that lives as long as the server. stopped: set when it should end."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.stopped = asyncio.Event()
        self._token = connection.new_token()
        self._hub = Hub()
        self._history = History(settings.home / "jobs.sqlite3")
        self._book = JobBook(settings, self._history, JobLogs(settings.logs_dir), self._hub)
        self._dispatcher = Dispatcher(settings, self._book)
        self._frames = FrameService(settings)
        self._previews = PreviewService(settings)
        self._checkup = Checkup(settings)
        self._world = WorldService(settings)
        self._methods = Methods(
            self._book,
            self._dispatcher,
            self._frames,
            self._previews,
            self._checkup,
            self._world,
            MachineService(self._dispatcher.processes),
            self.stopped.set,
        )
        self._sessions: dict[Session, asyncio.Task[Any]] = {}
        self._listener: asyncio.Server | None = None
        self._watchers: list[asyncio.Task[None]] = []
        self._last_used = time.monotonic()

    @property
    def idle_s(self) -> float:
        """Seconds since the last client left and the last job ended."""
        if self._sessions or self._dispatcher.busy:
            self._last_used = time.monotonic()
        return time.monotonic() - self._last_used

    async def listen(self) -> None:
        """Raises `OSError` when the port is taken."""
        self._listener = await asyncio.start_server(self._accept, HOST, self.settings.port)

    async def open(self) -> None:
        """Takes up the jobs of the last run, and publishes the connection file. Raises `OSError`,
        `BacklotError` when the home folder does not let it."""
        assert self._listener is not None
        _on_signals(self.stopped.set)
        waiting = await self._book.open()
        port = self._listener.sockets[0].getsockname()[1]
        found = connection.Connection(HOST, port, self._token, os.getpid(), PROTOCOL, VERSION)
        atexit.register(connection.remove, self.settings.home, os.getpid())
        connection.write(self.settings.home, found)
        LOG.info("listening on %s:%d, pid %d, %d jobs to continue", HOST, port, os.getpid(), len(waiting))
        for job in waiting:
            self._dispatcher.add(job)
        self._start_watchers()

    async def close(self) -> None:
        """Ends clients and children; running jobs go back into the queue."""
        connection.remove(self.settings.home, os.getpid())
        for task in self._watchers:
            task.cancel()
        if self._listener is not None:
            self._listener.close()
        helpers = (self._dispatcher, self._frames, self._previews, self._checkup, self._world)
        await asyncio.gather(*(helper.stop() for helper in helpers))
        for session in self._sessions:
            session.end()
        if self._sessions:
            await asyncio.wait(self._sessions.values(), timeout=_GOODBYE_S)
        await self._history.close()
        self._book.logs.close()
        LOG.info("stopped")

    def _start_watchers(self) -> None:
        loop, settings = asyncio.get_running_loop(), self.settings
        if settings.idle_timeout_s is not None:
            limit = settings.idle_timeout_s
            self._watchers.append(loop.create_task(stop_when_idle(lambda: self.idle_s, limit, self.stopped.set)))
        if settings.parent_pid is not None:
            self._watchers.append(loop.create_task(stop_with_parent(settings.parent_pid, self.stopped.set)))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._sessions) >= self.settings.max_sessions:
            LOG.warning("a client was turned away: %d are connected", len(self._sessions))
            writer.transport.abort()
            return
        session = Session(reader, writer, self._methods, self._token, self.settings)
        self._sessions[session] = cast(asyncio.Task[Any], asyncio.current_task())
        self._hub.join(session)
        try:
            await session.run()
        finally:
            self._hub.leave(session)
            del self._sessions[session]
            self._last_used = time.monotonic()


def _on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
        else:
            loop.add_signal_handler(number, stop)


def _shorten_log() -> None:
    """Empties the log that standard error goes to when it has grown large over the years."""
    error_output = 2
    with contextlib.suppress(OSError):  # there may be no standard error at all
        facts = os.fstat(error_output)
        if stat.S_ISREG(facts.st_mode) and facts.st_size > _MAX_SERVER_LOG_BYTES:
            os.ftruncate(error_output, 0)
