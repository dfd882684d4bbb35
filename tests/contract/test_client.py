"""The public client (`shared/client.py`) against the fake and the real backend."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.client import Client
from shared.errors import BackendNotRunning, BacklotError, ConnectionLost, JobCancelled, NoParallax, UnknownJob
from shared.messages import CANCELLED, DONE, RUNNING, JobEvent
from tests.contract.backend_process import SCRIPTED, BackendProcess, wait_until
from tests.contract.conftest import scripted_job
from tests.contract.fake_backend import FakeBackend


@pytest.fixture
def scripts(any_backend: Path) -> Iterator[Client]:
    """A client that waits, as scripts do."""
    with Client(any_backend, start=False) as client:
        yield client


def polled(client: Client, enough: Any) -> list[JobEvent]:
    """The events that polling finds until there is enough, as a user interface's timer would."""
    events: list[JobEvent] = []

    def are_there() -> bool:
        events.extend(client.poll())
        return bool(enough(events))

    assert wait_until(are_there), events
    return events


def test_a_script_waits_for_its_job(scripts: Client) -> None:
    events: list[JobEvent] = []
    status = scripts.wait(scripts.submit(scripted_job("quick")).id, events.append)
    assert status.state == DONE and status.results[0].facts == {"frames_solved": 3}
    assert events[-1].kind == DONE


def test_a_failed_job_raises_its_own_error(scripts: Client) -> None:
    with pytest.raises(NoParallax, match="tripod"):
        scripts.wait(scripts.submit(scripted_job("fail")).id)


def test_a_cancelled_job_raises(scripts: Client) -> None:
    job = scripts.submit(scripted_job("steps")).id
    scripts.cancel(job)
    with pytest.raises(JobCancelled):
        scripts.wait(job)


def test_a_job_that_takes_too_long_is_cancelled(scripts: Client) -> None:
    job = scripts.submit(scripted_job("steps")).id
    with pytest.raises(JobCancelled, match="longer than 0 s"):
        scripts.wait(job, timeout_s=0.0)
    with pytest.raises(JobCancelled, match="was cancelled"):
        scripts.wait(job)


def test_waiting_for_a_job_that_is_over_returns_at_once(scripts: Client) -> None:
    job = scripts.submit(scripted_job("quick")).id
    first = scripts.wait(job)
    assert scripts.wait(job) == first


def test_an_unknown_job_is_an_error_and_not_silence(scripts: Client) -> None:
    with pytest.raises(UnknownJob):
        scripts.wait("no-such-job")


def test_a_user_interface_polls(any_backend: Path) -> None:
    client = Client(any_backend, start=False)
    client.open()
    assert wait_until(lambda: client.online)
    client.watch()
    answers: list[Any] = []
    errors: list[BacklotError] = []
    client.call_later("job.status", {"job": "nothing"}, answers.append, errors.append)
    job = client.submit(scripted_job("steps/20"))
    events = polled(client, lambda events: any(event.status.is_over for event in events))
    assert [event.kind for event in events if event.status.id == job.id][-1] == DONE
    assert not answers and isinstance(errors[0], UnknownJob)
    client.close()


def test_nothing_arrives_while_it_stands_still(scripts: Client) -> None:
    answers: list[Any] = []
    errors: list[BacklotError] = []
    with scripts.still():
        scripts.call_later("job.status", {"job": "nothing"}, answers.append, errors.append)
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            assert not scripts.poll()
            time.sleep(0.005)
        assert not errors
    polled(scripts, lambda _: bool(errors))
    assert isinstance(errors[0], UnknownJob) and not answers


def test_without_a_backend_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(BackendNotRunning):
        Client(tmp_path, start=False).connect()


def test_the_connection_comes_back_and_the_job_is_watched_again(home: Path) -> None:
    with FakeBackend(home) as backend, Client(home, start=False) as client:
        job = client.submit(scripted_job("steps"))
        client.watch(job.id)
        polled(client, lambda events: any(event.kind == "progress" for event in events))
        backend.drop_clients()
        events = polled(client, lambda events: any(event.sequence == 0 for event in events))
        assert next(event for event in events if event.sequence == 0).status.state == RUNNING
        client.cancel(job.id)
        polled(client, lambda events: any(event.kind == CANCELLED for event in events))


def test_a_backend_that_dies_is_started_again_for_who_waits(home: Path) -> None:
    backend = BackendProcess(home, SCRIPTED)
    killed: list[str] = []

    def kill_once(event: JobEvent) -> None:
        if event.kind == "progress" and not killed:
            killed.append(event.status.id)
            backend.kill()

    with backend, Client(home, start=False, revive=backend.start) as client:
        status = client.wait(client.submit(scripted_job("steps/100")).id, kill_once)
    assert killed == [status.id] and (status.state, status.attempts) == (DONE, 2)


def test_a_backend_that_stays_away_is_an_error(home: Path) -> None:
    with FakeBackend(home) as backend, Client(home, start=False) as client:
        job = client.submit(scripted_job("steps"))
        stop = [backend.stop]

        def stop_once(event: JobEvent) -> None:
            if event.kind == "progress" and stop:
                stop.pop()()

        with pytest.raises((ConnectionLost, BackendNotRunning)):
            client.wait(job.id, stop_once, reconnect_timeout_s=0.5)
