"""The extension against a backend: jobs, progress, failures, and what the pump does with them."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.blender.synthetic_shot import ShotPlan, write_shot

WAIT_S = 120.0
TICK_S = 0.1
"""The most that a tick may take of Blender's main thread, in its own processor time: five times what it does take,
which `build.py bench import` measures."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BACKLOT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def pump(empty: None, home: Path) -> Iterator[Any]:
    """A pump with a session of its own, in the place of the extension's, whose timer has no event loop here."""
    from bl_ext.user_default.backlot import runtime
    from bl_ext.user_default.backlot.pump import Pump
    from bl_ext.user_default.backlot.session import Session

    own = runtime._running["pump"]
    made = runtime._running["pump"] = Pump(Session(home))
    yield made
    made.session.close()
    runtime._running["pump"] = own


def run_until(pump: Any, condition: Callable[[], bool]) -> float:
    """Ticks until something is so. Returns the longest tick: its seconds of work, because on a busy machine the
    clock also counts what others do."""
    gc.collect()  # what earlier tests left is not a tick's work
    deadline, longest = time.monotonic() + WAIT_S, 0.0
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain; session error: {pump.session.error}"
        began = time.thread_time()
        pause = pump.tick()
        longest = max(longest, time.thread_time() - began)
        assert pause is not None
        time.sleep(min(pause, 0.02))  # the event loop's own pause between two ticks
    return longest


def solved_shot(job: Any) -> None:
    """A job that makes a shot, in a few steps."""
    from shared.artifacts import StageResult
    from shared.messages import Progress

    for step in range(5):
        job.progress(Progress("solve", step, 5, frame=1001 + step, eta_s=1.0, fraction=step / 5))
        job.cancelled.wait(0.02)
    write_shot(Path(job.request.shot), ShotPlan(points=20_000))
    job.stage_done(StageResult("solve", "sfm", 1, {"frames": 12, "frames_solved": 12}))


def test_solve_ends_in_the_scene(pump: Any, home: Path, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot.operators.solving import start_solve

    from tests.contract.fake_backend import FakeBackend

    (tmp_path / "clip.mp4").write_bytes(b"")
    scene = bpy.context.scene
    scene.backlot.clip = str(tmp_path / "clip.mp4")
    scene.backlot.solve.use_focal_mm, scene.backlot.solve.focal_mm = True, 24.89
    with FakeBackend(home, solved_shot) as backend:
        start_solve(scene)
        longest = run_until(pump, lambda: scene.camera is not None and not pump.importing)
        (job,) = backend.jobs.values()
    assert job.request.params["solve"] == {"focal_mm": 24.89}
    assert job.request.shot == str(tmp_path / "clip_backlot")
    assert scene.frame_start == 1001 and scene.render.resolution_x == 320
    assert longest < TICK_S
    assert "camera on 12 frames" in pump.last_import
    row = bpy.context.window_manager.backlot_jobs.items[0]
    assert (row.title, row.state) == ("clip", "done")
    run_until(pump, lambda: pump.session.summary(tmp_path / "clip_backlot") is not None)
    assert "12 of 12 frames solved" in pump.session.summary(tmp_path / "clip_backlot").camera


def test_a_failure_shows_its_remedy_and_can_be_retried(pump: Any, home: Path, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot.operators.solving import start_solve

    from shared.errors import NoParallax
    from tests.contract.fake_backend import FakeBackend

    tries: list[int] = []

    def fails_once(job: Any) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise NoParallax("The camera does not travel.")
        solved_shot(job)

    scene = bpy.context.scene
    scene.backlot.clip = str(tmp_path / "clip.mp4")
    with FakeBackend(home, fails_once):
        start_solve(scene)
        run_until(pump, lambda: any(job.state == "failed" for job in pump.session.jobs.values()))
        (job,) = pump.session.jobs.values()
        assert job.error["remedy"] == NoParallax.default_remedy
        assert pump.session.job_of(tmp_path / "clip_backlot") == job
        run_until(pump, lambda: scene.backlot.job == "")
        bpy.ops.backlot.retry_job(job=job.id)
        run_until(pump, lambda: scene.camera is not None and not pump.importing)


def test_cancel(pump: Any, home: Path, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot.operators.solving import start_solve

    from tests.contract.fake_backend import FakeBackend

    scene = bpy.context.scene
    scene.backlot.clip = str(tmp_path / "clip.mp4")

    def endless(job: Any) -> None:
        while True:
            job.check_cancelled()
            job.cancelled.wait(0.01)

    with FakeBackend(home, endless):
        start_solve(scene)
        run_until(pump, lambda: any(job.state == "running" for job in pump.session.jobs.values()))
        assert not bpy.ops.backlot.solve_camera.poll()
        bpy.ops.backlot.cancel_job(job=scene.backlot.job)
        run_until(pump, lambda: all(job.state == "cancelled" for job in pump.session.jobs.values()))
    assert scene.camera is None


def test_a_backend_that_is_not_set_up_says_so(pump: Any, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot.operators.solving import start_solve

    bpy.context.scene.backlot.clip = str(tmp_path / "clip.mp4")
    start_solve(bpy.context.scene)
    run_until(pump, lambda: pump.session.error is not None and not pump.session.busy)
    assert pump.session.error.code == "backend-start-failed" and "Set Up Backend" in pump.session.error.remedy


def test_the_backend_goes_and_comes_back(pump: Any, home: Path, tmp_path: Path) -> None:
    """Jobs are found again by their scene, also when they ended meanwhile."""
    import bpy

    from shared.messages import JobRequest
    from tests.contract.fake_backend import FakeBackend

    with FakeBackend(home, solved_shot) as backend:

        def watches() -> int:  # one for each connection; being away is too short to be sure to see it
            return sum(method == "job.watch" for method, _ in list(backend.calls))

        run_until(pump, lambda: pump.session.online and watches() > 0)
        before = watches()
        backend.drop_clients()
        job = backend.submit(JobRequest(shot=str(tmp_path / "clip_backlot")), "somebody else")
        bpy.context.scene.backlot.job = job.status.id
        run_until(pump, lambda: bpy.context.scene.camera is not None and not pump.importing)
        assert watches() > before


def test_what_was_asked_of_a_backend_that_is_left_is_answered(pump: Any, home: Path) -> None:
    """Else what waits for the answer, such as a change of the world, would wait for ever."""
    from tests.contract.fake_backend import FakeBackend

    heard: list[Any] = []
    with FakeBackend(home):
        run_until(pump, lambda: pump.session.online)
        pump.session.ask("job.list", {"limit": 1}, heard.append, heard.append)
        assert pump.session._awaited == 1
        pump.session.reconnect()
        assert len(heard) == 1 and pump.session._awaited == 0


def test_an_import_survives_undo_in_its_middle(pump: Any, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot.importers.shot_import import ImportOptions

    write_shot(tmp_path / "clip_backlot", ShotPlan(points=2000))
    pump.start()
    bpy.ops.ed.undo_push(message="before")
    bpy.data.objects.new("undone", None)
    bpy.ops.ed.undo_push(message="something")
    pump.import_later(bpy.context.scene, tmp_path / "clip_backlot", ImportOptions())
    (work,) = pump._imports
    pump.session._work[0].future.result(WAIT_S)
    pump.session._finish_work()
    work.steps = pump._begin(work)
    next(work.steps)
    bpy.ops.ed.undo()
    assert work.steps is None
    run_until(pump, lambda: bpy.context.scene.camera is not None and not pump.importing)
    pump.stop()


def test_a_scene_that_went_away(pump: Any, tmp_path: Path) -> None:
    import bpy
    from bl_ext.user_default.backlot.importers.shot_import import ImportOptions

    write_shot(tmp_path / "clip_backlot", ShotPlan(points=20))
    other = bpy.data.scenes.new("other")
    pump.import_later(other, tmp_path / "clip_backlot", ImportOptions())
    bpy.data.scenes.remove(other)
    run_until(pump, lambda: not pump.importing)
    assert bpy.context.scene.camera is None
    assert pump.session.error is not None and "other" in pump.session.error.message


def test_solve_from_a_script(empty: None, home: Path, tmp_path: Path) -> None:
    from bl_ext.user_default.backlot import api

    from tests.contract.fake_backend import FakeBackend

    events: list[str] = []
    with FakeBackend(home, solved_shot):
        shot = api.solve(tmp_path / "clip.mp4", quality="low", on_event=lambda event: events.append(event.kind))
    assert shot.frames_solved == 12 and events[-1] == "done" and "progress" in events
    assert not [t for t in threading.enumerate() if t.name == "backlot-link"]


def test_the_operator_waits_in_the_background(empty: None, home: Path, tmp_path: Path) -> None:
    import bpy

    from tests.contract.fake_backend import FakeBackend

    bpy.ops.backlot.open_clip(filepath=str(_clip(tmp_path)))
    with FakeBackend(home, solved_shot):
        assert bpy.ops.backlot.solve_camera() == {"FINISHED"}
    assert bpy.context.scene.camera is not None


def _clip(folder: Path) -> Path:
    path = folder / "clip.mp4"
    path.write_bytes(b"")
    return path
