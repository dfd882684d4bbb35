"""Real stages interrupted: cancelled, or their worker or server killed with `kill -9`. What was done stays
done, the job continues, and its result is that of an undisturbed run."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from backend.roto.outputs import read_mask
from backend.roto.people.environment import VARIABLE as MOCAP_PYTHON
from shared.client import Client
from shared.errors import OutOfMemory, from_wire
from shared.messages import CANCELLED, DONE, FAILED, JobEvent, JobRequest, JobStatus
from shared.motion_arrays import read_motion
from shared.processors import usable_processors
from shared.roto_prompts import FramePrompt, LabelPrompts, RotoPrompts, write_prompts
from shared.shot import ShotFolder
from shared.stages import STAGES
from tests.contract.backend_process import SCRIPTED, BackendProcess
from tests.contract.clips import noise, travelling, write_clip
from tests.contract.conftest import open_gate, scripted_job
from tests.contract.fake_people import people_python
from tests.contract.shot_checks import assert_nothing_half_written, frames_of, is_complete
from tests.contract.wire_client import WireClient

LIMIT_S = 180.0
CANCEL_LIMIT_S = 2.0
TRIES = 5
"""How often a stage may be done before the blow that is meant for its middle."""

FRAMES = 80
SOLVE_FRAMES = 20
ROTO_FRAMES = 18
SAME_PX = 0.02
SOLVE = {"solve": {"quality": "low"}}
DEPTH = {"depth": {"frame_start": 9, "frame_end": 12, "resolution": "half", "iterations": 1}}
MOCAP = {"mocap": {"frame_start": 3, "frame_end": 12}}
CARD = RotoPrompts(labels={"card": LabelPrompts(frames={"5": FramePrompt(boxes=((200.0, 30.0, 290.0, 120.0),))})})

IN_TRACKING, IN_REFINEMENT = 0.1, 0.7
"""How far the solve stage says it is then."""


@pytest.fixture(scope="module", autouse=True)
def _fake_people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Backends that are started see people without MediaPipe."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MOCAP_PYTHON, str(people_python(tmp_path_factory.mktemp("people"))))
        yield


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackendProcess]:
    """One server for all tests that leave it alive: it gives the next job a new worker when one was killed."""
    with BackendProcess(tmp_path_factory.mktemp("backend") / "home") as backend:
        yield backend


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip whose ingest takes seconds."""
    return write_clip(tmp_path_factory.mktemp("clips") / "long.mkv", noise(FRAMES, 480, 360))


@pytest.fixture(scope="module")
def solvable_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "travelling.mp4", travelling(SOLVE_FRAMES, step=0.08))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, real: BackendProcess, solvable_clip: Path) -> Iterator[Path]:
    """The shot of `solvable_clip`, solved in peace."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with real.client() as client:
        status = client.run(solve(folder / "shot", solvable_clip), LIMIT_S)
        assert status.state == DONE, status.error
    yield folder / "shot"
    shutil.rmtree(folder)


def ingest(shot: Path, footage: Path) -> JobRequest:
    return JobRequest(str(shot), str(footage), ("ingest",))


def solve(shot: Path, footage: Path) -> JobRequest:
    return JobRequest(str(shot), str(footage), ("solve",), SOLVE)


Requests = Iterator[JobRequest]
"""The same work in one fresh shot after the other."""


def killed_worker(
    backend: BackendProcess, client: WireClient, requests: Requests, stage: str, share: float
) -> JobStatus:
    """A job that failed because its worker was killed when a stage was that far."""
    client.watch()
    for request in islice(requests, TRIES):
        job = client.submit(request)
        wait_for_frame(client, job.id, stage, share)
        backend.worker().kill()
        status = client.wait_until(job.id, lambda event: event.status.is_over, "an end", LIMIT_S).status
        if status.state == FAILED:
            return status
    raise AssertionError(f"{stage} was always done before its worker was killed")


def killed_server(backend: BackendProcess, requests: Requests, stage: str, share: float) -> JobStatus:
    """A job whose server was killed when a stage was that far; the server is not started again."""
    for request in islice(requests, TRIES):
        backend.start()
        with backend.client() as client:
            client.watch()
            job = client.submit(request)
            wait_for_frame(client, job.id, stage, share)
        backend.kill()
        backend.assert_no_orphans()
        if not is_complete(Path(request.shot), stage):
            return job
    raise AssertionError(f"{stage} was always done before the server was killed")


def in_fresh_shots(folder: Path, make: Callable[[Path], JobRequest]) -> Requests:
    return (make(folder / f"shot {number}") for number in count())


def wait_for_frame(client: WireClient, job: str, stage: str, share: float = 0.2) -> None:
    """Until a stage is at least that far into its own work."""

    def is_there(event: JobEvent) -> bool:
        progress = event.status.progress
        return progress.stage == stage and progress.done >= share * max(progress.total, 1)

    client.wait_until(job, is_there, f"{stage} at {share:.0%}", LIMIT_S)


def digests(shot: Path) -> dict[str, str]:
    return {name: hashlib.sha256((shot / "source/frames" / name).read_bytes()).hexdigest() for name in frames_of(shot)}


# -- ingest ------------------------------------------------------------------------------------------------


def test_ingest_goes_on_after_its_worker_was_killed(real: BackendProcess, tmp_path: Path, long_clip: Path) -> None:
    with real.client() as client:
        requests = in_fresh_shots(tmp_path, lambda shot: ingest(shot, long_clip))
        job = killed_worker(real, client, requests, "ingest", 0.2)
        assert job.error is not None and isinstance(from_wire(job.error), OutOfMemory)
        shot = Path(job.request.shot)
        kept = {name: (shot / "source/frames" / name).stat().st_mtime_ns for name in frames_of(shot)}
        assert 0 < len(kept) < FRAMES and not is_complete(shot, "ingest")
        assert_nothing_half_written(shot)
        again = client.call("job.retry", job=job.id)["id"]
        assert client.wait(again, DONE, LIMIT_S)
    assert len(frames_of(shot)) == FRAMES
    assert_nothing_half_written(shot)
    remade = [name for name, made in kept.items() if (shot / "source/frames" / name).stat().st_mtime_ns != made]
    assert not remade, "frames that were done are not done again"


def test_ingest_goes_on_after_the_server_was_killed(home: Path, tmp_path: Path, long_clip: Path) -> None:
    backend, clean = BackendProcess(home), tmp_path / "clean"
    job = killed_server(backend, in_fresh_shots(tmp_path, lambda shot: ingest(shot, long_clip)), "ingest", 0.2)
    shot = Path(job.request.shot)
    assert 0 < len(frames_of(shot)) < FRAMES
    with backend, backend.client() as client:
        client.watch(job.id)
        assert client.wait(job.id, DONE, LIMIT_S).status.attempts == 2
        assert client.run(ingest(clean, long_clip), LIMIT_S).state == DONE
    assert digests(shot) == digests(clean)
    assert_nothing_half_written(shot)


# -- cancel ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.5], ids=["at once", "half-way"])
@pytest.mark.parametrize("stage", [info.name for info in STAGES])
def test_every_stage_is_cancelled(
    real: BackendProcess, tmp_path: Path, request: pytest.FixtureRequest, stage: str, share: float
) -> None:
    """A worker that obeys works at most two seconds more; one that does not is killed before
    (`test_a_cancel_is_over_within_two_seconds_whatever_the_worker_does`)."""
    shot = tmp_path / "shot"
    if stage == "ingest":
        footage = request.getfixturevalue("long_clip")
    else:
        footage = request.getfixturevalue("solvable_clip")
        shutil.copytree(request.getfixturevalue("undisturbed"), shot)
        write_prompts(ShotFolder(shot), CARD)
    job_request = JobRequest(str(shot), str(footage), (stage,), SOLVE | DEPTH | MOCAP, force=True)
    with real.client() as client:
        client.watch()
        job = client.submit(job_request)
        wait_for_frame(client, job.id, stage, share)
        worker = real.worker()
        before = sum(worker.cpu_times()[:2])
        client.cancel(job.id)
        end = client.wait_until(job.id, lambda event: event.status.is_over, "an end").kind
        with contextlib.suppress(psutil.NoSuchProcess):  # one that did not obey was killed
            assert sum(worker.cpu_times()[:2]) - before < CANCEL_LIMIT_S * usable_processors()
        assert end in (CANCELLED, DONE), "a stage may be done before the cancel reaches it"
        assert_nothing_half_written(shot)
        if share > 0:
            again = client.call("job.retry", job=job.id)["id"]
            assert client.wait(again, DONE, LIMIT_S)
            assert is_complete(shot, stage)


# -- solve -------------------------------------------------------------------------------------------------


def cameras(shot: Path) -> dict[int, NDArray[np.float64]]:
    """Plate number -> [3,4] projection matrix (K times the camera's pose) of each solved frame."""
    lenses = json.loads((shot / "camera/intrinsics.json").read_text())["frames"]
    poses = json.loads((shot / "camera/extrinsics.json").read_text())["frames"]
    found = {}
    for lens, pose in zip(lenses, poses, strict=True):
        assert lens["frame"] == pose["frame"]
        if pose["world_from_camera"] is not None:
            intrinsics = np.array([[lens["fx"], 0, lens["cx"]], [0, lens["fy"], lens["cy"]], [0, 0, 1]])
            found[pose["frame"]] = intrinsics @ np.linalg.inv(np.array(pose["world_from_camera"]))[:3]
    return found


def project(camera: NDArray[np.float64], points: NDArray[Any]) -> NDArray[np.float64]:
    """World points [N,3] in pixels [N,2]."""
    seen = points @ camera[:, :3].T + camera[:, 3]
    return np.asarray(seen[:, :2] / seen[:, 2:])


def assert_same_solve(one: Path, other: Path) -> None:
    """Each solve's own cloud through its own cameras falls on the same pixels."""
    ours, theirs = cameras(one), cameras(other)
    assert ours.keys() == theirs.keys() and len(ours) == SOLVE_FRAMES
    with np.load(one / "camera/points.npz") as a, np.load(other / "camera/points.npz") as b:
        clouds = a["xyz"].astype(np.float64), b["xyz"].astype(np.float64)
    assert len(clouds[0]) == len(clouds[1]) > 50
    worst = max(np.abs(project(ours[n], clouds[0]) - project(theirs[n], clouds[1])).max() for n in ours)
    assert worst <= SAME_PX


@pytest.mark.parametrize("share", [IN_TRACKING, IN_REFINEMENT], ids=["tracking", "refinement"])
def test_solve_goes_on_after_its_worker_was_killed(
    real: BackendProcess, tmp_path: Path, solvable_clip: Path, undisturbed: Path, share: float
) -> None:
    with real.client() as client:
        requests = in_fresh_shots(tmp_path, lambda shot: solve(shot, solvable_clip))
        job = killed_worker(real, client, requests, "solve", share)
        shot = Path(job.request.shot)
        assert not (shot / "camera/extrinsics.json").exists()
        assert_nothing_half_written(shot)
        again = client.call("job.retry", job=job.id)["id"]
        results = client.wait(again, DONE, LIMIT_S).status.results
    assert results[0].skipped, "the plate was there already"
    assert_same_solve(shot, undisturbed)
    assert_nothing_half_written(shot)


def test_solve_goes_on_after_the_server_was_killed(
    home: Path, tmp_path: Path, solvable_clip: Path, undisturbed: Path
) -> None:
    backend = BackendProcess(home)
    job = killed_server(backend, in_fresh_shots(tmp_path, lambda shot: solve(shot, solvable_clip)), "solve", 0.5)
    shot = Path(job.request.shot)
    with backend, backend.client() as client:
        client.watch(job.id)
        assert client.wait(job.id, DONE, LIMIT_S).status.attempts == 2
    assert_same_solve(shot, undisturbed)
    assert_nothing_half_written(shot)


def test_the_server_answers_while_a_stage_runs(real: BackendProcess, tmp_path: Path, long_clip: Path) -> None:
    with real.client() as client, real.client() as asking:
        client.watch()
        job = client.submit(ingest(tmp_path / "shot", long_clip))
        wait_for_frame(client, job.id, "ingest", 0.0)
        answers = 0
        while not asking.status(job.id).is_over:
            answers += asking.call("ping") == {}
    assert answers > FRAMES, "more than one for each frame"


# -- roto --------------------------------------------------------------------------------------------------


def roto(shot: Path, footage: Path) -> JobRequest:
    write_prompts(ShotFolder(shot), CARD)
    return JobRequest(str(shot), str(footage), ("roto",), {"roto": {"engine": "flow"}})


def masks(shot: Path) -> dict[str, NDArray[np.bool_]]:
    return {str(path.relative_to(shot)): read_mask(path) for path in sorted((shot / "roto").glob("*/*.png"))}


def test_roto_goes_on_after_its_worker_was_killed(real: BackendProcess, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", travelling(ROTO_FRAMES, step=0.03))
    undisturbed = tmp_path / "undisturbed"
    with real.client() as client:
        job = killed_worker(real, client, in_fresh_shots(tmp_path, lambda shot: roto(shot, clip)), "roto", 0.4)
        shot = Path(job.request.shot)
        assert_nothing_half_written(shot)
        assert not masks(shot), "they take their places together"
        again = client.call("job.retry", job=job.id)["id"]
        resumed = client.wait(again, DONE, LIMIT_S).status.results[-1]
        whole = client.run(roto(undisturbed, clip), LIMIT_S).results[-1]
    assert whole.facts["frames_made"] >= ROTO_FRAMES - 1
    assert resumed.facts["frames_made"] < whole.facts["frames_made"], "tracks that were done are not done again"
    ours, theirs = masks(shot), masks(undisturbed)
    assert ours.keys() == theirs.keys() and len(ours) == 2 * ROTO_FRAMES
    for name, mask in ours.items():
        assert np.array_equal(mask, theirs[name]), name
    assert_nothing_half_written(shot)


# -- mocap -------------------------------------------------------------------------------------------------


def mocap(shot: Path, footage: Path) -> JobRequest:
    return JobRequest(str(shot), str(footage), ("mocap",), SOLVE | MOCAP)


def looked_at(shot: Path) -> dict[Path, int]:
    """When the keypoints of each frame were written."""
    return {path: path.stat().st_mtime_ns for path in (shot / ".backlot/mocap").rglob("frame_*.msgpack")}


def test_mocap_goes_on_after_its_worker_was_killed(
    real: BackendProcess, tmp_path: Path, solvable_clip: Path, undisturbed: Path
) -> None:
    def solved(shot: Path) -> JobRequest:
        return mocap(Path(shutil.copytree(undisturbed, shot)), solvable_clip)

    with real.client() as client:
        job = killed_worker(real, client, in_fresh_shots(tmp_path, solved), "mocap", 0.2)
        shot = Path(job.request.shot)
        assert not (shot / "mocap").exists()
        assert_nothing_half_written(shot)
        kept = looked_at(shot)
        assert kept
        again = client.call("job.retry", job=job.id)["id"]
        result = client.wait(again, DONE, LIMIT_S).status.results[-1]
    assert result.facts["people"] == ["person_00"] and result.facts["tracked"] == {"person_00": 10}
    after = looked_at(shot)
    assert all(after[path] == made for path, made in kept.items()), "frames that were looked at are not again"
    assert read_motion(shot / "mocap/person_00/motion.npz").frames.tolist() == list(range(3, 13))
    assert_nothing_half_written(shot)


def test_a_clip_without_people_says_so(
    home: Path, tmp_path: Path, solvable_clip: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MOCAP_PYTHON, str(people_python(tmp_path / "people", nobody=True)))
    shot = Path(shutil.copytree(undisturbed, tmp_path / "shot"))
    with BackendProcess(home) as backend, backend.client() as client:
        status = client.run(mocap(shot, solvable_clip), LIMIT_S)
    assert status.state == FAILED and status.error is not None
    assert "No person was found in frames 3 to 12" in from_wire(status.error).message
    assert not (shot / "mocap").exists()
    assert_nothing_half_written(shot)


# -- clients -----------------------------------------------------------------------------------------------


def test_a_client_is_gone_while_its_job_ends(real: BackendProcess, tmp_path: Path, long_clip: Path) -> None:
    with real.client() as client:
        job = client.submit(ingest(tmp_path / "shot", long_clip))
    with Client(real.home, start=False) as client:
        status = client.wait(job.id)
    assert status.state == DONE and len(frames_of(tmp_path / "shot")) == FRAMES
    with Client(real.home, start=False) as client:
        assert client.wait(job.id) == status


def test_a_client_waits_through_the_death_of_the_server(home: Path, tmp_path: Path) -> None:
    shot = tmp_path / "shot"
    backend = BackendProcess(home, SCRIPTED)
    backend.start()
    killed = False

    def kill_once(event: JobEvent) -> None:
        nonlocal killed
        if not killed and event.kind == "progress":
            killed = True
            backend.kill()
            backend.start()
            open_gate(shot)

    with Client(home, start=False) as client:
        job = client.submit(scripted_job("gate", str(shot)))
        status = client.wait(job.id, kill_once)
    assert killed and status.state == DONE and status.attempts == 2
    backend.end()
