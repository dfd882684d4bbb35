"""The wire: every cut of the stream, every limit, every kind of nonsense."""

import random

import msgpack
import pytest

from shared.codec import Decoder, Notification, Request, Response, encode
from shared.errors import MalformedMessage, MessageTooLarge

MESSAGES = [
    Request(0, "hello", {"token": "ä" * 40, "protocol": 1}),
    Response(7, None, {"list": [1, 2.5, None, True, "x"], "bytes": b"\x00\xff"}),
    Response(8, {"code": "no-parallax", "message": "m"}, None),
    Notification("job.event", {"sequence": 2**40}),
    Request(2**32 - 1, "ping", {}),
]


def test_any_cut_of_the_stream_gives_the_same_messages() -> None:
    stream = b"".join(encode(message) for message in MESSAGES)
    for seed in range(30):
        cuts, decoder, out, at = random.Random(seed), Decoder(), [], 0
        while at < len(stream):
            step = cuts.randint(1, 17)
            out += decoder.feed(stream[at : at + step])
            at += step
        assert out == MESSAGES


def test_the_bytes_are_messagepack_rpc() -> None:
    assert msgpack.unpackb(encode(Request(3, "job.status", {"job": "a"}))) == [0, 3, "job.status", [{"job": "a"}]]
    assert msgpack.unpackb(encode(Response(3, None, 5))) == [1, 3, None, 5]
    assert msgpack.unpackb(encode(Notification("job.event", {}))) == [2, "job.event", [{}]]


def test_arguments_may_be_left_out() -> None:
    assert list(Decoder().feed(msgpack.packb([0, 1, "ping", []]))) == [Request(1, "ping", {})]


def test_a_stream_of_many_messages_is_not_one_large_message() -> None:
    decoder = Decoder(limit=2000)
    one = encode(Notification("n", {"text": "x" * 900}))
    assert sum(1 for _ in range(200) for _ in decoder.feed(one)) == 200


def test_an_unfinished_message_over_the_limit_is_refused_before_it_is_whole() -> None:
    decoder = Decoder(limit=100_000)
    head = msgpack.packb([2, "n", [{"blob": b"\0" * 300_000}]])
    with pytest.raises(MessageTooLarge):
        for start in range(0, 200_000, 1000):
            list(decoder.feed(head[start : start + 1000]))


def test_a_claimed_length_over_the_limit_is_refused() -> None:
    with pytest.raises((MessageTooLarge, MalformedMessage)):
        list(Decoder(limit=1000).feed(b"\x93\x02\xa1n\xc6\xff\xff\xff\xff" + b"\0" * 70_000))


def test_too_large_to_send() -> None:
    with pytest.raises(MessageTooLarge, match="over the limit"):
        encode(Notification("n", {"x": b"\0" * 2000}), limit=1000)


def test_values_that_cannot_travel() -> None:
    with pytest.raises(MalformedMessage, match="cannot travel"):
        encode(Notification("n", {"x": object()}))


@pytest.mark.parametrize(
    "plain",
    [
        5,
        [],
        {},
        [0, 1, "m"],
        [0, -1, "m", []],
        [0, True, "m", []],
        [0, 1, 2, []],
        [0, 1, "m", {}],
        [0, 1, "m", [1]],
        [0, 1, "m", [{}, {}]],
        [1, 1, "not a map", None],
        [2, "m"],
        [3, 1, "m", []],
        ["0", 1, "m", []],
        [0, 2**32, "m", []],
    ],
)
def test_messages_of_the_wrong_shape(plain: object) -> None:
    with pytest.raises(MalformedMessage):
        list(Decoder().feed(msgpack.packb(plain)))


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"\xc1", b"\x94\x00\x01\xa1\xff\x90", b"\x91" * 5000])
def test_bytes_that_are_no_message(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        list(Decoder().feed(data))


def test_extension_types_are_refused() -> None:
    with pytest.raises(MalformedMessage, match="extension"):
        list(Decoder().feed(msgpack.packb([2, "m", [{"x": msgpack.ExtType(5, b"abc")}]])))
