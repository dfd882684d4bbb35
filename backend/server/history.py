"""Jobs on disk: an SQLite file in WAL mode, written by one thread.

A transaction in WAL mode survives `kill -9` of the server. The thread keeps the disk's slowness away from
the server's loop, and gives writes an order.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from shared.errors import DiskFull, InternalError, MalformedMessage
from shared.messages import TERMINAL, JobStatus
from shared.wire import pack, unpack

T = TypeVar("T")
LOG = logging.getLogger("backlot.server.history")

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    created REAL NOT NULL,
    crashes INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL
);
"""


@dataclass(frozen=True)
class StoredJob:
    """crashes: how often the job was running when the server died."""

    status: JobStatus
    crashes: int = 0


class History:
    """The file `path`. Every method runs on the history's own thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "history")
        self._database: sqlite3.Connection | None = None

    async def open(self) -> list[StoredJob]:
        """Every job, oldest first. A file that cannot be read is put aside and a new one begun."""
        return await self._do(self._open)

    async def save(self, *jobs: StoredJob) -> None:
        """Adds jobs, or replaces them as they were; all before what is saved later. Raises `DiskFull`,
        `InternalError`."""
        await self._do(lambda: self._save(jobs))

    async def forget(self, ids: list[str]) -> None:
        """Removes jobs."""
        await self._do(lambda: self._forget(ids))

    async def close(self) -> None:
        await self._do(self._close)
        self._thread.shutdown()

    async def _do(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.OperationalError as error:
            if "full" in str(error):
                raise DiskFull(f"The disk that holds {self._path.parent} is full.") from error
            raise InternalError(f"{self._path} could not be written: {error}.", "Check that disk.") from error

    def _open(self) -> list[StoredJob]:
        try:
            return self._read()
        except (sqlite3.DatabaseError, json.JSONDecodeError, MalformedMessage) as bad:
            aside = self._path.with_name(f"{self._path.name}.unreadable-{int(time.time())}")
            LOG.warning("the job history cannot be read (%s): it is put aside as %s", bad, aside.name)
            self._close()
            self._path.replace(aside)
            for extra in ("-wal", "-shm"):
                self._path.with_name(self._path.name + extra).unlink(missing_ok=True)
            return self._read()

    def _read(self) -> list[StoredJob]:
        database = self._database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version not in (0, SCHEMA_VERSION):
            raise sqlite3.DatabaseError(f"it has version {version}, this Backlot writes {SCHEMA_VERSION}")
        database.executescript(_SCHEMA)
        database.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        rows = database.execute("SELECT status, crashes FROM jobs ORDER BY number").fetchall()
        return [StoredJob(unpack(JobStatus, json.loads(text)), crashes) for text, crashes in rows]

    def _save(self, jobs: Sequence[StoredJob]) -> None:
        self._open_database.executemany(
            "INSERT INTO jobs (id, state, created, crashes, status) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT(id) DO UPDATE SET state=excluded.state, crashes=excluded.crashes, status=excluded.status",
            [_row(job) for job in jobs],
        )

    def _forget(self, ids: list[str]) -> None:
        self._open_database.executemany("DELETE FROM jobs WHERE id = ?", [(id,) for id in ids])

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    @property
    def _open_database(self) -> sqlite3.Connection:
        if self._database is None:
            raise InternalError("The job history is closed.")
        return self._database


def outdated(jobs: list[JobStatus], keep_jobs: int, keep_days: float, now: float) -> list[str]:
    """Ids of the jobs that history need not keep: over, and older or more than asked for."""
    over = sorted((job for job in jobs if job.state in TERMINAL), key=lambda job: job.created, reverse=True)
    oldest = now - keep_days * 86400
    return [job.id for place, job in enumerate(over) if place >= keep_jobs or job.created < oldest]


def _row(job: StoredJob) -> tuple[str, str, float, int, str]:
    status = job.status
    return status.id, status.state, status.created, job.crashes, json.dumps(pack(status), ensure_ascii=False)
