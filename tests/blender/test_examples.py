"""The scripts in docs/examples, as they stand."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.blender.installed import CHECKOUT
from tests.blender.synthetic_shot import ShotPlan, write_shot

EXAMPLES = CHECKOUT / "docs" / "examples"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BACKLOT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def solved_or_not(job: Any) -> None:
    """A job that makes a shot, but of the clip called still.mp4, whose camera does not move."""
    from shared.artifacts import StageResult
    from shared.errors import NoParallax

    if Path(job.request.footage).stem == "still":
        raise NoParallax("The camera does not travel.", "Film it again.")
    write_shot(Path(job.request.shot), ShotPlan(count=3, points=10))
    job.stage_done(StageResult("solve", "sfm", 1, {"frames": 3, "frames_solved": 3}))


def run_example(name: str, monkeypatch: pytest.MonkeyPatch, *given: object) -> int:
    """The exit code of `blender -b --python docs/examples/NAME -- GIVEN`."""
    monkeypatch.setattr(sys, "argv", ["blender", "--", *map(str, given)])
    try:
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    except SystemExit as ended:
        assert isinstance(ended.code, int)
        return ended.code
    return 0


def test_a_batch_goes_on_after_a_failure_and_is_not_done_twice(
    empty: None, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import bpy

    from tests.contract.fake_backend import FakeBackend

    clips, out = tmp_path / "clips", tmp_path / "out"
    clips.mkdir()
    for name in ("one.mp4", "still.mp4", "two.mov", "notes.txt"):
        (clips / name).write_bytes(b"")
    frames = clips / "three.v2"
    frames.mkdir()
    (frames / "frame_0001.png").write_bytes(b"")
    report = tmp_path / "report.jsonl"
    with FakeBackend(home, solved_or_not):
        assert run_example("batch.py", monkeypatch, clips, out, "--report", report) == 1
        said = _lines(capsys)
        assert [(line["clip"], line["state"]) for line in said if line["event"] == "end"] == [
            ("one.mp4", "done"), ("still.mp4", "failed"), ("three.v2", "done"), ("two.mov", "done"),
        ]  # fmt: skip
        (failed,) = (line for line in said if line.get("state") == "failed")
        assert failed["code"] == "no-parallax" and failed["remedy"] == "Film it again."
        assert said[-1] == {"event": "summary", "done": 3, "skipped": 0, "failed": 1}
        assert [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()] == said
        assert run_example("batch.py", monkeypatch, clips, out) == 1
        states = [line["state"] for line in _lines(capsys) if line["event"] == "end"]
        assert states == ["skipped", "failed", "skipped", "skipped"]
    assert (out / "three.v2.blend").is_file()
    bpy.ops.wm.open_mainfile(filepath=str(out / "two.blend"))
    assert bpy.context.scene.camera is not None


def test_clips_that_would_make_the_same_scene_are_refused(
    empty: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one.mp4", "one.mov"):
        (tmp_path / name).write_bytes(b"")
    assert run_example("batch.py", monkeypatch, tmp_path, tmp_path / "out") == 2
    assert "the same one.blend" in capsys.readouterr().err


def test_a_batch_without_clips_is_wrong_use(empty: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_example("batch.py", monkeypatch, tmp_path, tmp_path / "out") == 2


def test_one_clip_into_the_open_file(empty: None, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import bpy

    from tests.contract.fake_backend import FakeBackend

    path = tmp_path / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    (tmp_path / "clip.mp4").write_bytes(b"")
    with FakeBackend(home, solved_or_not):
        assert run_example("solve.py", monkeypatch, tmp_path / "clip.mp4") == 0
    bpy.ops.wm.open_mainfile(filepath=str(path))
    assert bpy.context.scene.camera is not None


def test_masks_without_a_camera(
    empty: None, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.contract.fake_backend import FakeBackend

    def masked(job: Any) -> None:
        from shared.artifacts import Artifact, StageResult
        from shared.roto_prompts import read_prompts
        from shared.shot import ShotFolder

        labels = read_prompts(ShotFolder(Path(job.request.shot))).labels
        made = tuple(Artifact("roto", f"roto/{label}") for label in labels)
        job.stage_done(StageResult("roto", "person", 1, {}, artifacts=made))

    (tmp_path / "clip.mp4").write_bytes(b"")
    with FakeBackend(home, masked):
        assert run_example("masks.py", monkeypatch, tmp_path / "clip.mp4", "person", "bag") == 0
    (said,) = _lines(capsys)
    shot = tmp_path / "clip_backlot"
    assert said == {"clip": "clip.mp4", "state": "done", "masks": [str(shot / "roto/person"), str(shot / "roto/bag")]}


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What was printed in JSON; Blender prints lines of its own."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
