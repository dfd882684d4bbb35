"""Moving the world: every file or none, whenever the process dies, and no stage becomes out of date but export."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.pipeline import manifest
from backend.pipeline.runner import is_up_to_date, plan
from backend.pipeline.shot_lock import shot_lock
from backend.stages import export
from backend.world.change import WorldStep, back_to_solve, change_world
from backend.world.suggest import suggest_world
from shared import similarity
from shared.camera_files import UNCHANGED, Similarity, SolvedCamera, read_camera
from shared.errors import DiskFull, InvalidRequest, JobCancelled, ShotBusy, ShotCorrupt
from shared.file_lock import try_lock
from shared.shot import ShotFolder
from shared.stages import ExportParams, stage_info
from tests.unit.world_shot import check_consistent, whole_shot

C, S = math.cos(0.7), math.sin(0.7)
TURN = ((C, -S, 0.0), (S * C, C * C, -S), (S * S, S * C, C))
DELTA = Similarity(2.5, similarity.orthonormal(TURN), (1.0, -2.0, 0.5))
STEP = WorldStep(DELTA, "picked", "two-points", "metres")


def move(camera: SolvedCamera) -> WorldStep:
    return STEP


def test_everything_moves_together(tmp_path: Path) -> None:
    truth = whole_shot(tmp_path)
    before = read_camera(tmp_path)
    moved = change_world(tmp_path, move)
    camera = check_consistent(tmp_path, truth)
    assert camera.world == moved.world and moved.by == DELTA
    assert camera.world.revision == 1 and camera.world.world_from_solve == DELTA
    assert (camera.extrinsics.up_source, camera.extrinsics.scale_source) == ("picked", "two-points")
    assert camera.extrinsics.units == "metres" and camera.intrinsics == before.intrinsics
    place = np.array(camera.extrinsics.frames[0].world_from_camera)[:3, 3]
    assert np.allclose(place, 2.5 * np.array(DELTA.rotation) @ truth.poses[0, :3, 3] + DELTA.translation)


def test_changes_compose_and_go_back(tmp_path: Path) -> None:
    truth = whole_shot(tmp_path)
    change_world(tmp_path, move)
    second = change_world(tmp_path, move)
    camera = check_consistent(tmp_path, truth)
    assert second.world.revision == 2 and np.isclose(camera.world.world_from_solve.scale, 6.25)
    change_world(tmp_path, back_to_solve)
    camera = check_consistent(tmp_path, truth)
    assert camera.world.revision == 3 and camera.world.world_from_solve == UNCHANGED
    assert camera.world.solve_gauge is None and camera.extrinsics.up_source == "none"
    assert camera.extrinsics.units == "arbitrary"
    pose = np.array([frame.world_from_camera for frame in camera.extrinsics.frames])
    assert np.allclose(pose, truth.poses, atol=1e-12)


def test_only_the_export_becomes_out_of_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "find_blender", lambda wanted: None)
    truth = whole_shot(tmp_path)
    shot, info = ShotFolder(tmp_path), stage_info("export")
    params = ExportParams(formats="chan")
    planned = plan(info, {"formats": "chan"}, shot, "")
    from tests.unit.export_shot import run_export

    result, _ = run_export(tmp_path, formats=params.formats)
    values = {"formats": "chan"}
    manifest.write(shot, "export", manifest.Manifest(1, planned.key, values, {}, result, 0))
    assert is_up_to_date(plan(info, values, shot, ""), shot)
    change_world(tmp_path, move)
    assert is_up_to_date(plan(info, values, shot, ""), shot) is None
    check_consistent(tmp_path, truth)  # solve, depth and mocap are whole under their old keys


def test_a_stage_that_was_not_whole_stays_so(tmp_path: Path) -> None:
    whole_shot(tmp_path)
    shot = ShotFolder(tmp_path)
    (tmp_path / "depth/frame_1001.exr").unlink()
    change_world(tmp_path, move)
    done = manifest.find(shot, "depth")
    assert done is not None and not manifest.is_complete(shot, done)


def test_half_done_work_of_later_stages_is_forgotten(tmp_path: Path) -> None:
    whole_shot(tmp_path)
    shot = ShotFolder(tmp_path)
    for stage in ("solve", "depth"):
        (shot.checkpoints_dir / stage / "key").mkdir(parents=True)
    change_world(tmp_path, move)
    assert [folder.name for folder in shot.checkpoints_dir.iterdir()] == ["solve"]


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_killed_at_any_rename_it_is_whole_or_undone(tmp_path: Path) -> None:
    """The process is ended by the system at its k-th rename, for every k; no handler of it runs any more."""
    outcomes = []
    for k in range(100):
        root = tmp_path / str(k)
        truth = whole_shot(root)
        ended = killed(lambda root=root: change_world(root, move), at=k)
        if not ended:
            break
        with pytest.raises(ShotCorrupt) if mixed(root) else nothing():
            read_camera(root)
        with shot_lock(ShotFolder(root)):
            pass  # the next who opens the shot
        camera = check_consistent(root, truth)
        outcomes.append(camera.world.revision)
    assert outcomes.count(0) >= 1 and outcomes.count(1) >= 15
    assert outcomes == sorted(outcomes)  # undone until the journal is there, done from then on


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_killed_again_while_finishing(tmp_path: Path) -> None:
    truth = whole_shot(tmp_path)
    assert killed(lambda: change_world(tmp_path, move), at=8)
    for k in (0, 3, 1):
        assert killed(lambda: open_shot(tmp_path), at=k)
    open_shot(tmp_path)
    assert check_consistent(tmp_path, truth).world.revision == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_readers_finish_what_was_interrupted(tmp_path: Path) -> None:
    truth = whole_shot(tmp_path)
    assert killed(lambda: change_world(tmp_path, move), at=8)
    with shot_lock_held_elsewhere(tmp_path), pytest.raises(ShotBusy):
        suggest_world(tmp_path)
    assert suggest_world(tmp_path).revision == 1
    assert check_consistent(tmp_path, truth).world.revision == 1


@contextlib.contextmanager
def shot_lock_held_elsewhere(root: Path) -> Iterator[None]:
    """Only the lock, as another process has it that is in the middle of a change."""
    with ShotFolder(root).lock_file.open("a+") as file:
        assert try_lock(file)
        yield


def open_shot(root: Path) -> None:
    with shot_lock(ShotFolder(root)):
        pass


def killed(work: Callable[[], Any], *, at: int) -> bool:
    """Runs `work` in a copy of this process that ends like by kill -9 instead of renaming for the `at`-th time.
    False when it came to its end before."""
    child = os.fork()
    if child == 0:
        real, count = os.replace, [0]

        def replace(*paths: Any, **options: Any) -> None:
            if count[0] == at:
                os._exit(9)
            count[0] += 1
            real(*paths, **options)

        os.replace = replace
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def mixed(root: Path) -> bool:
    """Whether the renames had begun and not ended."""
    world = '"revision": 1' in (root / "camera/world.json").read_text()
    return world != ('"world_revision": 1' in (root / "camera/extrinsics.json").read_text())


class nothing:
    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...


def test_a_real_kill(tmp_path: Path) -> None:
    """kill -9 in the middle of the renames of another program, on every system."""
    truth = whole_shot(tmp_path)
    program = (
        "import os, sys; from pathlib import Path; from backend.world.change import *; "
        "from tests.unit.test_world_change import move, stop_at; stop_at(9); change_world(Path(sys.argv[1]), move)"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], timeout=600, check=False)
    assert ended.returncode != 0 and mixed(tmp_path)
    open_shot(tmp_path)
    assert check_consistent(tmp_path, truth).world.revision == 1


def stop_at(at: int) -> None:
    """Ends this process from outside of Python at a rename."""
    real, count = os.replace, [0]

    def replace(*paths: Any, **options: Any) -> None:
        if count[0] == at:
            os.kill(os.getpid(), 9)
        count[0] += 1
        real(*paths, **options)

    os.replace = replace


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_errors_before_the_journal_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    whole_shot(tmp_path)
    before = contents(tmp_path)

    def fail(*paths: Any) -> None:
        raise error

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(DiskFull if isinstance(error, OSError) else KeyboardInterrupt):
        change_world(tmp_path, move)
    assert {name: data for name, data in contents(tmp_path).items() if not name.endswith("lock")} == before


def test_a_cancel_changes_nothing(tmp_path: Path) -> None:
    truth = whole_shot(tmp_path)
    calls = [0]

    def cancel_at_the_fourth() -> None:
        calls[0] += 1
        if calls[0] == 4:
            raise JobCancelled("world was cancelled.")

    with pytest.raises(JobCancelled):
        change_world(tmp_path, move, cancel_at_the_fourth)
    assert check_consistent(tmp_path, truth).world.revision == 0


def test_a_busy_shot_is_left_alone(tmp_path: Path) -> None:
    whole_shot(tmp_path)
    with shot_lock(ShotFolder(tmp_path)), pytest.raises(ShotBusy):
        change_world(tmp_path, move)


@pytest.mark.parametrize(
    "bad",
    [
        Similarity(0.0, UNCHANGED.rotation, (0, 0, 0)),
        Similarity(-1.0, UNCHANGED.rotation, (0, 0, 0)),
        Similarity(1.0, UNCHANGED.rotation, (math.nan, 0, 0)),
        Similarity(1.0, ((1, 0, 0), (0, 1, 0), (0, 0, -1)), (0, 0, 0)),
        Similarity(1.0, ((1, 0.2, 0), (0, 1, 0), (0, 0, 1)), (0, 0, 0)),
        Similarity(1e30, UNCHANGED.rotation, (0, 0, 0)),
    ],
)
def test_what_is_no_similarity_is_refused(tmp_path: Path, bad: Similarity) -> None:
    truth = whole_shot(tmp_path)
    with pytest.raises(InvalidRequest):
        change_world(tmp_path, lambda camera: WorldStep(bad, "picked", "none", "arbitrary"))
    assert check_consistent(tmp_path, truth).world.revision == 0


def test_a_damaged_file_stops_it_before_anything_changes(tmp_path: Path) -> None:
    whole_shot(tmp_path)
    (tmp_path / "depth/frame_1002.exr").write_bytes(b"not an exr")
    with pytest.raises(ShotCorrupt, match=r"frame_1002\.exr"):
        change_world(tmp_path, move)
    assert read_camera(tmp_path).world.revision == 0


def test_a_damaged_journal_is_named(tmp_path: Path) -> None:
    whole_shot(tmp_path)
    folder = ShotFolder(tmp_path).private_dir / "change"
    folder.mkdir()
    (folder / "journal.json").write_text('{"renames": [["000000.json", "../outside.json"]]}')
    with pytest.raises(ShotCorrupt, match="outside"):
        open_shot(tmp_path)


def test_a_camera_without_points_or_model_moves_too(tmp_path: Path) -> None:
    whole_shot(tmp_path)
    for path in ("camera/points.npz", "colmap", "depth", "mocap", ".backlot/manifests"):
        target = tmp_path / path
        target.unlink() if target.is_file() else shutil.rmtree(target)
    assert change_world(tmp_path, move).world.revision == 1
    assert read_camera(tmp_path).extrinsics.world_revision == 1


def test_similarities() -> None:
    back = similarity.compose(similarity.inverse(DELTA), DELTA)
    assert np.allclose(back.rotation, np.eye(3), atol=1e-15) and np.isclose(back.scale, 1.0)
    assert np.allclose(back.translation, 0.0, atol=1e-15)
    point = (0.3, -1.0, 2.0)
    matrix = np.array(similarity.as_matrix(DELTA)) @ (*point, 1.0)
    assert np.allclose(similarity.move_point(DELTA, point), matrix[:3])
    assert np.allclose(similarity.move_point(similarity.inverse(DELTA), tuple(matrix[:3])), point)
