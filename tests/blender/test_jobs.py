"""Jobs as an artist meets them: the list and its order, what is said of them, and who gets what they made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.blender.installed import CHECKOUT
from tests.blender.synthetic_shot import ShotPlan, write_shot
from tests.blender.test_session import home, pump, run_until  # noqa: F401  (fixtures)


@pytest.fixture
def waits(home: Path) -> Iterator[Any]:  # noqa: F811
    """A backend whose jobs run until they are cancelled."""
    from shared.messages import Progress
    from tests.contract.fake_backend import FakeBackend

    def endless(job: Any) -> None:
        at = Progress("solve", 240, 600, 120, 8.2, 44.0, 0.63, "Following features", 120, 300, 4.1)
        while True:
            job.progress(at)
            job.cancelled.wait(0.05)

    with FakeBackend(home, endless) as backend:
        yield backend


def small_shot(job: Any) -> None:
    folder = Path(job.request.shot)
    write_shot(folder, ShotPlan(count=3, points=20), folder.name)


def submit(backend: Any, *names: str, client: str = "another Blender") -> list[str]:
    from shared.messages import JobRequest

    return [backend.submit(JobRequest(f"/shots/{name}", f"/plates/{name}.mov"), client).status.id for name in names]


def listed() -> Any:
    import bpy

    return bpy.context.window_manager.backlot_jobs


def rows() -> list[tuple[str, str]]:
    return [(item.title, item.detail) for item in listed().items]


def state_of(backend: Any, job: str) -> Callable[[], str]:
    return lambda: backend.jobs[job].status.state


def test_the_list_is_in_the_order_of_the_line(pump: Any, waits: Any) -> None:  # noqa: F811
    import bpy

    one, two, three, four = submit(waits, "one", "two", "three", "four")
    run_until(pump, lambda: len(rows()) == 4 and rows()[0][1].startswith("63 %"))
    assert rows()[0] == ("one", "63 %, 45 s")
    assert rows()[1:] == [("two", "1st in line"), ("three", "2nd in line"), ("four", "3rd in line")]
    listed().active = 3
    bpy.ops.backlot.move_job(direction="UP")
    run_until(pump, lambda: rows()[2][0] == "four")
    assert listed().active == 2, "the job that is selected stays selected"
    bpy.ops.backlot.move_job(direction="FIRST")
    run_until(pump, lambda: [title for title, _ in rows()] == ["one", "four", "two", "three"])
    with pytest.raises(RuntimeError, match="Only a waiting job"):
        bpy.ops.backlot.move_job(job=one, direction="DOWN")
    bpy.ops.backlot.cancel_all_jobs()
    run_until(pump, lambda: all(item.state == "cancelled" for item in listed().items))
    assert {waits.jobs[job].status.attempts for job in (two, three, four)} == {0}, "none of those that waited began"


def test_ended_jobs_leave_every_list(pump: Any, waits: Any, home: Path) -> None:  # noqa: F811
    """Two Blenders on one backend: what one takes out of its list is gone from the other's."""
    import bpy
    from bl_ext.user_default.backlot.session import Session

    other = Session(home)
    try:
        running, ended = submit(waits, "running", "ended")
        waits.cancel(waits.jobs[ended])
        run_until(pump, lambda: len(rows()) == 2)
        other.connect_if_running()
        run_until(pump, lambda: other.poll(0.0) is not None and len(other.jobs) == 2)
        bpy.ops.backlot.clear_jobs()
        run_until(pump, lambda: other.poll(0.0) is not None and set(other.jobs) == {running})
        run_until(pump, lambda: [item.job for item in listed().items] == [running])
        assert ended not in other.jobs and ended not in pump.session.jobs
    finally:
        other.close()


def test_jobs_forgotten_while_away_are_not_kept(pump: Any, waits: Any) -> None:  # noqa: F811
    running, ended = submit(waits, "running", "ended")
    waits.cancel(waits.jobs[ended])
    run_until(pump, lambda: len(rows()) == 2)
    waits.drop_clients()
    waits.forget([ended])
    run_until(pump, lambda: [item.job for item in listed().items] == [running])
    assert set(pump.session.jobs) == {running}


def test_what_is_said_of_a_job(pump: Any, waits: Any) -> None:  # noqa: F811
    from bl_ext.user_default.backlot.jobs import words
    from bl_ext.user_default.backlot.shared.messages import Progress

    submit(waits, "one", "two")
    run_until(pump, lambda: len(rows()) == 2 and rows()[0][1].startswith("63 %"))
    jobs = pump.session.jobs
    one, two = (jobs[item.job] for item in listed().items)
    assert words.step_text(one) == "Solve Camera, step 2 of 2"
    said = "Following features, 120 of 300 frames, 4.1 frames a second, about 45 s left"
    assert words.progress_text(one) == said
    assert words.waiting_text(two, jobs) == "1st in line for the CPU, which works on one"
    bar = "Backlot: Solving the camera of one, 63 %, about 45 s left, 1 waiting"
    assert pump.jobs.news.status_text() == bar
    for seconds, brief in ((3.0, "5 s"), (44.0, "45 s"), (730.0, "12 min"), (4900.0, "1:20 h")):
        assert words.in_list(replace(one, progress=replace(one.progress, eta_s=seconds)), 0) == f"63 %, {brief}"
    begun = replace(one, progress=Progress())
    assert words.step_text(begun) == words.wanted(begun) and words.progress_text(begun) == "Starting"
    assert words.status_bar_text(begun, jobs) == "Backlot: Starting on one, 0 %, 1 waiting"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3, "a few seconds"),
        (44, "about 45 s"),
        (97, "about 95 s"),
        (130, "about 2 min"),
        (3599, "about 1 h"),
        (4700, "about 1 h 20 min"),
    ],
)
def test_time_left_is_said_as_an_estimate(empty: None, seconds: float, text: str) -> None:
    from bl_ext.user_default.backlot.jobs import words

    assert words.time_left(seconds) == text


def test_the_end_is_told_to_whom_it_concerns(pump: Any, home: Path, tmp_path: Path) -> None:  # noqa: F811
    """And the shot of somebody else's job does not come into this scene."""
    import bpy
    from bl_ext.user_default.backlot.operators.solving import start_solve

    from tests.contract.fake_backend import FakeBackend

    (tmp_path / "clip.mp4").write_bytes(b"")
    bpy.context.scene.backlot.clip = str(tmp_path / "clip.mp4")
    pump.jobs.news._clock = lambda: 0.0
    with FakeBackend(home, small_shot) as backend:
        from shared.messages import JobRequest

        theirs = backend.submit(JobRequest(str(tmp_path / "their_shot"), "/plates/their.mov"), "another Blender")
        run_until(pump, lambda: [item.state for item in listed().items] == ["done"])
        assert pump.jobs.news.news is None and not pump.importing
        start_solve(bpy.context.scene)
        run_until(pump, lambda: bpy.context.scene.camera is not None and not pump.importing)
    assert theirs.status.state == "done"
    assert {c["backlot_folder"] for c in bpy.data.collections if "backlot_folder" in c} == {
        str(tmp_path / "clip_backlot")
    }
    assert pump.jobs.news.status_text().startswith("Backlot: clip: Solve Camera done in ")
    pump.jobs.news._clock = lambda: 1e12
    pump.jobs.news.step()
    assert pump.jobs.news.status_text() == ""


def test_memory_is_measured_while_somebody_looks(pump: Any, waits: Any) -> None:  # noqa: F811
    def asked() -> int:
        return sum(method == "machine.status" for method, _ in list(waits.calls))

    run_until(pump, lambda: pump.session.online)
    meter, now = pump.jobs.meter, [1000.0]
    meter._clock = lambda: now[0]
    for _ in range(20):
        pump.tick()
    assert asked() == 0 and meter.wish() is None
    run_until(pump, lambda: meter.machine is not None)
    assert meter.machine.memory.total_bytes == 32 * 2**30 and asked() == 1
    now[0] += 60.0  # the panel was closed
    for _ in range(20):
        pump.tick()
    assert asked() == 1
    waits.used_memory = 31 * 2**30
    meter.wish()
    run_until(pump, lambda: meter.machine.memory.used_bytes == waits.used_memory)
    from bl_ext.user_default.backlot.jobs import words

    assert words.is_nearly_full(31 * 2**30, 32 * 2**30) and not words.is_nearly_full(12 * 2**30, 32 * 2**30)


def test_the_log_follows_a_running_job(pump: Any, waits: Any) -> None:  # noqa: F811
    import bpy

    (job,) = submit(waits, "one")
    run_until(pump, lambda: job in pump.session.jobs)
    assert bpy.ops.backlot.show_job_log(job=job) == {"FINISHED"}
    text = bpy.data.texts["Backlot Log"]
    for number in range(3):
        waits.jobs[job].write_log(f"line {number}", "warning", "solve")
        run_until(pump, lambda wanted=f"line {number}": wanted in text.as_string())
    assert "warning  solve   line 2" in text.as_string()
    waits.cancel(waits.jobs[job])
    run_until(pump, lambda: "cancelled" in text.as_string())
    bpy.data.texts.remove(text)
    pump.tick()
    assert "Backlot Log" not in bpy.data.texts


def test_two_shots_of_one_scene_come_in_both(pump: Any, home: Path, tmp_path: Path) -> None:  # noqa: F811
    import bpy
    from bl_ext.user_default.backlot.operators.solving import start_solve

    from tests.contract.fake_backend import FakeBackend

    def folders() -> set[str]:
        return {Path(c["backlot_folder"]).name for c in bpy.data.collections if "backlot_folder" in c}

    settings = bpy.context.scene.backlot
    settings.track_limit = -1
    with FakeBackend(home, small_shot) as backend:
        for count, name in enumerate(("a", "b"), 1):
            (tmp_path / f"{name}.mp4").write_bytes(b"")
            settings.clip = str(tmp_path / f"{name}.mp4")
            start_solve(bpy.context.scene)
            run_until(pump, lambda count=count: len(backend.jobs) == count)
        run_until(pump, lambda: folders() == {"a_backlot", "b_backlot"} and not pump.importing)
    assert settings.job == ""


def test_every_scene_queues_its_shot(pump: Any, waits: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    import bpy
    from bl_ext.user_default.backlot.operators import run_all

    first = bpy.context.scene
    scenes = [first, *(bpy.data.scenes.new(name) for name in ("SHOT_020", "SHOT_030", "SHOT_030 copy", "empty"))]
    for scene, name in zip(scenes, ("010", "020", "030", "030"), strict=False):
        (tmp_path / f"{name}.mp4").write_bytes(b"")
        scene.backlot.clip = str(tmp_path / f"{name}.mp4")

    started: list[tuple[str, str]] = []

    def start(scene: Any, request: Any) -> None:
        started.append((scene.name, Path(request.shot).name))

    monkeypatch.setattr(run_all, "start_job", start)
    monkeypatch.setattr(run_all, "waits_for_jobs", lambda: False)
    assert bpy.ops.backlot.queue_scenes() == {"FINISHED"}
    assert [shot for _, shot in started] == ["020_backlot", "030_backlot", "010_backlot"]


def test_clips_are_queued_with_a_scene_for_each(
    pump: Any,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import bpy
    from bl_ext.user_default.backlot.operators import queue_clips

    names = ("shot_010.mp4", "shot_020.mov")
    for name in names:
        (tmp_path / name).write_bytes(b"")
    here = bpy.context.scene
    here.backlot.solve.quality, here.backlot.import_when_done, here.backlot.job = "low", False, "another"
    started: list[Any] = []
    monkeypatch.setattr(queue_clips, "start_job", lambda scene, request: started.append((scene, request)))
    monkeypatch.setattr(queue_clips, "waits_for_jobs", lambda: False)
    files = [{"name": name} for name in names]
    assert bpy.ops.backlot.queue_clips(directory=str(tmp_path), files=files) == {"FINISHED"}
    assert [scene.name for scene, _ in started] == ["shot_010", "shot_020"]
    for (scene, request), name in zip(started, names, strict=True):
        assert request.footage == str(tmp_path / name) and request.params["solve"]["quality"] == "low"
        assert (scene.backlot.job, scene.backlot.import_when_done) == ("", False)
    with pytest.raises(RuntimeError, match="no clip at"):
        bpy.ops.backlot.queue_clips(directory=str(tmp_path), files=[{"name": "none.mp4"}])


def test_an_import_that_was_undone_stays_undone(pump: Any, home: Path, tmp_path: Path) -> None:  # noqa: F811
    import bpy

    from shared.messages import JobRequest
    from tests.contract.fake_backend import FakeBackend

    write_shot(tmp_path / "clip_backlot", ShotPlan(points=20))
    with FakeBackend(home, lambda job: None) as backend:
        run_until(pump, lambda: pump.session.online)
        job = backend.submit(JobRequest(str(tmp_path / "clip_backlot")), "blender").status.id
        bpy.context.scene.backlot.job = job
        run_until(pump, lambda: bpy.context.scene.camera is not None and not pump.importing)
        assert bpy.context.scene.backlot.job == ""
        bpy.context.scene.camera = None
        bpy.context.scene.backlot.job = job  # as undo brings it back
        pump.session.changed = True
        run_until(pump, lambda: bpy.context.scene.backlot.job == "")
        assert not pump.importing and bpy.context.scene.camera is None
        pump.jobs.scenes.file_opened()
        bpy.context.scene.backlot.job = job  # as a file that was not saved since has it
        pump.session.changed = True
        run_until(pump, lambda: bpy.context.scene.camera is not None and not pump.importing)


def test_a_job_too_old_for_the_list_is_found(pump: Any, home: Path, tmp_path: Path) -> None:  # noqa: F811
    import bpy

    from shared.messages import JobRequest
    from tests.contract.fake_backend import FakeBackend

    write_shot(tmp_path / "clip_backlot", ShotPlan(points=20))
    with FakeBackend(home, lambda job: None) as backend:
        job = backend.submit(JobRequest(str(tmp_path / "clip_backlot")), "blender").status.id
        run_until(pump, lambda: [item.state for item in listed().items] == ["done"])
        pump.session.jobs.clear()
        bpy.context.scene.backlot.job = f"gone-for-ever {job}"
        pump.session.changed = True
        run_until(pump, lambda: bpy.context.scene.camera is not None and bpy.context.scene.backlot.job == "")
        assert pump.session.error is None and pump.session.jobs[job].state == "done"


_BLENDER = """
import sys
import time
import bpy
bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
bpy.ops.preferences.addon_enable(module="bl_ext.user_default.backlot")
from bl_ext.user_default.backlot import runtime
from bl_ext.user_default.backlot.operators.solving import start_solve
home, clip, saved = sys.argv[1:]
scene = bpy.context.scene
scene.backlot.clip = clip
start_solve(scene)
pump = runtime.pump()
while not any(job.state == "running" for job in pump.session.jobs.values()):
    time.sleep(min(pump.tick() or 0.0, 0.02))
bpy.ops.wm.save_as_mainfile(filepath=saved)
print("saved", flush=True)
while True:
    time.sleep(min(pump.tick() or 0.0, 0.02))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_a_job_is_found_again_after_blender_was_killed(pump: Any, home: Path, tmp_path: Path) -> None:  # noqa: F811
    """One Blender asks for a job, saves its file and is killed; the job ends; another Blender opens the file."""
    import threading

    import bpy

    from tests.contract.fake_backend import FakeBackend

    may_end = threading.Event()

    def ends_later(job: Any) -> None:
        while not may_end.wait(0.05):
            job.check_cancelled()
        small_shot(job)

    clip, saved = tmp_path / "clip.mp4", tmp_path / "file.blend"
    clip.write_bytes(b"")
    with FakeBackend(home, ends_later) as backend:
        command = [sys.executable, "-c", _BLENDER, str(home), str(clip), str(saved)]
        with subprocess.Popen(
            command, env=dict(os.environ), cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
        ) as blender:
            assert blender.stdout is not None
            try:
                assert any("saved" in line for line in blender.stdout), "the other Blender ended"
            finally:
                os.kill(blender.pid, signal.SIGKILL)
        (job,) = backend.jobs.values()
        assert job.status.state == "running"
        may_end.set()
        run_until(pump, lambda: job.status.state == "done")
        assert bpy.context.scene.camera is None
        pump.start()
        try:
            bpy.ops.wm.open_mainfile(filepath=str(saved))
            assert bpy.context.scene.backlot.job == job.status.id and bpy.context.scene.camera is None
            run_until(pump, lambda: bpy.context.scene.camera is not None and not pump.importing)
        finally:
            pump.stop()
    assert [item.state for item in listed().items] == ["done"]
