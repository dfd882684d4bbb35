"""The pipeline with two small stages of its own: skipping, resuming, failing, cancelling, locking."""

from __future__ import annotations

import errno
import itertools
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from backend.pipeline import manifest, runner
from backend.pipeline.atomic import PARTIAL, atomic_folder, atomic_path, write_text
from backend.pipeline.context import RateMeter, StageContext
from backend.pipeline.disk_need import explained
from backend.pipeline.fingerprint import key_of, of_file, of_sequence
from backend.pipeline.shot_lock import shot_lock
from backend.pipeline.stage import Engine
from shared.artifacts import StageResult
from shared.errors import (
    ArtifactMissing,
    DiskFull,
    FootageNotFound,
    InternalError,
    InvalidParameter,
    InvalidRequest,
    JobCancelled,
    NoParallax,
    OutOfMemory,
    ShotBusy,
)
from shared.messages import JobRequest, Progress
from shared.shot import SHOT_VERSION, ShotFile, ShotFolder, SourceFacts, document_text

FACTS = SourceFacts("video", 4, 4, "24", 1, 3, 3)
Work = Callable[[StageContext], None]


@dataclass
class CopyStage:
    """Copies the footage's text to a file: enough to have inputs, files and a result."""

    name: str
    version: int = 1
    runs: int = 0
    work: Work = lambda context: None

    def engine(self, params: Any) -> Engine:
        return Engine("copy", self.version)

    def inputs(self, params: Any, shot: ShotFolder, footage: str) -> Mapping[str, str]:
        return {"footage": of_file(Path(footage))} if self.name == "ingest" else {}

    def run(self, params: Any, context: StageContext) -> StageResult:
        self.runs += 1
        self.work(context)
        out = context.shot.root / f"{self.name}.txt"
        context.begin_changes()
        write_text(out, Path(context.footage).read_text())
        if self.name == "ingest":
            shot_file = ShotFile(SHOT_VERSION, "id", context.footage, FACTS)
            write_text(context.shot.shot_json, document_text(shot_file))
        return StageResult(self.name, "copy", self.version, {}, (context.artifact("text", out),))


@dataclass
class Recorder:
    seen: list[Progress] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    cancelled: bool = False

    def progress(self, progress: Progress) -> None:
        self.seen.append(progress)

    def notice(self, sentence: str) -> None:
        self.notices.append(sentence)

    def stage_done(self, result: StageResult) -> None:
        pass

    def is_cancelled(self) -> bool:
        return self.cancelled


Stages = dict[str, CopyStage]


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Stages:
    made = {name: CopyStage(name) for name in ("ingest", "solve", "export")}
    monkeypatch.setattr(runner, "load", made.__getitem__)
    return made


@pytest.fixture
def request_(tmp_path: Path) -> JobRequest:
    clip = tmp_path / "clip ü.txt"
    clip.write_text("one")
    return JobRequest(str(tmp_path / "shot ü"), str(clip))


def _run(request: JobRequest, observer: Recorder | None = None, **changes: Any) -> list[bool]:
    changed = JobRequest(**{**request.__dict__, **changes})
    return [result.skipped for result in runner.run_job(changed, observer or Recorder())]


def test_a_second_run_does_nothing(stages: Stages, request_: JobRequest) -> None:
    assert _run(request_) == [False, False]
    assert _run(request_) == [True, True]
    assert stages["ingest"].runs == stages["solve"].runs == 1
    assert ShotFolder(Path(request_.shot)).read().engines == {"ingest": "copy", "solve": "copy"}


def test_what_depends_on_a_change_runs_again_and_nothing_else(stages: Stages, request_: JobRequest) -> None:
    _run(request_)
    assert _run(request_, params={"solve": {"quality": "low"}}) == [True, False]
    Path(request_.footage).write_text("two")
    assert _run(request_, params={"solve": {"quality": "low"}}) == [False, False]
    stages["solve"].version = 2
    assert _run(request_, params={"solve": {"quality": "low"}}) == [True, False]


def test_a_stage_that_is_only_needed_keeps_what_it_ran_with(stages: Stages, request_: JobRequest) -> None:
    """`-s camera` after `-s solve -q high --frame-end 2` exports that solve; it does not solve with the defaults."""
    _run(request_, params={"ingest": {"frame_end": 2}, "solve": {"quality": "high"}})
    needs_both = {"stages": ("export",), "params": {}}
    assert _run(request_, **needs_both) == [True, True, False]
    assert _run(request_, footage="", **needs_both) == [True, True, True]
    stages["solve"].version = 2
    assert _run(request_, **needs_both) == [True, False, False]
    shot = ShotFolder(Path(request_.shot))
    solved, ingested = manifest.find(shot, "solve"), manifest.find(shot, "ingest")
    assert solved is not None and solved.params["quality"] == "high"
    assert ingested is not None and ingested.params["frame_end"] == 2


def test_a_folder_that_is_moved_while_a_job_runs_is_named(stages: Stages, request_: JobRequest) -> None:
    shot = Path(request_.shot)
    stages["solve"].work = lambda context: shutil.move(shot, shot.with_name("moved"))
    with pytest.raises(ArtifactMissing, match="shot ü was moved or deleted while the job ran"):
        _run(request_)
    assert manifest.find(ShotFolder(shot.with_name("moved")), "ingest") is not None
    stages["solve"].work = lambda context: None
    assert _run(request_, shot=str(shot.with_name("moved"))) == [True, False]


def test_what_a_job_asks_for_goes_before_what_is_recorded(stages: Stages, request_: JobRequest) -> None:
    _run(request_, params={"solve": {"quality": "high"}})
    assert _run(request_, stages=("export",), params={"solve": {"quality": "low"}}) == [True, False, False]
    assert _run(request_, stages=("solve",), params={}) == [True, False]
    assert _recorded(request_)["quality"] == "medium"


def test_another_clip_starts_from_the_defaults(stages: Stages, request_: JobRequest) -> None:
    _run(request_, params={"ingest": {"frame_end": 2}, "solve": {"quality": "high"}})
    other = Path(request_.footage).with_name("other.txt")
    other.write_text("other")
    assert _run(request_, footage=str(other), stages=("export",)) == [False, False, False]
    assert _recorded(request_)["quality"] == "medium"


def test_recorded_parameters_of_another_version_are_left(stages: Stages, request_: JobRequest) -> None:
    _run(request_)
    path = manifest.manifest_path(ShotFolder(Path(request_.shot)), "solve")
    path.write_text(path.read_text().replace('"quality"', '"once_known"'))
    assert _run(request_, stages=("export",)) == [True, True, False]


def test_a_parameter_that_came_after_a_record_changes_nothing(stages: Stages, request_: JobRequest) -> None:
    """A record of a version without `encoding`: its default is what that version did."""
    earlier = {"frame_end": 2}
    _run(request_, params={"ingest": earlier})
    shot = ShotFolder(Path(request_.shot))
    done = manifest.find(shot, "ingest")
    assert done is not None and done.params.pop("encoding") == "auto"
    key = key_of("ingest", "copy", 1, done.params, done.inputs)
    manifest.write(shot, "ingest", replace(done, key=key))
    solved = manifest.find(shot, "solve")
    assert solved is not None
    inputs = {**solved.inputs, "stage:ingest": key}
    solved = replace(solved, key=key_of("solve", "copy", 1, solved.params, inputs), inputs=inputs)
    manifest.write(shot, "solve", solved)
    assert _run(request_, params={"ingest": earlier}) == [True, True]
    assert _run(request_, params={"ingest": {**earlier, "encoding": "auto"}}) == [True, True]
    assert _run(request_, params={"ingest": {**earlier, "encoding": "log"}}) == [False, False]
    assert _run(request_, params={"ingest": earlier}) == [False, False]


def _recorded(request: JobRequest) -> dict[str, Any]:
    found = manifest.find(ShotFolder(Path(request.shot)), "solve")
    assert found is not None
    return found.params


def test_a_lost_or_cut_file_is_made_again(stages: Stages, request_: JobRequest) -> None:
    _run(request_)
    (Path(request_.shot) / "solve.txt").unlink()
    assert _run(request_) == [True, False]
    (Path(request_.shot) / "solve.txt").write_text("o")
    assert _run(request_) == [True, False]


def test_force_runs_the_named_stages_only(stages: Stages, request_: JobRequest) -> None:
    _run(request_)
    assert _run(request_, stages=("solve",), force=True) == [True, False]


def test_a_shot_remembers_its_footage(stages: Stages, request_: JobRequest) -> None:
    with pytest.raises(FootageNotFound, match="no plate yet"):
        _run(request_, footage="")
    _run(request_)
    assert _run(request_, footage="") == [True, True]


def test_a_stage_that_fails_before_it_writes_loses_nothing(stages: Stages, request_: JobRequest) -> None:
    def fail(context: StageContext) -> None:
        raise NoParallax("A tripod.")

    _run(request_)
    stages["solve"].work = fail
    with pytest.raises(NoParallax):
        _run(request_, params={"solve": {"quality": "low"}})
    stages["solve"].work = lambda context: None
    assert _run(request_) == [True, True]


def test_a_stage_that_stops_while_it_writes_is_not_complete(stages: Stages, request_: JobRequest) -> None:
    def stop(context: StageContext) -> None:
        context.begin_changes()
        raise JobCancelled("stopped")

    _run(request_)
    stages["solve"].work = stop
    with pytest.raises(JobCancelled):
        _run(request_, force=True, stages=("solve",))
    stages["solve"].work = lambda context: None
    assert _run(request_) == [True, False]


def test_a_checkpoint_outlives_a_crash_but_not_a_change(stages: Stages, request_: JobRequest) -> None:
    found: list[bool] = []

    def crash(context: StageContext) -> None:
        found.append((context.checkpoint_dir / "half").exists())
        (context.checkpoint_dir / "half").write_text("x")
        raise RuntimeError("crash")

    stages["solve"].work = crash
    for params in ({}, {}, {"solve": {"quality": "low"}}):
        with pytest.raises(InternalError, match="RuntimeError: crash"):
            _run(request_, params=params)
    assert found == [False, True, False]
    stages["solve"].work = lambda context: None
    _run(request_)
    assert not (ShotFolder(Path(request_.shot)).checkpoints_dir / "solve").exists()


@pytest.mark.parametrize(
    ("foreign", "ours"),
    [
        (MemoryError(), OutOfMemory),
        (OSError(errno.ENOSPC, "full", "/x/y"), DiskFull),
        (ValueError("v"), InternalError),
    ],
)
def test_no_foreign_error_escapes(stages: Stages, request_: JobRequest, foreign: Exception, ours: type) -> None:
    def fail(context: StageContext) -> None:
        raise foreign

    stages["ingest"].work = fail
    with pytest.raises(ours):
        _run(request_)


def test_bad_requests_are_refused_before_any_work(stages: Stages, request_: JobRequest) -> None:
    with pytest.raises(InvalidParameter):
        _run(request_, params={"solve": {"quality": "ultra"}})
    with pytest.raises(InvalidRequest, match="absolute"):
        _run(request_, shot="relative")
    assert stages["ingest"].runs == 0 and not Path(request_.shot).exists()


def test_one_writer_a_shot(stages: Stages, request_: JobRequest) -> None:
    with shot_lock(ShotFolder(Path(request_.shot))), pytest.raises(ShotBusy):
        _run(request_)
    assert _run(request_) == [False, False]


def test_progress_of_the_job_never_goes_back_and_cancel_is_heard(stages: Stages, request_: JobRequest) -> None:
    observer = Recorder()

    def steps(context: StageContext) -> None:
        context.progress(1, 2)
        context.progress(0, 10, note="second pass")
        context.notice("Something to know.")
        observer.cancelled = context.stage == "solve"
        context.progress(10, 10, frame=1003)

    stages["ingest"].work = stages["solve"].work = steps
    with pytest.raises(JobCancelled):
        _run(request_, observer)
    fractions = [progress.fraction for progress in observer.seen]
    assert fractions == sorted(fractions) and fractions[2] == 0.25
    assert observer.notices == ["Something to know."] * 2
    found = manifest.find(ShotFolder(Path(request_.shot)), "ingest")
    assert found is not None and found.result.notices == ("Something to know.",)


def test_rate_and_time_left_follow_the_clock() -> None:
    now = [0.0]
    meter = RateMeter(lambda: now[0])
    assert meter.update(0, 100) == (None, None)
    now[0] = 2.0
    assert meter.update(10, 100) == (5.0, 18.0)


def test_what_was_done_in_an_earlier_run_is_no_speed_of_this_one() -> None:
    now = [0.0]
    meter = RateMeter(lambda: now[0])
    now[0] = 1.0
    assert meter.update(500, 1000) == (None, None)
    now[0] = 2.0
    assert meter.update(510, 1000) == (10.0, 49.0)


def test_a_stage_that_continues_on_a_full_disk_needs_what_it_writes_now(tmp_path: Path) -> None:
    """From 60 % to 70 % it wrote 10 MB: 30 MB and a margin are missing."""
    (tmp_path / "written").write_bytes(bytes(10_000_000))
    full = explained(DiskFull("Full.", needed_bytes=1), tmp_path, 0.0, (0.6, 0.7))
    assert full.details["needed_bytes"] == pytest.approx(36e6, rel=1e-6) and "36 MB more is needed" in full.message
    assert explained(DiskFull("Full."), tmp_path, 0.0, (0.6, 0.6)).message == "Full."


def test_time_left_counts_down_while_the_speed_swings() -> None:
    """Steps of one frame take 0.1 s and 0.7 s in turn for a while: 2.5 frames a second."""
    now = [0.0]
    meter = RateMeter(lambda: now[0])
    lefts: list[tuple[float, float]] = []
    for done in range(1, 201):
        now[0] += 0.1 if done // 5 % 2 else 0.7
        left = meter.update(done, 200)[1]
        if left is not None:
            lefts.append((left, (200 - done) * 0.4))
    late = lefts[40:]
    assert max(abs(left - true) for left, true in late) < 4.0
    assert max(abs(after[0] - before[0]) for before, after in itertools.pairwise(late)) < 2.5
    assert lefts[-1][0] == 0.0


def test_a_slower_half_is_noticed_within_seconds() -> None:
    now = [0.0]
    meter = RateMeter(lambda: now[0])
    for done in range(1, 101):
        now[0] += 0.1
        meter.update(done, 200)
    for done in range(101, 141):
        now[0] += 0.5
        rate, left = meter.update(done, 200)
    assert rate is not None and 1.9 < rate < 5.0
    assert left is not None and 15.0 < left < 32.0  # of 30 s


def test_nothing_half_written_takes_the_final_name(tmp_path: Path) -> None:
    final = tmp_path / "a.png"
    final.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(final) as beside:
        beside.write_text("half")
        assert final.read_text() == "old" and beside.suffix == ".png"
        raise RuntimeError
    assert final.read_text() == "old" and not list(tmp_path.glob(f"*{PARTIAL}*"))
    folder = tmp_path / "model"
    for text in ("first", "second"):
        with atomic_folder(folder) as inside:
            (inside / "x").write_text(text)
    assert (folder / "x").read_text() == "second" and not list(tmp_path.glob(f"*{PARTIAL}*"))


def test_a_sequence_changes_with_any_of_its_frames(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.png" for i in range(5)]
    for path in paths:
        path.write_bytes(b"abc")
    before = of_sequence(paths)
    assert before == of_sequence(paths)
    paths[2].write_bytes(b"abcd")
    assert before != of_sequence(paths)
