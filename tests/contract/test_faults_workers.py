"""Workers that crash, hang, print, disobey: each a readable end of its job, and never the server's."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil
import pytest

from shared.errors import InternalError, OutOfMemory, WorkerCrashed, from_wire
from shared.messages import CANCELLED, DONE, FAILED, JobStatus
from tests.contract.backend_process import SCRIPTED, BackendProcess, wait_ended, wait_until
from tests.contract.conftest import scripted_job
from tests.contract.wire_client import TIMEOUT_S


def error_of(status: JobStatus) -> object:
    assert status.state == FAILED and status.error is not None, status
    return from_wire(status.error)


def assert_still_serves(backend: BackendProcess) -> None:
    with backend.client() as client:
        assert client.run(scripted_job("quick", "/shots/after")).state == DONE


def test_a_segfault_names_signal_and_stage(scripted: BackendProcess) -> None:
    with scripted.client() as client:
        error = error_of(client.run(scripted_job("segfault")))
    assert isinstance(error, WorkerCrashed)
    assert "SIGSEGV" in error.message and "solve" in error.message
    said = "\n".join(error.details["output"])
    assert "Segmentation fault" in said, "the fault handler's report"
    assert_still_serves(scripted)


def test_what_was_printed_before_the_crash_is_kept(scripted: BackendProcess) -> None:
    with scripted.client() as client:
        job = client.run(scripted_job("segfault"))
    assert "matrix is singular" in (scripted.home / "logs" / f"{job.id}.output").read_text()


def test_a_kill_from_outside_is_out_of_memory(scripted: BackendProcess) -> None:
    with scripted.client() as client:
        error = error_of(client.run(scripted_job("killed")))
    assert isinstance(error, OutOfMemory) and error.details["stage"] == "solve"
    assert_still_serves(scripted)


def test_a_memory_error_is_out_of_memory(scripted: BackendProcess) -> None:
    with scripted.client() as client:
        assert isinstance(error_of(client.run(scripted_job("memory"))), OutOfMemory)
    assert_still_serves(scripted)


def test_a_worker_that_leaves_is_a_crash_with_its_exit_code(scripted: BackendProcess) -> None:
    with scripted.client() as client:
        error = error_of(client.run(scripted_job("leave/3")))
    assert isinstance(error, WorkerCrashed)
    assert "exit code 3" in error.message and "ingest" in error.message
    assert_still_serves(scripted)


def test_prints_of_native_libraries_do_not_reach_the_channel(scripted: BackendProcess) -> None:
    with scripted.client() as client:
        job = client.run(scripted_job("chatter"))
    assert job.state == DONE
    assert (scripted.home / "logs" / f"{job.id}.output").read_bytes().count(b"Elapsed time") == 200


def test_a_worker_that_talks_nonsense_is_stopped(scripted: BackendProcess) -> None:
    with scripted.client() as client:
        error = error_of(client.run(scripted_job("nonsense")))
    assert isinstance(error, WorkerCrashed)
    assert_still_serves(scripted)


def test_a_worker_that_falls_silent_is_reported(scripted: BackendProcess) -> None:
    with scripted.client() as client:
        client.watch()
        job = client.submit(scripted_job("silent"))
        before = client.wait(job.id, "progress").status.notices  # one, where the worker was slow to begin
        status = client.wait_until(job.id, lambda event: len(event.status.notices) > len(before), "notice").status
        assert "has not answered for 0.5 s" in status.notices[-1]
        client.cancel(job.id)
        notices = client.wait(job.id, CANCELLED).status.notices
        assert len(notices) == len(before) + 1, "once a silence, not for ever"


def test_a_worker_that_does_not_obey_is_killed(scripted: BackendProcess, tmp_path: Path) -> None:
    shot = tmp_path / "Aufnahme 7 – Straße"
    with scripted.client() as client:
        client.watch()
        job = client.submit(scripted_job("deaf", str(shot)))
        note = client.wait(job.id, "progress").status.progress.note
        worker, grandchild = scripted.worker(), psutil.Process(int(note.removeprefix("child ")))
        client.cancel(job.id)
        client.wait(job.id, CANCELLED)
        assert not wait_ended([worker, grandchild])
        assert wait_until(lambda: list(shot.iterdir()) == []), "the half-written file is removed"
        client.call("ping")
        assert not [event for event in client.events if event.status.is_over], "one end only"
    assert_still_serves(scripted)


def test_an_idle_worker_that_dies_is_replaced_unnoticed(scripted: BackendProcess) -> None:
    with scripted.client() as client:
        client.run(scripted_job("quick"))
        worker = scripted.worker()
        worker.kill()
        assert client.run(scripted_job("quick")).state == DONE
        assert scripted.worker().pid != worker.pid


def test_the_worker_stays_warm_between_jobs(scripted: BackendProcess) -> None:
    with scripted.client() as client:
        client.run(scripted_job("quick"))
        worker = scripted.worker().pid
        client.run(scripted_job("quick"))
        assert scripted.worker().pid == worker


def test_an_idle_worker_is_stopped_after_a_while(home: Path) -> None:
    with BackendProcess(home, SCRIPTED, "worker_idle_s=0.2") as backend, backend.client() as client:
        client.run(scripted_job("quick"))
        assert not wait_ended(backend.workers())
        assert client.run(scripted_job("quick")).state == DONE


def test_two_jobs_on_one_shot_take_turns_on_two_devices(scripted: BackendProcess) -> None:
    with scripted.client() as client:
        client.watch()
        first = client.submit(scripted_job("steps", "/shots/one"))
        same_shot = client.submit(scripted_job("quick", "/shots/../shots/one/", device="cuda:0"))
        other_shot = client.submit(scripted_job("quick", "/shots/two", device="cuda:0"))
        client.wait(other_shot.id, DONE)
        assert client.status(same_shot.id).state == "queued"
        client.cancel(first.id)
        client.wait(same_shot.id, DONE)


def test_a_cancel_while_the_worker_starts_is_obeyed(scripted: BackendProcess) -> None:
    with scripted.client() as client:
        client.watch()
        job = client.submit(scripted_job("steps"))
        client.cancel(job.id)
        client.wait(job.id, CANCELLED)
        assert client.status(job.id).state == CANCELLED and not client.status(job.id).results


@pytest.mark.parametrize("delay_ms", range(0, 60, 12))
def test_every_job_ends_once_however_cancel_and_end_meet(scripted: BackendProcess, delay_ms: int) -> None:
    with scripted.client() as client:
        client.run(scripted_job("quick"))  # warm
        client.events.clear()
        job = client.submit(scripted_job("steps/3"))
        client.socket.settimeout(delay_ms / 1000 + 0.001)
        with contextlib.suppress(TimeoutError):
            client._keep(client.receive())
        client.socket.settimeout(TIMEOUT_S)
        client.cancel(job.id)
        while not (client.status(job.id)).is_over:
            client._keep(client.receive())
        client.call("ping")
        assert sum(event.status.id == job.id and event.status.is_over for event in client.events) == 1


def test_a_worker_that_cannot_start_says_why(home: Path) -> None:
    broken = ("-c", _BROKEN_SERVER)
    with BackendProcess(home, broken) as backend, backend.client() as client:
        error = error_of(client.run(scripted_job("quick")))
    assert isinstance(error, WorkerCrashed)
    assert "exit code 7" in error.message and error.details["output"] == ["no module named torch"]


_BROKEN_SERVER = """
import sys
from backend.server.serve import run
from backend.server.settings import Settings
from shared.connection import home_dir
worker = (sys.executable, "-c", "import sys; print('no module named torch', file=sys.stderr); sys.exit(7)")
sys.exit(run(Settings(home=home_dir(), worker_command=worker)))
"""


def test_an_unexpected_error_in_a_worker_is_ours(scripted: BackendProcess) -> None:
    with scripted.client() as client:
        error = error_of(client.run(scripted_job("no-such-verb")))
    assert isinstance(error, InternalError) and "KeyError" in error.message
    assert_still_serves(scripted)
