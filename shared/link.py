"""One connection to the backend, kept alive by one thread.

The thread owns the socket: it connects, says hello, sends what callers queued, reads, and connects again
with growing pauses when the backend goes away. Callers never touch the socket, so a user interface that
posts a request cannot block.
"""

from __future__ import annotations

import itertools
import selectors
import socket
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from . import PROTOCOL, connection
from .codec import MAX_ID, Decoder, Message, Notification, Request, Response, encode
from .errors import BackendNotRunning, BacklotError, ConnectionLost, MalformedMessage, from_wire
from .messages import Hello
from .wire import pack

_RECEIVE_BYTES = 256 * 1024
_CONNECT_TIMEOUT_S = 5.0
_PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)

FATAL = ("wrong-token", "protocol-mismatch")
"""Refusals that trying again cannot mend."""


class Listener(Protocol):
    """Called on the link's thread; must not block."""

    def connected(self) -> None: ...

    def disconnected(self, why: BacklotError) -> None: ...

    def notified(self, notification: Notification) -> None: ...


class Link:
    """Requests out, responses and notifications in. `close` joins the thread."""

    def __init__(self, home: Path, name: str, listener: Listener) -> None:
        self._home, self._name, self._listener = home, name, listener
        self._ids = itertools.cycle(range(1, MAX_ID))
        self._lock = threading.Lock()
        self._at_work = threading.Lock()
        """The thread has it except while it waits; see `still`."""
        self._outgoing: deque[bytes] = deque()
        self._pending: dict[int, Future[Any]] = {}
        self._closing = threading.Event()
        self._online = False
        self._greeted: socket.socket | None = None
        """While it says hello, which a server that hangs does not answer."""
        self._waker, self._wakened = socket.socketpair()
        self._wakened.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="backlot-link", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ends the thread; requests without an answer fail with `ConnectionLost`."""
        self._closing.set()
        self._wake()
        self._interrupt_hello()
        if self._thread.is_alive():
            self._thread.join()
        self._fail_pending(ConnectionLost("The connection to the backend was closed."))
        self._waker.close()
        self._wakened.close()

    @property
    def online(self) -> bool:
        return self._online

    def post(self, method: str, params: dict[str, Any]) -> Future[Any]:
        """Queues a request. The future holds its result, or raises what the backend answered."""
        answer: Future[Any] = Future()
        with self._lock:
            if not self._online:
                answer.set_exception(BackendNotRunning("There is no connection to the Backlot backend."))
                return answer
            number = next(self._ids)
            data = encode(Request(number, method, params))
            self._pending[number] = answer
            self._outgoing.append(data)
        self._wake()
        return answer

    @contextmanager
    def still(self) -> Iterator[None]:
        """Inside, the thread waits: it runs no Python until the end. Not for the thread itself."""
        with self._at_work:
            yield

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        self._at_work.release()
        try:
            yield
        finally:
            self._at_work.acquire()

    def _wake(self) -> None:
        try:
            self._waker.send(b"\0")
        except OSError:  # closed: there is no thread left to wake
            return

    def _interrupt_hello(self) -> None:
        with self._lock:
            if self._greeted is not None:
                with suppress(OSError):  # it has gone already
                    self._greeted.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        with self._at_work:
            self._connect_again_and_again()

    def _connect_again_and_again(self) -> None:
        failures = 0
        while not self._closing.is_set():
            try:
                with self._open() as peer:
                    failures = 0
                    self._converse(peer)
                why: BacklotError = ConnectionLost("The backend closed the connection.")
            except BacklotError as error:
                why = error
            except OSError as error:
                why = ConnectionLost(f"The connection to the backend broke: {error}.")
            self._go_offline(why)
            if why.code in FATAL:
                return
            with self._waiting():
                self._closing.wait(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])
            failures += 1

    def _open(self) -> socket.socket:
        found = connection.read(self._home)
        try:
            with self._waiting():
                peer = socket.create_connection((found.host, found.port), timeout=_CONNECT_TIMEOUT_S)
        except OSError as refused:
            raise BackendNotRunning(f"The Backlot backend does not answer: {refused}.") from refused
        try:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._interruptible(peer):
                self._greet(peer, found.token)
        except BaseException:
            peer.close()
            raise
        return peer

    @contextmanager
    def _interruptible(self, peer: socket.socket) -> Iterator[None]:
        """Inside, `close` ends what waits for the peer."""
        with self._lock:
            self._greeted = peer
        try:
            if self._closing.is_set():
                raise ConnectionLost("The connection to the backend was closed.")
            yield
        finally:
            with self._lock:
                self._greeted = None

    def _greet(self, peer: socket.socket, token: str) -> None:
        hello = pack(Hello(PROTOCOL, self._name, token))
        peer.sendall(encode(Request(0, "hello", hello)))
        decoder = Decoder()
        while True:
            with self._waiting():
                data = peer.recv(_RECEIVE_BYTES)
            if not data:
                raise ConnectionLost("The backend closed the connection before it said hello.")
            for message in decoder.feed(data):
                if not isinstance(message, Response):
                    raise MalformedMessage("The backend did not answer the hello.")
                if message.error is not None:
                    raise from_wire(message.error)
                return

    def _converse(self, peer: socket.socket) -> None:
        peer.setblocking(False)
        with self._lock:
            self._online = True
        self._listener.connected()
        decoder, unsent = Decoder(), memoryview(b"")
        with selectors.DefaultSelector() as selector:
            selector.register(self._wakened, selectors.EVENT_READ)
            selector.register(peer, selectors.EVENT_READ)
            while not self._closing.is_set():
                unsent = self._send(peer, unsent)
                interest = selectors.EVENT_READ | (selectors.EVENT_WRITE if unsent else 0)
                selector.modify(peer, interest)
                with self._waiting():
                    found = selector.select()
                ready = [key.fileobj for key, _ in found]
                if self._wakened in ready:
                    self._wakened.recv(4096)
                if peer in ready and not self._receive(peer, decoder):
                    return

    def _send(self, peer: socket.socket, unsent: memoryview) -> memoryview:
        while True:
            if not unsent:
                with self._lock:
                    if not self._outgoing:
                        return unsent
                    unsent = memoryview(self._outgoing.popleft())
            try:
                unsent = unsent[peer.send(unsent) :]
            except BlockingIOError:
                return unsent

    def _receive(self, peer: socket.socket, decoder: Decoder) -> bool:
        try:
            data = peer.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return True
        for message in decoder.feed(data):
            self._dispatch(message)
        return bool(data)

    def _dispatch(self, message: Message) -> None:
        if isinstance(message, Notification):
            self._listener.notified(message)
            return
        if not isinstance(message, Response):
            raise MalformedMessage("The backend sent a request; only clients send requests.")
        with self._lock:
            answer = self._pending.pop(message.id, None)
        if answer is None:
            return
        if message.error is None:
            answer.set_result(message.result)
        else:
            answer.set_exception(from_wire(message.error))

    def _go_offline(self, why: BacklotError) -> None:
        with self._lock:
            self._online = False
            self._outgoing.clear()
        self._fail_pending(why if isinstance(why, ConnectionLost) else ConnectionLost(why.message))
        self._listener.disconnected(why)

    def _fail_pending(self, why: BacklotError) -> None:
        with self._lock:
            waiting, self._pending = list(self._pending.values()), {}
        for answer in waiting:
            answer.set_exception(why)
