"""The smallest client there can be: a blocking socket, for saying what no proper client would say."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from shared import PROTOCOL, connection
from shared.codec import Decoder, Message, Notification, Request, Response, encode
from shared.errors import from_wire
from shared.messages import EVENT, GONE, JobEvent, JobRequest, JobStatus
from shared.wire import pack, unpack

TIMEOUT_S = 120.0


class WireClient:
    """Connects; says hello only when asked to. Events that arrive between answers are kept."""

    def __init__(self, found: connection.Connection) -> None:
        self.found = found
        self.socket = socket.create_connection((found.host, found.port), timeout=TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.events: list[JobEvent] = []
        self.gone: list[str] = []
        self._decoder = Decoder()
        self._unread: list[Message] = []
        self._number = 0

    @classmethod
    def of(cls, home: Path, name: str = "test") -> WireClient:
        """A client of the server of `home`, welcomed."""
        client = cls(connection.read(home))
        client.hello(name=name)
        return client

    def __enter__(self) -> WireClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def hello(self, *, protocol: int = PROTOCOL, token: str | None = None, name: str = "test") -> Any:
        params = {"protocol": protocol, "client": name, "token": self.found.token if token is None else token}
        return self.call("hello", **params)

    def call(self, method: str, **params: Any) -> Any:
        """The result, or raises the error that came back."""
        return self.answer_to(self.post(method, **params))

    def post(self, method: str, **params: Any) -> int:
        """Sends a request and does not wait."""
        self._number += 1
        self.socket.sendall(encode(Request(self._number, method, params)))
        return self._number

    def answer_to(self, number: int) -> Any:
        response = self.response()
        assert response.id == number, response
        if response.error is not None:
            raise from_wire(response.error)
        return response.result

    def response(self) -> Response:
        """The next response; events on the way are kept."""
        while True:
            message = self.receive()
            if isinstance(message, Response):
                return message
            self._keep(message)

    def receive(self) -> Message:
        """The next message. Raises `EOFError` when the server has closed the connection."""
        while not self._unread:
            data = self.socket.recv(256 * 1024)
            if not data:
                raise EOFError("the server closed the connection")
            self._unread.extend(self._decoder.feed(data))
        return self._unread.pop(0)

    def is_closed_by_server(self) -> bool:
        """Waits for the end of the connection; what still arrives is thrown away."""
        try:
            while True:
                self.receive()
        except (EOFError, ConnectionError):
            return True
        except TimeoutError:
            return False

    # -- jobs -----------------------------------------------------------------------------------------

    def submit(self, request: JobRequest) -> JobStatus:
        return unpack(JobStatus, self.call("job.submit", **pack(request)))

    def status(self, job: str) -> JobStatus:
        return unpack(JobStatus, self.call("job.status", job=job))

    def cancel(self, job: str) -> JobStatus:
        return unpack(JobStatus, self.call("job.cancel", job=job))

    def watch(self, job: str | None = None) -> list[JobStatus]:
        return [unpack(JobStatus, plain) for plain in self.call("job.watch", job=job)]

    def next_event(self, timeout_s: float = TIMEOUT_S) -> JobEvent:
        """The next event. Raises `TimeoutError`."""
        if self.events:
            return self.events.pop(0)
        self.socket.settimeout(timeout_s)
        try:
            while not self.events:
                self._keep(self.receive())
        finally:
            self.socket.settimeout(TIMEOUT_S)
        return self.events.pop(0)

    def wait(self, job: str, kind: str, timeout_s: float = TIMEOUT_S) -> JobEvent:
        """The job's next event of a kind ("progress", "done", ...). A terminal event of another kind fails
        the test."""
        return self.wait_until(job, lambda event: event.kind == kind, kind, timeout_s)

    def wait_until(self, job: str, wanted: Any, words: str, timeout_s: float = TIMEOUT_S) -> JobEvent:
        deadline = time.monotonic() + timeout_s
        while True:
            event = self.next_event(max(deadline - time.monotonic(), 0.01))
            if event.status.id != job:
                continue
            if wanted(event):
                return event
            assert event.kind not in ("done", "failed", "cancelled"), f"{event} instead of {words}"

    def run(self, request: JobRequest, timeout_s: float = TIMEOUT_S) -> JobStatus:
        """Submits, and waits for the end, whichever it is."""
        self.watch(None)
        job = self.submit(request).id
        over = ("done", "failed", "cancelled")
        return self.wait_until(job, lambda event: event.kind in over, "an end", timeout_s).status

    def _keep(self, message: Message) -> None:
        assert isinstance(message, Notification) and message.method in (EVENT, GONE), message
        if message.method == GONE:
            self.gone += message.params["jobs"]
            return
        self.events.append(unpack(JobEvent, message.params))
