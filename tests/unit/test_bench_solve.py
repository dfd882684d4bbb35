"""The benchmark's other scores and records: held-out tracks, recorded peers, growth with the clip's length."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.benchmarks.backlot_run import stage_seconds
from tests.benchmarks.heldout_tracks import HeldTrack, hide, predict
from tests.benchmarks.peer_cache import cache_key, cached
from tests.benchmarks.runs import CommandFailed, Run, call, call_watched
from tests.benchmarks.scaling import Effort, exponents
from tests.benchmarks.scoring import Array, Lens, project
from tests.benchmarks.solve_table import as_markdown, as_text

K = np.array([[500.0, 0.0, 320.0], [0.0, 500.0, 180.0], [0.0, 0.0, 1.0]])
COUNT = 12
LENS = Lens(np.broadcast_to(K, (COUNT, 3, 3)), (-0.05, 0.0, 0.0, 0.0))


def poses(travel: float) -> dict[int, Array]:
    """Turns 1 degree and goes `travel` metres to the right a frame."""
    found = {}
    for t in range(COUNT):
        pose = np.eye(4)
        pose[:3, :3] = Rotation.from_euler("y", t, degrees=True).as_matrix()
        pose[0, 3] = travel * t
        found[t] = pose
    return found


def seen(point: Array, cameras: dict[int, Array], noise: float = 0.0, seed: int = 0) -> HeldTrack:
    rng = np.random.default_rng(seed)
    xy = [project(((point - p[:3, 3]) @ p[:3, :3])[None], K, LENS.distortion)[0] for p in cameras.values()]
    return HeldTrack(np.arange(COUNT), np.array(xy) + rng.normal(0.0, noise, (COUNT, 2)))


@pytest.mark.parametrize("travel", [0.05, 0.0])
def test_a_right_camera_predicts_tracks_with_and_without_parallax(travel: float) -> None:
    errors = predict(seen(np.array([0.4, -0.3, 3.0]), poses(travel)), poses(travel), LENS)
    assert len(errors) == 6
    assert errors.max() < 1e-3


def test_the_error_is_that_of_the_tracks_when_the_camera_is_right() -> None:
    tracks = [seen(np.array([0.1 * n - 1.0, -0.3, 4.0]), poses(0.05), 0.3, n) for n in range(20)]
    errors = np.concatenate([predict(track, poses(0.05), LENS) for track in tracks])
    assert 0.3 < np.median(errors) < 0.6  # 0.35 of the seen pixel's own noise, and some of the point's


def test_a_wrong_camera_is_found_out() -> None:
    wrong = poses(0.05)
    wrong[5][:3, :3] = wrong[5][:3, :3] @ Rotation.from_euler("x", 0.5, degrees=True).as_matrix()
    errors = predict(seen(np.array([0.4, -0.3, 3.0]), poses(0.05)), wrong, LENS)
    assert errors.max() > 3.0  # 0.5 degrees are 4.4 px
    assert np.median(errors) < 0.5


def test_frames_without_a_pose_are_not_judged() -> None:
    some = {t: pose for t, pose in poses(0.05).items() if t % 3}
    assert len(predict(seen(np.array([0.4, -0.3, 3.0]), poses(0.05)), some, LENS)) == 4
    assert len(predict(seen(np.array([0.4, -0.3, 3.0]), poses(0.05)), {3: np.eye(4)}, LENS)) == 0


def test_held_out_tracks_are_hidden_where_they_are() -> None:
    track = HeldTrack(np.array([4, 5]), np.array([[100.5, 50.5], [110.5, 50.5]]))
    mask = hide([track], 5, (100, 200), 6)
    assert mask[50, 110] and mask[50, 105] and not mask[50, 100]
    assert abs(mask.sum() - np.pi * 36) < 15
    assert not hide([track], 6, (100, 200), 6).any()


def test_a_recorded_run_is_used_again_and_says_so(tmp_path: Path) -> None:
    frame = tmp_path / "frame_0001.png"
    frame.write_bytes(b"picture")
    runs = 0

    def solve() -> Run:
        nonlocal runs
        runs += 1
        return Run("peer", 60.0, 90.0, dict(enumerate(poses(0.1).values())), LENS, "")

    key = cache_key("peer", "1.0", ["fast"], [frame])
    first, again = (cached(tmp_path / "cache", "clip", key, solve) for _ in range(2))
    assert runs == 1
    assert first.recorded == ""
    assert "cores" in again.recorded
    assert again.seconds == 60.0
    assert all(np.array_equal(again.poses[t], first.poses[t]) for t in range(COUNT))
    assert again.lens is not None and np.array_equal(again.lens.K, LENS.K)
    frame.write_bytes(b"another")
    assert cache_key("peer", "1.0", ["fast"], [frame]) != key
    assert cache_key("peer", "1.1", ["fast"], [frame]) != key


def test_the_split_by_step_comes_from_the_events() -> None:
    events = [
        {"event": "progress", "progress": {"stage": "ingest"}},
        {"event": "stage", "result": {"stage": "ingest", "seconds": 1.5, "facts": {}}},
        {"event": "stage", "result": {"stage": "solve", "seconds": 7.0, "facts": {"step_seconds": {"tracking": 4.0}}}},
    ]
    assert stage_seconds("\n".join(map(json.dumps, events))) == {"ingest": 1.5, "tracking": 4.0, "solve": 3.0}


def test_growth_is_told_by_exponents() -> None:
    def run(frames: int, a: float, b: float) -> dict[str, object]:
        steps = {"linear": a, "square": b, "short": 0.1}
        return {"frames": frames, "steps": steps, "cpu_steps": {}, "seconds": a + b, "cpu_seconds": a + b}

    (found,) = exponents([run(100, 10.0, 10.0), run(300, 30.0, 90.0)])
    assert found == {"from": 100, "to": 300, "linear": 1.0, "square": 2.0, "wall": 1.63, "cpu": 1.63}


def test_processor_time_is_counted_by_what_is_being_done(tmp_path: Path) -> None:
    """The process goes on when its event was heard: how fast it is heard is not what is tested."""
    work = (
        "import json, pathlib, sys, time\n"
        "for note in ('idle', 'busy', 'end'):\n"
        "    print(json.dumps({'event': 'progress', 'progress': {'note': note}}), flush=True)\n"
        "    while not pathlib.Path(sys.argv[1], note).exists(): time.sleep(0.05)\n"
        "    sum(n * n for n in range(5_000_000 if note == 'busy' else 1))\n"
    )
    effort = Effort()

    def watch(line: str, process: int) -> None:
        effort.watch(line, process)
        (tmp_path / json.loads(line)["progress"]["note"]).touch()

    said = call_watched([sys.executable, "-c", work, str(tmp_path)], Path.cwd(), watch)
    assert said.count("\n") == 3
    assert effort.seconds["end"] > effort.seconds["busy"]  # what passes before an event belongs to it


def test_a_command_that_fails_says_why() -> None:
    for runner in (call, lambda command: call_watched(command, Path.cwd(), lambda line, process: None)):
        with pytest.raises(CommandFailed, match="no such clip"):
            runner([sys.executable, "-c", "import sys; sys.exit('no such clip')"])
    with pytest.raises(CommandFailed, match="stopped after 1 s"):
        call([sys.executable, "-c", "import threading; threading.Event().wait(30)"], timeout=1.0)


def test_tables_show_failures_and_records() -> None:
    row = {
        "solver": "backlot", "seconds": 5.0, "cpu_seconds": 5.0, "failure": "", "recorded": "", "motion": "full",
        "state": True, "solved": 24, "frames": 24, "ate_percent": 0.0123, "rotation_deg": 0.01, "focal_percent": 0.1,
        "points_px": 0.1, "focal_max_percent": 0.2, "wander_deg": None, "k1_percent": None, "undistorted_px": None,
    }  # fmt: skip
    peer = {**row, "solver": "peer", "seconds": 50.0, "failure": "no model", "recorded": "monday", "state": False}
    result = {"clip": "dolly", "frames": 24, "motion": "full", "runs": [row, peer]}
    text, table = as_text(result), as_markdown([result])
    assert "FAILED: no model" in text and "recorded monday" in text and "10.0x" in text
    assert "| dolly | peer (recorded) | failed: no model |" in table
    assert len({line.count("|") for line in table.splitlines()}) == 1
