"""Events to the clients that watch."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Protocol

from shared.codec import Notification, encode
from shared.errors import MessageTooLarge
from shared.messages import EVENT, GONE, JobEvent, JobsGone, JobStatus
from shared.wire import pack

LOG = logging.getLogger("backlot.server.hub")


class Watcher(Protocol):
    def watches(self, job: str) -> bool: ...

    def deliver(self, data: bytes, replaces: str) -> None:
        """Queues bytes for the client; a message with the same `replaces` may be dropped for it."""


class Hub:
    """Numbers events and hands each to every watcher that wants it, encoded once."""

    def __init__(self) -> None:
        self._sequence = 0
        self._watchers: set[Watcher] = set()

    def join(self, watcher: Watcher) -> None:
        self._watchers.add(watcher)

    def leave(self, watcher: Watcher) -> None:
        self._watchers.discard(watcher)

    def __len__(self) -> int:
        return len(self._watchers)

    def publish(self, kind: str, status: JobStatus) -> None:
        self._sequence += 1
        interested = [watcher for watcher in self._watchers if watcher.watches(status.id)]
        if not interested:
            return
        data = _event(self._sequence, kind, status)
        replaces = f"progress {status.id}" if kind == "progress" else ""
        for watcher in interested:
            watcher.deliver(data, replaces)

    def tell_gone(self, jobs: list[str]) -> None:
        """That the history has forgotten jobs."""
        for watcher in self._watchers:
            watched = [job for job in jobs if watcher.watches(job)]
            if watched:
                watcher.deliver(encode(Notification(GONE, pack(JobsGone(tuple(watched))))), "")


def _event(sequence: int, kind: str, status: JobStatus) -> bytes:
    try:
        return encode(Notification(EVENT, pack(JobEvent(sequence, kind, status))))
    except MessageTooLarge:  # an end must be told whatever the results hold; the shot's manifests have them too
        LOG.error("the results of job %s are too large to be sent", status.id)
        return encode(Notification(EVENT, pack(JobEvent(sequence, kind, replace(status, results=())))))
