"""What the contract tests run against."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.messages import JobRequest
from tests.contract.backend_process import SCRIPTED, BackendProcess
from tests.contract.fake_backend import FakeBackend
from tests.contract.wire_client import WireClient


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


KINDS = ("fake", "real")
"""The fake backend, and the real server with scripted workers: their jobs follow `/script/...`."""


@contextlib.contextmanager
def running_backend(kind: str, home: Path) -> Iterator[Path]:
    with FakeBackend(home) if kind == "fake" else BackendProcess(home, SCRIPTED):
        yield home


@pytest.fixture(params=KINDS)
def any_backend(request: pytest.FixtureRequest, home: Path) -> Iterator[Path]:
    """The home of a backend of each kind."""
    with running_backend(request.param, home):
        yield home


@pytest.fixture
def client(any_backend: Path) -> Iterator[WireClient]:
    with WireClient.of(any_backend) as client:
        yield client


@pytest.fixture
def scripted(home: Path) -> Iterator[BackendProcess]:
    """The real server with scripted workers, quick to lose patience."""
    with BackendProcess(home, SCRIPTED, "silence_s=0.5") as backend:
        yield backend


@pytest.fixture
def real(home: Path) -> Iterator[BackendProcess]:
    """The real server with real workers."""
    with BackendProcess(home) as backend:
        yield backend


def scripted_job(verb: str, shot: str = "/shots/one", **changes: object) -> JobRequest:
    """A job that does `verb` of the script."""
    return JobRequest(shot=shot, footage=f"/script/{verb}", **changes)  # type: ignore[arg-type]


def open_gate(shot: Path) -> None:
    """Lets a job of the verb `gate` end."""
    shot.mkdir(exist_ok=True)
    (shot / "go").touch()
