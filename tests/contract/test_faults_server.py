"""The server killed, started twice, left alone, flooded: jobs survive, nothing is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from backend.server.history import History, StoredJob
from shared import connection
from shared.backend_process import EXIT_ALREADY_RUNNING
from shared.codec import Request, encode
from shared.errors import BackendNotRunning, WorkerCrashed, from_wire
from shared.messages import CANCELLED, DONE, FAILED, QUEUED, RUNNING, JobStatus, in_line
from tests.contract.backend_process import (
    PATIENCE_S,
    SCRIPTED,
    SOURCE,
    BackendProcess,
    is_alive,
    wait_ended,
    wait_until,
)
from tests.contract.conftest import open_gate, scripted_job

EXIT_PORT_IN_USE = 18


def test_a_killed_server_leaves_no_worker_and_its_jobs_continue(home: Path, tmp_path: Path) -> None:
    shot = tmp_path / "shot"
    backend = BackendProcess(home, SCRIPTED)
    backend.start()
    with backend.client() as client:
        client.watch()
        done = client.run(scripted_job("quick"))
        running = client.submit(scripted_job("gate", str(shot)))
        waiting = client.submit(scripted_job("quick"))
        client.wait(running.id, "progress")
        worker = backend.worker()
    backend.kill()
    backend.assert_no_orphans()
    assert not is_alive(worker)
    with backend, backend.client() as client:
        states = {status.id: status.state for status in client.watch()}
        assert states[done.id] == DONE
        assert states[running.id] in (QUEUED, RUNNING) and states[waiting.id] == QUEUED
        open_gate(shot)
        assert client.wait(running.id, DONE).status.attempts == 2
        assert client.wait(waiting.id, DONE).status.attempts == 1


def test_a_killed_server_keeps_the_order_of_the_line(home: Path) -> None:
    backend = BackendProcess(home, SCRIPTED)
    backend.start()
    with backend.client() as client:
        client.watch()
        running = client.submit(scripted_job("steps"))
        client.wait(running.id, "progress")
        first, second, third = (client.submit(scripted_job("quick", f"/shots/{n}")).id for n in range(3))
        client.call("job.move", job=third, before=first)
        client.call("job.move", job=first, after=second)
        client.call("job.move", job=second, before=third)
    backend.kill()
    with backend, backend.client() as client:
        line = [status.id for status in in_line(client.watch()) if status.id != running.id]
        assert line == [second, third, first]
        client.cancel(running.id)
        client.wait(first, DONE)


def test_a_killed_server_takes_the_programs_of_its_workers_along(home: Path) -> None:
    backend = BackendProcess(home, SCRIPTED)
    backend.start()
    with backend.client() as client:
        client.watch()
        job = client.submit(scripted_job("helper"))
        note = client.wait(job.id, "progress").status.progress.note
        helper = psutil.Process(int(note.removeprefix("child ")))
        assert is_alive(helper)
    backend.kill()
    backend.assert_no_orphans()
    assert not is_alive(helper)


def test_an_orderly_stop_puts_running_jobs_back(home: Path, tmp_path: Path) -> None:
    shot = tmp_path / "shot"
    backend = BackendProcess(home, SCRIPTED)
    with backend, backend.client() as client:
        client.watch()
        job = client.submit(scripted_job("gate", str(shot)))
        client.wait(job.id, "progress")
        client.call("shutdown")
        status = client.wait(job.id, QUEUED).status
        assert status.error is None and status.ended is None
    with backend, backend.client() as client:
        client.watch(job.id)
        open_gate(shot)
        assert client.wait(job.id, DONE).status.attempts == 2


def test_a_job_that_takes_the_server_down_again_and_again_is_given_up(home: Path) -> None:
    backend = BackendProcess(home, SCRIPTED)
    backend.start()
    with backend.client() as client:
        client.watch()
        job = client.submit(scripted_job("steps"))
        client.wait(job.id, "progress")
    for _ in range(2):
        backend.kill()
        backend.start()
        with backend.client() as client:
            client.watch()
            client.wait(job.id, "progress")
    backend.kill()
    with backend, backend.client() as client:
        (status,) = client.watch(job.id)
        assert status.state == FAILED and status.error is not None and status.attempts == 3
        error = from_wire(status.error)
        assert isinstance(error, WorkerCrashed) and "3 times" in error.message
        assert client.run(scripted_job("quick")).state == DONE


def test_orderly_stops_do_not_count_as_crashes(home: Path) -> None:
    backend = BackendProcess(home, SCRIPTED)
    job = ""
    for _ in range(4):
        with backend, backend.client() as client:
            client.watch()
            job = job or client.submit(scripted_job("steps")).id
            client.wait(job, "progress")
    with backend, backend.client() as client:
        (status,) = client.watch(job)
        assert not status.is_over
        client.cancel(job)
        assert client.wait(job, CANCELLED).status.attempts == 5


def test_a_second_server_of_the_same_user_says_so(scripted: BackendProcess) -> None:
    second = BackendProcess(scripted.home)
    assert second.launch().wait(PATIENCE_S) == EXIT_ALREADY_RUNNING
    assert "already running" in scripted.log()
    with scripted.client() as client:
        assert client.call("ping") == {}


def test_two_servers_started_at_once_become_one(home: Path) -> None:
    backend = BackendProcess(home, SCRIPTED)
    both = [backend.launch(), backend.launch()]
    assert wait_until(lambda: any(process.poll() is not None for process in both))
    (loser,) = [process for process in both if process.poll() is not None]
    assert loser.returncode == EXIT_ALREADY_RUNNING
    (backend.process,) = [process for process in both if process is not loser]
    with backend:
        pass


def test_a_port_in_use_is_named(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        backend = BackendProcess(home, ("-m", "backend", "serve"), "--port", str(port))
        assert backend.launch().wait(PATIENCE_S) == EXIT_PORT_IN_USE
        assert f"Port {port} cannot be used" in backend.log()
    assert not connection.connection_path(home).exists()


def test_a_port_that_was_asked_for_is_taken(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with BackendProcess(home, ("-m", "backend", "serve"), "--port", str(port)):
        assert connection.read(home).port == port


@pytest.mark.parametrize("left", ["of a dead server", "damaged"])
def test_a_stale_connection_file_is_replaced(home: Path, left: str) -> None:
    home.mkdir()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    text = '{"host": ' if left == "damaged" else json.dumps(
        {"host": "127.0.0.1", "port": 9, "token": "old", "pid": gone.pid, "protocol": 1, "version": "0"}
    )  # fmt: skip
    connection.connection_path(home).write_text(text)
    with pytest.raises(BackendNotRunning):
        connection.read(home)
    with BackendProcess(home, SCRIPTED) as backend, backend.client() as client:
        assert client.call("ping") == {}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_in_order(home: Path, number: signal.Signals) -> None:
    backend = BackendProcess(home, SCRIPTED)
    backend.start()
    assert backend.process is not None
    with backend.client() as client:
        client.run(scripted_job("quick"))
        backend.children()
        backend.process.send_signal(number)
        assert client.is_closed_by_server()
    assert backend.process.wait(PATIENCE_S) == 0
    backend.assert_no_orphans()
    assert not connection.connection_path(home).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_only_the_user_may_read_the_token(scripted: BackendProcess) -> None:
    path = connection.connection_path(scripted.home)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(scripted.home.stat().st_mode) == 0o700


def test_only_this_computer_can_connect(scripted: BackendProcess) -> None:
    listening = [c for c in psutil.Process(scripted.pid).net_connections() if c.status == psutil.CONN_LISTEN]
    assert [c.laddr.ip for c in listening] == ["127.0.0.1"]


def test_an_idle_server_stops(home: Path) -> None:
    backend = BackendProcess(home, SCRIPTED, "idle_timeout_s=0.5")
    backend.process = backend.launch()
    assert backend.process.wait(PATIENCE_S) == 0
    assert not connection.connection_path(home).exists()


def test_a_job_is_use_also_without_a_client(home: Path) -> None:
    """Were it not, the server would stop long before the job's end."""
    home.mkdir()
    job = JobStatus("one", QUEUED, scripted_job("steps/100"))

    async def remember() -> None:
        history = History(home / "jobs.sqlite3")
        await history.open()
        await history.save(StoredJob(job))
        await history.close()

    asyncio.run(remember())
    backend = BackendProcess(home, SCRIPTED, "idle_timeout_s=0.3")
    backend.process = backend.launch()
    assert backend.process.wait(PATIENCE_S) == 0
    with sqlite3.connect(home / "jobs.sqlite3") as database:
        assert database.execute("SELECT id, state FROM jobs").fetchall() == [("one", DONE)]


def test_a_server_dies_with_its_parent_only_when_asked_to(home: Path, tmp_path: Path) -> None:
    def child_of_a_short_process(place: Path, *arguments: str) -> psutil.Process:
        starter = (
            "import subprocess, sys, os; args = [a.replace('PARENT', str(os.getpid())) for a in sys.argv[1:]];"
            "print(subprocess.Popen([sys.executable, '-m', 'backend', 'serve', *args],"
            " stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid, flush=True); input()"
        )
        variables = {**os.environ, connection.HOME_VARIABLE: str(place)}
        parent = subprocess.Popen(
            [sys.executable, "-c", starter, *arguments],
            cwd=SOURCE, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert parent.stdout is not None
        server = psutil.Process(int(parent.stdout.readline()))
        assert wait_until(connection.connection_path(place).exists)
        parent.communicate("\n")
        return server

    tied, free = child_of_a_short_process(home, "--parent-pid", "PARENT"), child_of_a_short_process(tmp_path / "free")
    assert not wait_ended([tied])
    assert is_alive(free)
    free.terminate()
    assert not wait_ended([free])


def test_a_history_that_cannot_be_read_is_put_aside(home: Path) -> None:
    home.mkdir()
    (home / "jobs.sqlite3").write_bytes(b"this is no database, it is a letter" * 100)
    with BackendProcess(home, SCRIPTED) as backend, backend.client() as client:
        assert client.call("job.list") == []
        assert client.run(scripted_job("quick")).state == DONE
    assert len(list(home.glob("jobs.sqlite3.unreadable-*"))) == 1


def test_history_is_pruned_with_its_logs(home: Path) -> None:
    backend = BackendProcess(home, SCRIPTED, "keep_jobs=2")
    with backend, backend.client() as client:
        jobs = [client.run(scripted_job("quick")).id for _ in range(4)]
    with backend, backend.client() as client:
        assert [job["id"] for job in client.call("job.list")] == [jobs[3], jobs[2]]
        assert sorted(path.stem for path in (home / "logs").glob("*.jsonl")) == sorted(jobs[2:])
    with sqlite3.connect(home / "jobs.sqlite3") as database:
        assert database.execute("SELECT count(*) FROM jobs").fetchone() == (2,)


def test_a_server_that_runs_for_long_forgets_too(home: Path) -> None:
    with BackendProcess(home, SCRIPTED, "keep_jobs=2") as backend, backend.client() as client:
        for _ in range(60):
            client.run(scripted_job("quick"))
        assert len(client.call("job.list", limit=1000)) < 60
        assert len(list((home / "logs").glob("*.jsonl"))) < 60


def test_a_client_that_never_reads_is_dropped_and_costs_no_memory(home: Path) -> None:
    with BackendProcess(home, SCRIPTED, "outbox_bytes=1000000") as backend:
        with backend.client() as client, backend.client("deaf") as deaf:
            client.run(scripted_job("quick"))
            before = psutil.Process(backend.pid).memory_info().rss
            pings = b"".join(encode(Request(n, "job.list", {"limit": 50})) for n in range(1, 2001))
            with pytest.raises(ConnectionError):
                for _ in range(200):
                    deaf.socket.sendall(pings)
            assert psutil.Process(backend.pid).memory_info().rss - before < 30e6
            assert client.call("ping") == {}
        assert "does not read what it is sent" in backend.log()


def test_a_slow_watcher_gets_the_newest_progress_and_the_end(home: Path) -> None:
    with (
        BackendProcess(home, SCRIPTED, "outbox_bytes=200000") as backend,
        backend.client() as client,
        backend.client("slow") as slow,
    ):
        client.watch()
        slow.watch()
        job = client.submit(scripted_job("steps/300"))
        client.wait(job.id, DONE)
        assert slow.wait(job.id, DONE).status.state == DONE


def test_a_stranger_without_hello_is_sent_away(home: Path) -> None:
    with BackendProcess(home, SCRIPTED, "hello_timeout_s=0.2"):
        found = connection.read(home)
        with socket.create_connection((found.host, found.port), timeout=PATIENCE_S) as stranger:
            assert stranger.recv(1) == b""


def test_a_stranger_may_not_send_much(scripted: BackendProcess) -> None:
    found = connection.read(scripted.home)
    with (
        socket.create_connection((found.host, found.port), timeout=PATIENCE_S) as stranger,
        pytest.raises(ConnectionError),
    ):
        for _ in range(100):
            stranger.sendall(b"\xc6\x00\x7f\xff\xff" + bytes(100_000))
    with scripted.client() as client:
        assert client.call("ping") == {}


def test_too_many_clients_are_turned_away(home: Path) -> None:
    with BackendProcess(home, SCRIPTED, "max_sessions=2") as backend:
        with backend.client() as one, backend.client() as two:
            with pytest.raises((EOFError, ConnectionError)):
                backend.client()
            assert (one.call("ping"), two.call("ping")) == ({}, {})
        assert wait_until(lambda: is_admitted(backend)), "once the server has seen that its clients left"


def is_admitted(backend: BackendProcess) -> bool:
    with contextlib.suppress(EOFError, ConnectionError), backend.client() as client:
        return client.call("ping") == {}
    return False


def test_a_folder_that_cannot_be_used_is_named(home: Path) -> None:
    home.write_text("a file where the folder should be")
    process = subprocess.run(
        [sys.executable, "-m", "backend", "serve", "--home", str(home)], cwd=SOURCE, capture_output=True, text=True
    )
    assert process.returncode == 19
    assert str(home) in process.stderr and "Traceback" not in process.stderr
