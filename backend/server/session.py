"""One client: its hello, its requests, and what is sent to it."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import os
from collections.abc import AsyncIterator
from typing import Any

from shared import PROTOCOL, VERSION
from shared.build_command import build_command
from shared.codec import Decoder, Message, Request, Response, encode
from shared.errors import (
    BacklotError,
    InternalError,
    MalformedMessage,
    MessageTooLarge,
    ProtocolMismatch,
    WrongToken,
)
from shared.messages import Hello, Welcome
from shared.wire import pack, unpack

from .methods import Caller, Method, Methods, Subscriptions
from .outbox import Outbox
from .settings import Settings

LOG = logging.getLogger("backlot.server.session")

_READ_BYTES = 64 * 1024
_HELLO_BYTES = 16 * 1024
_REQUESTS_A_TURN = 32
_SLOW_AT_ONCE = 16
_GOODBYE_S = 1.0
NO_ID = 0
"""Id of the answer to a message whose own id could not be read."""


class Session:
    """Runs from the accepted connection to its end."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        methods: Methods,
        token: str,
        settings: Settings,
    ) -> None:
        self._reader, self._writer = reader, writer
        self._methods, self._token, self._settings = methods, token, settings
        self._outbox = Outbox(settings.outbox_bytes)
        self._caller = Caller("", Subscriptions())
        self._welcomed = False
        self._slow_turns = asyncio.Semaphore(_SLOW_AT_ONCE)
        self._slow: set[asyncio.Task[None]] = set()

    def watches(self, job: str) -> bool:
        return self._caller.subscriptions.covers(job)

    def deliver(self, data: bytes, replaces: str = "") -> None:
        self._outbox.put(data, replaces)
        if self._outbox.overflowed and not self._writer.transport.is_closing():
            LOG.warning("client %s does not read what it is sent: dropped", self._caller.name)
            self._writer.transport.abort()

    def end(self) -> None:
        """Lets the connection end after what waits has been sent."""
        self._reader.feed_eof()

    async def run(self) -> None:
        """Serves the client until it leaves, breaks the protocol, or does not read what it is sent."""
        sender = asyncio.get_running_loop().create_task(self._send())
        try:
            await self._converse()
        except (ConnectionError, TimeoutError, BacklotError) as why:
            LOG.info("client %s: %s", self._caller.name or "(no hello)", why or "said no hello in time")
        finally:
            for task in self._slow:
                task.cancel()
            await self._close(sender)

    async def _converse(self) -> None:
        messages = self._messages()
        try:
            async with asyncio.timeout(self._settings.hello_timeout_s):
                first = await anext(messages, None)
            if first is None:
                return
            self._welcome(first)
            turn = 0
            async for message in messages:
                await self._answer(message)
                turn += 1
                if turn % _REQUESTS_A_TURN == 0:  # a flood from one client must not keep others waiting
                    await asyncio.sleep(0)
        except (MalformedMessage, MessageTooLarge) as bad:
            self._reply_error(NO_ID, bad)
            raise

    async def _messages(self) -> AsyncIterator[Message]:
        decoder, strange_bytes = Decoder(), 0
        while data := await self._reader.read(_READ_BYTES):
            strange_bytes += 0 if self._welcomed else len(data)
            for message in decoder.feed(data):
                yield message
            if not self._welcomed and strange_bytes > _HELLO_BYTES:
                raise MessageTooLarge(f"A hello is shorter than {_HELLO_BYTES} bytes.")

    # -- hello ----------------------------------------------------------------------------------------

    def _welcome(self, message: Message) -> None:
        if not isinstance(message, Request):
            raise MalformedMessage("The first message should be the request hello.")
        try:
            if message.method != "hello":
                raise MalformedMessage(f"The first call should be hello, not {message.method[:80]!r}.")
            hello = check_hello(message.params, self._token)
        except BacklotError as refusal:
            self._reply_error(message.id, refusal)
            raise _Refused(refusal.message) from refusal
        self._caller = Caller(hello.client[:200], self._caller.subscriptions)
        self._welcomed = True
        self._reply(Response(message.id, None, pack(Welcome(PROTOCOL, VERSION, os.getpid()))))
        LOG.info("client %s connected", self._caller.name)

    # -- requests -------------------------------------------------------------------------------------

    async def _answer(self, message: Message) -> None:
        if not isinstance(message, Request):
            raise MalformedMessage("Clients send requests only.")
        try:
            method = self._methods.find(message.method)
        except BacklotError as error:
            self._reply_error(message.id, error)
            return
        if not method.slow:
            await self._call(method, message)
            return
        await self._slow_turns.acquire()
        task = asyncio.get_running_loop().create_task(self._call_slow(method, message))
        self._slow.add(task)
        task.add_done_callback(self._slow.discard)

    async def _call_slow(self, method: Method, message: Request) -> None:
        try:
            await self._call(method, message)
        finally:
            self._slow_turns.release()

    async def _call(self, method: Method, message: Request) -> None:
        try:
            result: Any = await self._methods.call(method, self._caller, message.params)
            self._reply(Response(message.id, None, result))
        except BacklotError as error:
            self._reply_error(message.id, error)
        except Exception as error:
            LOG.exception("method %s failed", message.method)
            self._reply_error(message.id, InternalError(f"{message.method} failed: {type(error).__name__}: {error}"))

    def _reply_error(self, id: int, error: BacklotError) -> None:
        self._reply(Response(id, error.to_wire(), None))

    def _reply(self, response: Response) -> None:
        self.deliver(encode(response))

    # -- sending --------------------------------------------------------------------------------------

    async def _send(self) -> None:
        while data := await self._outbox.get():
            self._writer.write(data)
            try:
                await self._writer.drain()
            except ConnectionError:  # the client has gone; the reading side notices too
                return

    async def _close(self, sender: asyncio.Task[None]) -> None:
        self._outbox.finish()
        await asyncio.wait([sender], timeout=_GOODBYE_S)
        sender.cancel()
        self._writer.close()
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(_GOODBYE_S):
                await self._writer.wait_closed()
        self._writer.transport.abort()


class _Refused(ConnectionError):
    """The client was told why and is sent away."""


def check_hello(params: dict[str, Any], token: str) -> Hello:
    """A client's hello. Raises `ProtocolMismatch` (before all else: another version's hello may look
    different), `MalformedMessage`, `WrongToken`."""
    protocol = params.get("protocol")
    if isinstance(protocol, int) and protocol != PROTOCOL:
        raise _mismatch(protocol)
    hello = unpack(Hello, params, "hello")
    if not hmac.compare_digest(hello.token.encode("utf-8"), token.encode("utf-8")):
        raise WrongToken("The backend does not accept this client's token.")
    return hello


def _mismatch(protocol: int) -> ProtocolMismatch:
    message = f"The client speaks version {protocol} of the protocol, the backend speaks version {PROTOCOL}."
    if protocol < PROTOCOL:
        return ProtocolMismatch(message, f"Update the client (in Blender: the Backlot extension) to {VERSION}.")
    return ProtocolMismatch(
        message, f"Update the backend (`{build_command('setup')}` in Backlot's folder), then restart it."
    )
