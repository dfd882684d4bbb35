"""Messages over standard input and output.

The two descriptors are moved away, and the numbers 0 and 1 given to the null device and to standard error:
a C++ library that prints cannot spoil the stream.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from typing import IO

from shared.codec import Decoder, Message, Response, encode
from shared.errors import BacklotError, InternalError, MalformedMessage, MessageTooLarge

_READ_BYTES = 64 * 1024


class Channel:
    """Both directions. `send` may be called from any thread."""

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self._incoming, self._outgoing = incoming, outgoing
        self._lock = threading.Lock()

    @classmethod
    def take_standard(cls) -> Channel:
        """Takes over this process's standard input and output."""
        incoming = os.fdopen(os.dup(0), "rb", buffering=0)
        outgoing = os.fdopen(os.dup(1), "wb", buffering=0)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - lives as long as the process
        return cls(incoming, outgoing)

    def send(self, message: Message) -> None:
        """Raises `BrokenPipeError` when the server is gone."""
        data = memoryview(encode(message))
        with self._lock:
            while data:
                data = data[self._outgoing.write(data) :]

    def answer(self, number: int, result: object) -> None:
        """Answers a request; what cannot travel becomes an error."""
        try:
            self.send(Response(number, None, result))
        except (MalformedMessage, MessageTooLarge) as bad:
            self.refuse(number, InternalError(f"The result cannot be sent: {bad.message}"))

    def refuse(self, number: int, error: BacklotError) -> None:
        """Answers a request with an error, without its details if those cannot travel."""
        try:
            self.send(Response(number, error.to_wire(), None))
        except (MalformedMessage, MessageTooLarge):
            self.send(Response(number, {**error.to_wire(), "details": {}}, None))

    def messages(self) -> Iterator[Message]:
        """Until the server closes its side."""
        decoder = Decoder()
        while data := os.read(self._incoming.fileno(), _READ_BYTES):
            yield from decoder.feed(data)
