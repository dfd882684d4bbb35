"""The contract of the wire, held by the fake and by the real backend alike."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import msgpack
import pytest

from shared import PROTOCOL, connection
from shared.codec import MAX_MESSAGE_BYTES
from shared.errors import (
    ArtifactMissing,
    InvalidParameter,
    InvalidRequest,
    MalformedMessage,
    ProtocolMismatch,
    UnknownJob,
    UnknownMethod,
    UnknownStage,
    WrongToken,
    from_wire,
)
from tests.contract.conftest import KINDS, running_backend, scripted_job
from tests.contract.wire_client import WireClient


@pytest.fixture(scope="module", params=KINDS)
def any_backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One for all tests of this file: none submits a job, and none may harm it."""
    with running_backend(request.param, tmp_path_factory.mktemp("wire") / "home") as home:
        yield home


def stranger(home: Path) -> WireClient:
    """A client that has not said hello."""
    return WireClient(connection.read(home))


def test_hello_is_welcomed(any_backend: Path) -> None:
    with stranger(any_backend) as client:
        welcome = client.hello()
        assert welcome["protocol"] == PROTOCOL
        assert welcome["pid"] == connection.read(any_backend).pid


def test_a_wrong_token_is_refused_and_the_connection_closed(any_backend: Path) -> None:
    with stranger(any_backend) as client:
        with pytest.raises(WrongToken):
            client.hello(token="0" * 64)
        assert client.is_closed_by_server()


@pytest.mark.parametrize(("protocol", "side"), [(PROTOCOL - 1, "client"), (PROTOCOL + 1, "backend")])
def test_a_protocol_mismatch_says_which_side_to_update(any_backend: Path, protocol: int, side: str) -> None:
    with stranger(any_backend) as client:
        with pytest.raises(ProtocolMismatch, match=f"Update the {side}"):
            client.hello(protocol=protocol, token="a token of another time")
        assert client.is_closed_by_server()


@pytest.mark.parametrize("method", ["ping", "job.list", "shutdown"])
def test_nothing_is_answered_before_hello(any_backend: Path, method: str) -> None:
    with stranger(any_backend) as client:
        with pytest.raises(MalformedMessage, match="hello"):
            client.call(method)
        assert client.is_closed_by_server()
    with WireClient.of(any_backend) as other:
        assert other.call("ping") == {}


def test_ping(client: WireClient) -> None:
    assert client.call("ping") == {}


def test_requests_in_one_packet_are_answered_in_order(client: WireClient) -> None:
    numbers = [client.post("ping") for _ in range(500)]
    assert [client.response().id for _ in numbers] == numbers


def test_a_message_in_single_bytes_is_understood(client: WireClient) -> None:
    for byte in msgpack.packb([0, 77, "ping", [{}]]):
        client.socket.sendall(bytes([byte]))
    assert client.response().id == 77


def test_an_unknown_method_is_an_error_and_no_more(client: WireClient) -> None:
    with pytest.raises(UnknownMethod):
        client.call("job.explode")
    assert client.call("ping") == {}


def test_parameters_of_the_wrong_shape_are_an_error_and_no_more(client: WireClient) -> None:
    with pytest.raises(MalformedMessage):
        client.call("job.status")
    with pytest.raises(MalformedMessage):
        client.call("job.submit", shot=1)
    assert client.call("ping") == {}


def test_a_parameter_of_a_newer_client_is_passed_over(client: WireClient) -> None:
    assert client.call("ping", surprise=1) == {}
    assert client.call("job.list", limit=1, surprise=1) == []


MALFORMED = {
    "not messagepack": b"\xc1\xc1\xc1",
    "a number": msgpack.packb(5),
    "an empty array": msgpack.packb([]),
    "an unknown kind": msgpack.packb([9, 1, "ping", [{}]]),
    "an id that is no number": msgpack.packb([0, "one", "ping", [{}]]),
    "a method that is no text": msgpack.packb([0, 1, 5, [{}]]),
    "positional arguments": msgpack.packb([0, 1, "ping", [1, 2]]),
    "a response": msgpack.packb([1, 1, None, {}]),
    "a notification": msgpack.packb([2, "ping", [{}]]),
    "an extension type": msgpack.packb([0, 1, "ping", [{"a": msgpack.ExtType(4, b"x")}]]),
    "text that is not utf-8": b"\x94\x00\x01\xa2\xff\xfe\x91\x80",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_message_ends_only_its_own_connection(any_backend: Path, data: bytes) -> None:
    with WireClient.of(any_backend) as other, WireClient.of(any_backend) as client:
        client.socket.sendall(data)
        error = client.response().error
        assert error is not None and isinstance(from_wire(error), MalformedMessage)
        assert client.is_closed_by_server()
        assert other.call("ping") == {}


def test_an_oversized_message_ends_only_its_own_connection(any_backend: Path) -> None:
    with WireClient.of(any_backend) as other, WireClient.of(any_backend) as client:
        announced = struct.pack(">BI", 0xC6, MAX_MESSAGE_BYTES + 1)  # a binary value of that length
        assert send_until_refused(client.socket, announced + bytes(2 * MAX_MESSAGE_BYTES))
        assert client.is_closed_by_server()
        assert other.call("ping") == {}


def send_until_refused(peer: socket.socket, data: bytes) -> bool:
    """Whether the peer took it or broke off; not whether it is still waiting for more."""
    try:
        peer.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        return True
    except TimeoutError:
        return False
    return True


def test_a_client_that_leaves_in_the_middle_of_a_message_harms_nobody(any_backend: Path) -> None:
    with WireClient.of(any_backend) as client:
        client.socket.sendall(msgpack.packb([0, 1, "ping", [{}]])[:4])
    with WireClient.of(any_backend) as other:
        assert other.call("ping") == {}


def test_two_clients_are_served_at_once(any_backend: Path) -> None:
    with WireClient.of(any_backend) as first, WireClient.of(any_backend) as second:
        one, two = first.post("ping"), second.post("ping")
        assert (second.answer_to(two), first.answer_to(one)) == ({}, {})


@pytest.mark.parametrize("method", ["job.status", "job.cancel", "job.retry", "job.watch", "job.log"])
def test_an_unknown_job_is_named(client: WireClient, method: str) -> None:
    with pytest.raises(UnknownJob, match="no-such-job"):
        client.call(method, job="no-such-job")


def test_a_job_that_makes_no_sense_is_refused_at_once(client: WireClient) -> None:
    with pytest.raises(InvalidRequest):
        client.submit(scripted_job("quick", shot="relative/path"))
    with pytest.raises(UnknownStage):
        client.submit(scripted_job("quick", stages=("explode",)))
    with pytest.raises(InvalidParameter):
        client.submit(scripted_job("quick", params={"solve": {"quality": "ultra"}}))
    assert client.call("job.list") == []


def test_a_frame_that_is_not_there_is_an_error(client: WireClient, tmp_path: Path) -> None:
    with pytest.raises(ArtifactMissing):
        client.call("plate.frame", shot=str(tmp_path), frame=0)


def test_engines_say_whether_they_are_ready(client: WireClient) -> None:
    engines = client.call("engines")
    assert {"solve"} <= {engine["stage"] for engine in engines}
    assert all(engine["ready"] or (engine["reason"] and engine["remedy"]) for engine in engines)


def test_doctor_reports(client: WireClient) -> None:
    report = client.call("doctor")
    assert report["text"].endswith("\n")
    assert isinstance(report["facts"]["problems"], list)


@pytest.mark.parametrize("kind", KINDS)
def test_shutdown_answers_and_removes_the_connection_file(kind: str, home: Path) -> None:
    with running_backend(kind, home):
        with WireClient.of(home) as client:
            assert client.call("shutdown") == {}
            assert client.is_closed_by_server()
        assert not connection.connection_path(home).exists()
