"""MessagePack-RPC framing (github.com/msgpack-rpc/msgpack-rpc, spec.md) with limits.

request `[0, id, method, [params]]`, response `[1, id, error, result]`, notification
`[2, method, [params]]`. The argument list always holds one map: named parameters. The decoder takes
bytes in any cut and yields whole messages; a peer that sends something else gets `MalformedMessage` or
`MessageTooLarge`, after which its stream cannot be trusted and must be closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgpack

from .errors import MalformedMessage, MessageTooLarge

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
"""Paths and small values travel on the socket; pixels, meshes and clouds are files."""

MAX_ID = 2**32 - 1
_FEED_BYTES = 64 * 1024
_REQUEST, _RESPONSE, _NOTIFICATION = 0, 1, 2


@dataclass(frozen=True)
class Request:
    id: int
    method: str
    params: dict[str, Any]


@dataclass(frozen=True)
class Response:
    id: int
    error: dict[str, Any] | None
    result: Any


@dataclass(frozen=True)
class Notification:
    method: str
    params: dict[str, Any]


Message = Request | Response | Notification


def encode(message: Message, limit: int = MAX_MESSAGE_BYTES) -> bytes:
    """The bytes of one message. Raises `MessageTooLarge`, or `MalformedMessage` for a value that
    MessagePack cannot carry."""
    try:
        data = msgpack.packb(_to_list(message), use_bin_type=True)
    except (TypeError, ValueError, OverflowError) as bad:
        raise MalformedMessage(f"A message for the wire holds a value that cannot travel: {bad}.") from bad
    assert isinstance(data, bytes)
    if len(data) > limit:
        raise MessageTooLarge(f"A message of {len(data)} bytes is over the limit of {limit} bytes.")
    return data


def _to_list(message: Message) -> list[Any]:
    if isinstance(message, Request):
        return [_REQUEST, message.id, message.method, [message.params]]
    if isinstance(message, Response):
        return [_RESPONSE, message.id, message.error, message.result]
    return [_NOTIFICATION, message.method, [message.params]]


class Decoder:
    """Bytes in, messages out; keeps at most one unfinished message of `limit` bytes."""

    def __init__(self, limit: int = MAX_MESSAGE_BYTES) -> None:
        self._limit = limit
        self._unpacker = msgpack.Unpacker(
            raw=False, strict_map_key=True, max_buffer_size=limit + _FEED_BYTES, ext_hook=_refuse_extension
        )
        self._received = 0

    def feed(self, data: bytes) -> Iterator[Message]:
        """Every message that `data` completes."""
        view = memoryview(data)
        for start in range(0, len(view), _FEED_BYTES):
            piece = view[start : start + _FEED_BYTES]
            self._received += len(piece)
            yield from self._drain(piece)

    def _drain(self, piece: memoryview) -> Iterator[Message]:
        try:
            self._unpacker.feed(piece)
            for plain in self._unpacker:
                yield to_message(plain)
        except msgpack.BufferFull as full:
            raise MessageTooLarge(f"A message is over the limit of {self._limit} bytes.") from full
        except (msgpack.StackError, msgpack.FormatError, UnicodeDecodeError, ValueError) as bad:
            raise MalformedMessage(f"The peer sent bytes that are not MessagePack: {bad}.") from bad
        if self._received - self._unpacker.tell() > self._limit:
            raise MessageTooLarge(f"A message is over the limit of {self._limit} bytes.")


def _refuse_extension(code: int, data: bytes) -> Any:
    raise ValueError(f"extension type {code} is not part of the protocol")


def to_message(plain: Any) -> Message:
    """A decoded value as a typed message. Raises `MalformedMessage`."""
    if not isinstance(plain, list) or not plain:
        raise MalformedMessage(f"A message should be an array, not {type(plain).__name__}.")
    kind, rest = plain[0], plain[1:]
    if kind == _REQUEST and len(rest) == 3 and _is_id(rest[0]):
        return Request(rest[0], _method(rest[1]), _params(rest[2]))
    if kind == _RESPONSE and len(rest) == 3 and _is_id(rest[0]):
        if rest[1] is not None and not isinstance(rest[1], dict):
            raise MalformedMessage("A response's error should be a map.")
        return Response(rest[0], rest[1], rest[2])
    if kind == _NOTIFICATION and len(rest) == 2:
        return Notification(_method(rest[0]), _params(rest[1]))
    raise MalformedMessage("A message is neither a request, nor a response, nor a notification.")


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_ID


def _method(value: Any) -> str:
    if not isinstance(value, str):
        raise MalformedMessage("A method's name should be a string.")
    return value


def _params(value: Any) -> dict[str, Any]:
    if not isinstance(value, list) or len(value) > 1:
        raise MalformedMessage("A method's arguments should be an array that holds one map.")
    params = value[0] if value else {}
    if not isinstance(params, dict):
        raise MalformedMessage("A method's arguments should be one map of named parameters.")
    return params
