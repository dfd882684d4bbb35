"""The contract of jobs and their events, held by the fake and by the real backend alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.errors import InvalidRequest, NoParallax, UnknownJob, from_wire
from shared.messages import (
    CANCELLED,
    DONE,
    FAILED,
    QUEUED,
    RUNNING,
    TERMINAL,
    JobStatus,
    MachineStatus,
    in_line,
)
from shared.wire import unpack
from tests.contract.conftest import scripted_job
from tests.contract.wire_client import WireClient


def test_a_job_runs_to_its_end(client: WireClient) -> None:
    client.watch()
    job = client.submit(scripted_job("quick"))
    assert (job.state, job.attempts, job.client) == (QUEUED, 0, "test")
    kinds = []
    while not kinds or kinds[-1] not in TERMINAL:
        event = client.next_event()
        kinds.append(event.kind)
    assert kinds == ["queued", "started", "notice", "stage", "done"]
    status = event.status
    assert status.state == DONE and status.error is None and status.attempts == 1
    assert status.progress.fraction == 1.0
    assert status.results[0].facts == {"frames_solved": 3}
    assert status.notices == ("quick",)
    assert status.started is not None and status.ended is not None
    assert status.created <= status.started <= status.ended


def test_events_are_numbered_upwards(client: WireClient) -> None:
    client.watch()
    client.submit(scripted_job("steps/20"))
    numbers = []
    while True:
        event = client.next_event()
        numbers.append(event.sequence)
        if event.kind == DONE:
            break
    assert numbers == sorted(set(numbers))


def test_a_failed_job_carries_its_error(client: WireClient) -> None:
    status = client.run(scripted_job("fail"))
    assert status.state == FAILED and status.error is not None
    error = from_wire(status.error)
    assert isinstance(error, NoParallax) and error.remedy
    assert error.details["frames"] == 3


def test_progress_says_where_the_job_is(client: WireClient) -> None:
    client.watch()
    job = client.submit(scripted_job("steps"))
    first = client.wait(job.id, "progress").status
    later = client.wait_until(job.id, lambda e: e.status.progress.done > first.progress.done, "more").status
    assert first.state == RUNNING
    assert (later.progress.stage, later.progress.total) == ("solve", 10**6)
    client.cancel(job.id)
    client.wait(job.id, CANCELLED)


def test_a_running_job_is_cancelled(client: WireClient) -> None:
    client.watch()
    job = client.submit(scripted_job("steps"))
    client.wait(job.id, "progress")
    client.cancel(job.id)
    assert client.wait(job.id, CANCELLED).status.error is None
    assert client.status(job.id).state == CANCELLED


def test_a_waiting_job_is_cancelled_at_once(client: WireClient) -> None:
    client.watch()
    running, waiting = client.submit(scripted_job("steps")), client.submit(scripted_job("quick"))
    client.wait(running.id, "progress")
    assert client.cancel(waiting.id).state == CANCELLED
    assert client.status(running.id).state == RUNNING
    client.cancel(running.id)
    client.wait(running.id, CANCELLED)


def test_cancelling_an_ended_job_changes_nothing(client: WireClient) -> None:
    done = client.run(scripted_job("quick"))
    assert client.cancel(done.id) == done
    assert client.status(done.id) == done


def test_higher_priority_runs_first(client: WireClient) -> None:
    client.watch()
    running = client.submit(scripted_job("steps"))
    client.wait(running.id, "started")
    jobs = [client.submit(scripted_job("quick", f"/shots/{n}", priority=n)) for n in (0, 5, 1)]
    client.cancel(running.id)
    started = []
    while len(started) < 3:
        event = client.next_event()
        if event.kind == "started":
            started.append(event.status.id)
    assert started == [jobs[1].id, jobs[2].id, jobs[0].id]


def _three_waiting(client: WireClient) -> tuple[JobStatus, list[JobStatus]]:
    """A job that runs until it is cancelled, and three in line behind it."""
    client.watch()
    running = client.submit(scripted_job("steps"))
    client.wait(running.id, "started")
    return running, [client.submit(scripted_job("quick", f"/shots/{n}")) for n in range(3)]


def _line(client: WireClient) -> list[str]:
    return [status.id for status in in_line([unpack(JobStatus, plain) for plain in client.call("job.list")])]


def test_waiting_jobs_change_places(client: WireClient) -> None:
    running, (one, two, three) = _three_waiting(client)
    assert _line(client) == [one.id, two.id, three.id]
    client.call("job.move", job=three.id, before=one.id)
    client.call("job.move", job=one.id, after=two.id)
    assert _line(client) == [three.id, two.id, one.id]
    later = client.submit(scripted_job("quick", "/shots/later"))
    assert _line(client)[-1] == later.id
    client.cancel(running.id)
    started = []
    while len(started) < 4:
        event = client.next_event()
        if event.kind == "started":
            started.append(event.status.id)
    assert started == [three.id, two.id, one.id, later.id]


def test_a_move_is_told_and_only_waiting_jobs_move(any_backend: Path, client: WireClient) -> None:
    running, (one, two, _) = _three_waiting(client)
    with WireClient.of(any_backend) as other:
        other.watch()
        client.call("job.move", job=two.id, before=one.id)
        moved = {two.id: other.wait(two.id, "moved").status}
        assert moved[two.id].state == QUEUED and moved[two.id].device == "cpu"
    for wrong in ({"before": running.id}, {"after": running.id}, {}, {"before": one.id, "after": one.id}):
        with pytest.raises(InvalidRequest):
            client.call("job.move", job=two.id, **wrong)
    with pytest.raises(InvalidRequest):
        client.call("job.move", job=running.id, before=one.id)
    with pytest.raises(UnknownJob):
        client.call("job.move", job=two.id, before="nobody")
    client.cancel(running.id)


def test_ended_jobs_are_forgotten_by_all(any_backend: Path, client: WireClient) -> None:
    done = [client.run(scripted_job("quick", f"/shots/{n}")) for n in range(2)]
    running = client.submit(scripted_job("steps"))
    client.wait(running.id, "progress")
    with WireClient.of(any_backend) as other:
        assert len(other.watch()) == 3
        asked = [done[0].id, running.id, "nobody"]
        assert client.call("job.forget", jobs=asked) == {"jobs": [done[0].id]}
        while not other.gone:
            other._keep(other.receive())
        assert other.gone == [done[0].id]
    assert {job["id"] for job in client.call("job.list")} == {done[1].id, running.id}
    with pytest.raises(UnknownJob):
        client.status(done[0].id)
    assert client.status(running.id).state == RUNNING
    client.cancel(running.id)
    client.wait(running.id, CANCELLED)


def test_the_machine_says_what_it_holds(client: WireClient) -> None:
    client.watch()
    job = client.submit(scripted_job("steps"))
    client.wait(job.id, "progress")
    machine = unpack(MachineStatus, client.call("machine.status"))
    assert 0 < machine.memory.used_bytes < machine.memory.total_bytes
    assert all(0 <= gpu.used_bytes <= gpu.total_bytes and gpu.model for gpu in machine.gpus)
    (worker,) = machine.workers
    assert (worker.device, worker.job) == ("cpu", job.id) and worker.used_bytes > 2**20
    client.cancel(job.id)
    client.wait(job.id, CANCELLED)


def test_a_retry_is_a_new_job_with_the_same_request(client: WireClient) -> None:
    failed = client.run(scripted_job("fail"))
    again = client.call("job.retry", job=failed.id)
    assert again["id"] != failed.id
    assert again["request"]["footage"] == failed.request.footage
    client.wait(again["id"], FAILED)


def test_a_job_that_still_runs_is_not_retried(client: WireClient) -> None:
    client.watch()
    job = client.submit(scripted_job("steps"))
    client.wait(job.id, "started")
    with pytest.raises(InvalidRequest):
        client.call("job.retry", job=job.id)


def test_the_list_is_newest_first(client: WireClient) -> None:
    jobs = [client.run(scripted_job("quick")).id for _ in range(3)]
    assert [job["id"] for job in client.call("job.list", limit=2)] == [jobs[2], jobs[1]]


def test_only_watched_jobs_are_told(any_backend: Path, client: WireClient) -> None:
    running = client.submit(scripted_job("steps"))
    with WireClient.of(any_backend) as watcher:
        other = client.submit(scripted_job("quick", "/shots/other"))
        assert [status.id for status in watcher.watch(other.id)] == [other.id]
        client.cancel(running.id)
        while (event := watcher.next_event()).kind != DONE:
            assert event.status.id == other.id


def test_unwatch_ends_the_events(client: WireClient) -> None:
    client.watch()
    client.call("job.unwatch", job=None)
    client.events.clear()
    job = client.submit(scripted_job("quick", "/shots/unwatched"))
    client.watch(job.id)
    while not client.status(job.id).is_over:
        client.call("ping")
    assert all(event.status.id == job.id for event in client.events)


def test_a_client_that_comes_back_sees_where_its_job_is(any_backend: Path) -> None:
    with WireClient.of(any_backend) as before:
        before.watch()
        job = before.submit(scripted_job("steps"))
        seen = before.wait(job.id, "progress").status.progress.done
    with WireClient.of(any_backend) as after:
        (status,) = after.watch(job.id)
        assert status.state == RUNNING and status.progress.done >= seen
        after.cancel(job.id)
        after.wait(job.id, CANCELLED)
    with WireClient.of(any_backend) as later:
        (status,) = later.watch(job.id)
        assert status.state == CANCELLED


def test_every_client_hears_the_one_end(any_backend: Path, client: WireClient) -> None:
    with WireClient.of(any_backend) as other:
        client.watch()
        other.watch()
        job = client.submit(scripted_job("quick"))
        assert client.wait(job.id, DONE).sequence == other.wait(job.id, DONE).sequence
        client.call("ping")
        assert not [event for event in client.events if event.kind in TERMINAL]


def test_the_log_is_read_in_pieces(client: WireClient) -> None:
    job = client.run(scripted_job("quick"))
    text, offset = "", 0
    while chunk := client.call("job.log", job=job.id, offset=offset):
        if not chunk["text"]:
            break
        text, offset = text + chunk["text"], chunk["next_offset"]
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"time", "level", "stage", "message"} <= set(lines[0])
    assert lines[-1]["message"] == "done"
