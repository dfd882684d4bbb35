"""Order of jobs, what waits for clients, job logs and history: the server's parts without a server."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from backend.server.history import History, StoredJob, outdated
from backend.server.hub import Hub
from backend.server.job_book import JobBook
from backend.server.job_logs import CHUNK_BYTES, JobLogs
from backend.server.job_queue import Job, JobQueue
from backend.server.leftovers import remove_leftovers
from backend.server.outbox import Outbox
from backend.server.settings import Settings
from backend.worker.protocol import log_line
from shared.codec import Decoder, Notification
from shared.errors import DiskFull
from shared.messages import DONE, QUEUED, RUNNING, JobRequest, JobStatus


def job(order: int, *, priority: int = 0, shot: str = "", device: str = "cpu") -> Job:
    request = JobRequest(shot or f"/shots/{order}", priority=priority)
    return Job(JobStatus(str(order), QUEUED, request, order=order, device=device), request.shot)


def taken(queue: JobQueue, **busy: set[str]) -> list[int]:
    orders = []
    while (found := queue.take(busy.get("devices", set()), busy.get("shots", set()))) is not None:
        orders.append(int(found.id))
    return orders


def move(queue: JobQueue, job: Job, beside: Job, *, after: bool = False) -> int:
    """How many jobs were given another place."""
    places = queue.moved(job, beside, after=after)
    for place in places:
        request = replace(place.job.request, priority=place.priority)
        place.job.status = replace(place.job.status, request=request, order=place.order)
    return len(places)


def filled(*jobs: Job) -> JobQueue:
    queue = JobQueue()
    for item in jobs:
        queue.add(item)
    return queue


def test_first_come_first_served_within_a_priority() -> None:
    assert taken(filled(job(2), job(1), job(4, priority=1), job(3, priority=1), job(5, priority=-1))) == [3, 4, 1, 2, 5]


def test_busy_devices_and_shots_wait() -> None:
    jobs = (job(1, device="cuda:0"), job(2, shot="/busy"), job(3))
    assert taken(filled(*jobs), devices={"cuda:0"}, shots={"/busy"}) == [3]


def test_a_removed_job_does_not_come() -> None:
    first, second = job(1), job(2)
    queue = filled(first, second)
    assert queue.remove(first) and not queue.remove(first)
    assert taken(queue) == [2]


@pytest.mark.parametrize(
    ("mover", "beside", "after", "expected"),
    [(4, 1, False, [4, 1, 2, 3]), (1, 4, True, [2, 3, 4, 1]), (3, 1, True, [1, 3, 2, 4]), (2, 2, True, [1, 2, 3, 4])],
)
def test_a_moved_job_comes_at_its_new_place(mover: int, beside: int, after: bool, expected: list[int]) -> None:
    jobs = {order: job(order) for order in (1, 2, 3, 4)}
    queue = filled(*jobs.values())
    if mover != beside:
        assert move(queue, jobs[mover], jobs[beside], after=after) == 1
    assert taken(queue) == expected


def test_a_moved_job_takes_on_the_priority_beside_it() -> None:
    urgent, first, second = job(1, priority=5), job(2), job(3)
    queue = filled(urgent, first, second)
    move(queue, second, urgent)
    assert second.request.priority == 5
    move(queue, urgent, first, after=True)
    assert urgent.request.priority == 0
    assert taken(queue) == [3, 2, 1]


def test_places_never_run_out() -> None:
    """Two jobs change places more often than a number can be halved."""
    jobs = [job(order) for order in (1, 2, 3, 4)]
    queue = filled(*jobs)
    changed = 0
    for turn in range(200):
        changed = max(changed, move(queue, jobs[1 + turn % 2], jobs[2 - turn % 2]))
    assert changed == 4
    assert taken(queue) == [1, 3, 2, 4]


# -- outbox ------------------------------------------------------------------------------------------------


async def drained(outbox: Outbox) -> list[bytes]:
    outbox.finish()
    found = []
    while data := await outbox.get():
        found.append(data)
    return found


def test_only_the_newest_progress_waits_and_keeps_its_place_in_time() -> None:
    async def scenario() -> list[bytes]:
        outbox = Outbox(1000)
        for data, key in ((b"p1", "a"), (b"notice", ""), (b"p2", "a"), (b"q1", "b"), (b"done", "")):
            outbox.put(data, key)
        return await drained(outbox)

    assert asyncio.run(scenario()) == [b"notice", b"p2", b"q1", b"done"]


def test_an_outbox_holds_no_more_than_its_limit() -> None:
    async def scenario() -> tuple[bool, bool, list[bytes]]:
        outbox = Outbox(100)
        for _ in range(100):
            outbox.put(bytes(60), "progress")
        fits = outbox.overflowed
        outbox.put(bytes(60))
        outbox.put(b"later")
        return fits, outbox.overflowed, await drained(outbox)

    assert asyncio.run(scenario()) == (False, True, [])


def test_the_hub_numbers_every_event_and_tells_who_watches() -> None:
    class Listener:
        def __init__(self) -> None:
            self.received: list[tuple[int, str]] = []

        def watches(self, job: str) -> bool:
            return job == "1"

        def deliver(self, data: bytes, replaces: str) -> None:
            (message,) = Decoder().feed(data)
            assert isinstance(message, Notification)
            self.received.append((message.params["sequence"], replaces))

    hub, listener = Hub(), Listener()
    hub.join(listener)
    hub.publish("progress", job(1).status)
    hub.publish("progress", job(2).status)
    hub.publish("done", job(1).status)
    hub.leave(listener)
    hub.publish("done", job(1).status)
    assert listener.received == [(1, "progress 1"), (3, "")]


# -- history -----------------------------------------------------------------------------------------------


def status(id: str, state: str = DONE, created: float = 0.0) -> JobStatus:
    return JobStatus(id, state, JobRequest("/shots/ä b", params={"solve": {"quality": "low"}}), created=created)


def test_history_gives_back_what_it_was_given(tmp_path: Path) -> None:
    async def scenario() -> list[StoredJob]:
        first = History(tmp_path / "jobs.sqlite3")
        await first.open()
        for stored in (StoredJob(status("b")), StoredJob(status("a", QUEUED)), StoredJob(status("c"))):
            await first.save(stored)
        await first.save(StoredJob(status("a", RUNNING), crashes=2))
        await first.forget(["c"])
        second = History(tmp_path / "jobs.sqlite3")  # the first was not closed: as after kill -9
        found = await second.open()
        await second.close()
        await first.close()
        return found

    assert asyncio.run(scenario()) == [StoredJob(status("b")), StoredJob(status("a", RUNNING), crashes=2)]


@pytest.mark.parametrize("damage", ["newer", "status"])
def test_a_history_that_is_not_understood_is_put_aside(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "jobs.sqlite3"

    async def written() -> None:
        history = History(path)
        await history.open()
        await history.save(StoredJob(status("a")))
        await history.close()

    asyncio.run(written())
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version=99" if damage == "newer" else "UPDATE jobs SET status='{\"id\": 1}'")
    database.close()

    async def opened() -> list[StoredJob]:
        history = History(path)
        found = await history.open()
        await history.close()
        return found

    assert asyncio.run(opened()) == []
    assert len(list(tmp_path.glob("jobs.sqlite3.unreadable-*"))) == 1


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    async def scenario() -> None:
        history = History(tmp_path / "jobs.sqlite3")
        await history.open()
        assert history._database is not None
        history._database.execute("PRAGMA max_page_count=6")
        try:
            for number in range(200):
                await history.save(StoredJob(status(str(number))))
        finally:
            await history.close()

    with pytest.raises(DiskFull, match=tmp_path.name):
        asyncio.run(scenario())


def test_jobs_come_back_in_the_order_of_the_line_after_those_that_had_begun(tmp_path: Path) -> None:
    """Moved to the front three times from 2: orders go on below 0. One of a version without orders comes last."""
    orders = {"second": 0.0, "third": 1.0, "first": -1.0}
    known = [replace(status(id, QUEUED), order=order, device="cpu") for id, order in orders.items()]
    begun = replace(status("begun", RUNNING), order=5.0, device="cpu", attempts=1)

    async def scenario() -> list[str]:
        settings = Settings(tmp_path)
        settings.logs_dir.mkdir(parents=True)
        history, logs = History(tmp_path / "jobs.sqlite3"), JobLogs(settings.logs_dir)
        await history.open()
        await history.save(*(StoredJob(one) for one in (*known, begun, status("old", QUEUED))))
        book = JobBook(settings, history, logs, Hub())
        found = [job.id for job in await book.open()]
        await history.close()
        logs.close()
        return found

    assert asyncio.run(scenario()) == ["begun", "first", "second", "third", "old"]


def test_outdated_jobs_are_the_old_and_the_many_that_are_over() -> None:
    jobs = [status(str(day), created=day * 86400.0) for day in range(10)] + [status("waits", QUEUED)]
    assert set(outdated(jobs, keep_jobs=4, keep_days=1000, now=10 * 86400.0)) == {"0", "1", "2", "3", "4", "5"}
    assert set(outdated(jobs, keep_jobs=100, keep_days=7.5, now=10 * 86400.0)) == {"0", "1", "2"}


# -- logs --------------------------------------------------------------------------------------------------


def test_a_log_is_read_in_whole_lines_of_whole_characters(tmp_path: Path) -> None:
    logs = JobLogs(tmp_path)
    text = "".join(log_line("info", "solve", f"{n} " + "größer – 大" * 300) for n in range(60))
    text += log_line("info", "", "大" * CHUNK_BYTES)
    logs.lines_path("a").write_text(text + '{"unfinished', encoding="utf-8")

    async def read_all() -> str:
        found, offset = "", 0
        while (chunk := await logs.read("a", offset)).text:
            assert len(chunk.text.encode()) <= CHUNK_BYTES
            found, offset = found + chunk.text, chunk.next_offset
        return found

    assert asyncio.run(read_all()) == text
    logs.close()


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    logs = JobLogs(tmp_path / "logs")
    chunk = asyncio.run(logs.read("none", 7))
    assert (chunk.text, chunk.next_offset) == ("", 7)
    logs.close()


def test_a_log_is_read_after_what_was_added_before(tmp_path: Path) -> None:
    logs = JobLogs(tmp_path)
    for n in range(300):
        logs.add("a", "info", str(n))
    chunk = asyncio.run(logs.read("a", 0))
    assert len(chunk.text.splitlines()) == 300
    logs.close()


def test_log_lines_are_json(tmp_path: Path) -> None:
    logs = JobLogs(tmp_path)
    logs.add("a", "info", 'a "quoted"\nline', "solve")
    logs.close()
    line = json.loads(logs.lines_path("a").read_text("utf-8"))
    assert (line["level"], line["stage"], line["message"]) == ("info", "solve", 'a "quoted"\nline')


def test_the_tail_is_what_was_printed_or_else_the_log(tmp_path: Path) -> None:
    logs = JobLogs(tmp_path)
    logs.lines_path("a").write_text("logged\n")
    assert asyncio.run(logs.tail("a", 2)) == ["logged"]
    logs.output_path("a").write_text("1\n2\n\n3\n")
    assert asyncio.run(logs.tail("a", 2)) == ["2", "3"]
    logs.close()


# -- leftovers ---------------------------------------------------------------------------------------------


def test_only_the_unfinished_files_of_that_process_are_removed(tmp_path: Path) -> None:
    keep = ["source/frames/frame_0001.png", "source/frames/frame_0002.99.partial.png", "roto/12.partial/a.png"]
    drop = ["source/frames/frame_0003.12.partial.png", "camera.12.partial/a.json", "x.12.old.partial/b", "a.12.partial"]
    for name in keep + drop:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert remove_leftovers(tmp_path, 12) == 4
    left = {str(Path(folder, name).relative_to(tmp_path)) for folder, _, names in os.walk(tmp_path) for name in names}
    assert left == set(keep)
