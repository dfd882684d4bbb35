"""What panels say of a stage's state, and the button that brings everything up to date."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.blender.synthetic_shot import ShotPlan, write_shot

SOLVED = {"quality": "high", "seed": 0}


def manifest(root: Path, stage: str, key: str, params: dict[str, Any], made_from: dict[str, str], *files: str) -> Path:
    """As the backend writes one when a stage is done."""
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    path = root / ".backlot" / "manifests" / f"{stage}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    result = {"engine": "sfm", "seconds": 2.0, "artifacts": [{"path": name} for name in files]}
    inputs = {f"stage:{name}": of for name, of in made_from.items()}
    path.write_text(json.dumps({"key": key, "params": params, "inputs": inputs, "result": result}), encoding="utf-8")
    return path


def states(root: Path, stage: str, **wanted: Any) -> tuple[str, tuple[str, ...]]:
    from bl_ext.user_default.backlot.stage_states import read_records, state_of

    state = state_of(stage, read_records(root), wanted)
    return state.kind, state.reasons


def test_a_state_says_why(empty: None, tmp_path: Path) -> None:
    assert states(tmp_path, "solve") == ("never", ())
    manifest(tmp_path, "solve", "one", SOLVED, {"ingest": "i"}, "camera/extrinsics.json")
    assert states(tmp_path, "solve", quality="high") == ("current", ())
    assert states(tmp_path, "solve", quality="low", seed=3) == ("stale", ("Quality, Seed changed",))
    manifest(tmp_path, "depth", "two", {}, {"solve": "one"}, "depth/meta.json")
    assert states(tmp_path, "depth") == ("current", ())
    manifest(tmp_path, "solve", "new", SOLVED, {"ingest": "i"}, "camera/extrinsics.json")
    assert states(tmp_path, "depth") == ("stale", ("Solve Camera ran again",))
    (tmp_path / "depth/meta.json").unlink()
    assert states(tmp_path, "depth")[1] == ("Solve Camera ran again", "depth/meta.json is gone")
    manifest(tmp_path, "solve", "imported:abc", SOLVED, {}, "camera/extrinsics.json")
    assert states(tmp_path, "solve", quality="low") == ("current", ())
    manifest(tmp_path, "solve", "x", SOLVED, {}).write_text("{", encoding="utf-8")
    assert states(tmp_path, "solve") == ("never", ())


def test_masks_are_older_than_their_hints(empty: None, tmp_path: Path) -> None:
    made = manifest(tmp_path, "roto", "r", {"frame_start": 5, "frame_end": 9}, {}, "roto/prompts.json")
    os.utime(tmp_path / "roto/prompts.json", ns=(1, made.stat().st_mtime_ns - 1))
    assert states(tmp_path, "roto") == ("current", ())  # a part made anew is not another result
    os.utime(tmp_path / "roto/prompts.json", ns=(1, made.stat().st_mtime_ns + 1))
    assert states(tmp_path, "roto") == ("stale", ("the hints have changed",))


def test_run_all_asks_for_what_the_shot_has(empty: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import bpy
    from bl_ext.user_default.backlot.requests import whole_request

    from shared.artifacts import StageResult
    from tests.contract.fake_backend import FakeBackend

    monkeypatch.setenv("BACKLOT_HOME", str(tmp_path / "home"))
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"")
    scene = bpy.context.scene
    assert not bpy.ops.backlot.run_all.poll()
    scene.backlot.clip = str(clip)
    scene.backlot.depth.resolution = "half"
    assert whole_request(scene).stages == ("ingest", "solve")
    root = tmp_path / "clip_backlot"
    write_shot(root, ShotPlan(count=3, points=10))
    manifest(root, "depth", "d", {}, {"solve": "one"})
    (root / "roto").mkdir(exist_ok=True)
    (root / "roto/prompts.json").write_text("{}", encoding="utf-8")
    request = whole_request(scene)
    assert request.stages == ("ingest", "roto", "solve", "depth") and request.params["depth"] == {"resolution": "half"}
    asked: list[Any] = []

    def run(job: Any) -> None:
        asked.append(job.request)
        for stage in job.request.stages:
            job.stage_done(StageResult(stage, "sfm", 1, {}, skipped=stage != "depth"))

    with FakeBackend(tmp_path / "home", run):
        assert bpy.ops.backlot.run_all() == {"FINISHED"}
    assert asked[0].stages == request.stages
