"""Research programs: what they are given, what comes back, and what happens when they fail."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from mocap_scene import Performance, performance

from backend.mocap_external import ExternalJob, external_tracks, find_program
from backend.mocap_external.exchange import SMPL_NAMES, Request, read_result
from backend.pose import PoseJob, PoseResult
from shared.camera_files import CAMERA_AXES, WORLD_AXES, Extrinsics, FrameIntrinsics, FramePose, Intrinsics
from shared.errors import EngineUnavailable, InternalError, JobCancelled, OutOfMemory
from shared.mocap_params import MocapParams

PROGRAM = Path(__file__).with_name("external_program.py")
FIRST, FRAMES, SIZE = 1001, 16, (64, 36)


@dataclass(frozen=True)
class Stand:
    scene: Performance
    folder: Path
    documents: tuple[Intrinsics, Extrinsics]

    def see(
        self, mode: str, *, labels: tuple[str, ...] = ("ann",), timeout_s: float = 60.0, **more: object
    ) -> PoseResult:
        more = {"picture": lambda _n: np.zeros((SIZE[1], SIZE[0], 3), np.uint8), **more}
        line = shlex.join([sys.executable, str(PROGRAM), "{request}", str(self.folder / "truth.npz"), mode])
        pose = PoseJob(
            numbers=tuple(range(FIRST, FIRST + FRAMES)),
            fps=24.0,
            params=MocapParams(engine="sam-3d-body"),
            store=self.folder / "store",
            labels=labels,
            masks=lambda _label, _n: np.full((SIZE[1], SIZE[0]), 255, np.uint8),
            **more,  # type: ignore[arg-type]
        )
        program = find_program("sam-3d-body", line, non_commercial=False)
        return external_tracks(ExternalJob(pose, program, *self.documents, timeout_s))

    @property
    def calls(self) -> list[int]:
        return [int(line) for line in (self.folder / "calls.txt").read_text().split()]


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    scene = performance(FRAMES)
    cameras = scene.cameras
    numbers = range(FIRST, FIRST + FRAMES)
    poses = np.tile(np.eye(4), (FRAMES, 1, 1))
    poses[:, :3, :3] = cameras.rotation.transpose(0, 2, 1)
    poses[:, :3, 3] = -np.einsum("tji,tj->ti", cameras.rotation, cameras.translation)
    inner = tuple(FrameIntrinsics(n, 600.0, 600.0, 320.0, 180.0) for n in numbers)
    outer = tuple(
        FramePose(n, tuple(map(tuple, pose.tolist())), "solved", "full", 0.2, 100)
        for n, pose in zip(numbers, poses, strict=True)
    )
    intrinsics = Intrinsics(1, 640, 360, "24", 1.0, "PINHOLE", 0.0, 0.0, 0.0, 0.0, "solved", inner)
    extrinsics = Extrinsics(1, WORLD_AXES, CAMERA_AXES, "metres", "points", "imported", "test", outer)
    np.savez(
        tmp_path / "truth.npz", frames=np.array(numbers), joints=cameras.seen(scene.joints), K=cameras.matrix,
        names=np.array(scene.truth.skeleton.names),
    )  # fmt: skip
    return Stand(scene, tmp_path, (intrinsics, extrinsics))


def test_what_the_program_sees_is_evidence(stand: Stand) -> None:
    found = stand.see("ok")
    track = found.tracks["ann"]
    assert found.engine == "sam-3d-body" and track.frames == tuple(range(FIRST, FIRST + FRAMES)) and not track.absent
    camera = stand.scene.cameras.seen(stand.scene.joints)
    pixels = stand.scene.cameras.project(camera)
    seen = track.by_frame[FIRST + 7]
    ours = [stand.scene.truth.skeleton.index(name) for name in seen.names]
    assert np.abs(seen.xy - pixels[7, ours]).max() < 0.01
    hips = stand.scene.truth.skeleton.hips
    assert seen.relative is not None and seen.sd_m is not None
    assert np.abs(seen.relative - (camera[7, ours] - camera[7, list(hips)].mean(0))).max() < 1e-5
    assert seen.sd_m.min() > 0.04 and seen.sd_px.min() >= 1.0 and seen.sd_px.max() < 20.0


def test_cuts_are_found(stand: Stand) -> None:
    takes = [np.random.default_rng(seed).integers(0, 255, (*SIZE[::-1], 3), np.uint8) for seed in (1, 2)]
    found = stand.see("ok", picture=lambda number: takes[number >= FIRST + 9])
    assert found.cuts == (FIRST + 9,)


def test_finished_chunks_are_not_run_again(stand: Stand) -> None:
    stand.see("ok")
    stand.see("ok")
    assert stand.calls == [FRAMES]


def test_another_command_or_camera_runs_again_and_a_moved_world_does_not(stand: Stand) -> None:
    stand.see("ok")
    stand.see("small")
    assert stand.calls == [16, 16, 8, 8, 8]
    inner, outer = stand.documents
    turn = np.array([[0.0, -2.0, 0.0, 1.0], [2.0, 0.0, 0.0, 2.0], [0.0, 0.0, 2.0, 3.0], [0.0, 0.0, 0.0, 1.0]])
    replace(stand, documents=(inner, _placed(outer, turn))).see("ok")
    assert len(stand.calls) == 5
    bent = np.diag([1.0, 1.0, 1.5, 1.0])
    replace(stand, documents=(inner, _placed(outer, bent))).see("ok")
    assert len(stand.calls) == 6


def _placed(extrinsics: Extrinsics, move: np.ndarray) -> Extrinsics:
    """The cameras in another world, whose axes may be stretched."""
    frames = []
    for one in extrinsics.frames:
        pose = move @ np.array(one.world_from_camera)
        pose[:3, :3] /= np.cbrt(np.linalg.det(pose[:3, :3]))
        frames.append(replace(one, world_from_camera=tuple(map(tuple, pose.tolist()))))
    return replace(extrinsics, frames=tuple(frames))


def test_a_damaged_chunk_is_made_again(stand: Stand) -> None:
    stand.see("ok")
    (kept,) = (stand.folder / "store").rglob("*.npz")
    kept.write_bytes(b"PK")
    assert len(stand.see("ok").tracks["ann"].frames) == FRAMES
    assert stand.calls == [FRAMES, FRAMES]


def test_too_little_memory_makes_chunks_smaller(stand: Stand) -> None:
    found = stand.see("small")
    assert stand.calls == [16, 8, 8, 8]
    assert len(found.tracks["ann"].frames) == FRAMES and "8 from now on" in found.notices[0]
    stand.see("small")
    assert len(stand.calls) == 4


def test_a_program_that_never_fits_says_so(stand: Stand) -> None:
    with pytest.raises(OutOfMemory, match="SAM 3D Body"):
        stand.see("never")


def test_people_whom_the_program_names_are_followed_over_chunks(stand: Stand) -> None:
    found = stand.see("small", labels=())
    assert list(found.tracks) == ["person_00", "person_01"]
    for track in found.tracks.values():
        assert len(track.frames) == FRAMES
        middle = np.array([seen.xy[0, 0] for seen in track.keypoints])
        assert np.abs(np.diff(middle)).max() < 30.0


def test_failures_say_what_happened(stand: Stand) -> None:
    for mode, said in (("broken", "exit code 1"), ("silent", "no result.npz"), ("wrong", "not asked for")):
        with pytest.raises(InternalError, match=said) as raised:
            stand.see(mode)
        if mode == "broken":
            assert "hmr4d" in raised.value.details["log"]
    with pytest.raises(InternalError, match="was not done"):
        stand.see("slow", timeout_s=0.2)


def test_a_cancel_ends_the_program(stand: Stand) -> None:
    def checkpoint(what: str, _done: int, _total: int) -> None:
        if what.endswith("runs"):
            raise JobCancelled("stopped")

    with pytest.raises(JobCancelled):
        stand.see("slow", checkpoint=checkpoint)


def test_what_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BACKLOT_MOCAP_COMMAND", "BACKLOT_ALLOW_NON_COMMERCIAL"):
        monkeypatch.delenv(name, raising=False)
    for command, said in ((None, "not set up"), ("no-such-program {request}", "not there"),
                          (shlex.quote(sys.executable), "request")):  # fmt: skip
        with pytest.raises(EngineUnavailable, match=said):
            find_program("sam-3d-body", command, non_commercial=False)
    with pytest.raises(EngineUnavailable, match="commercial"):
        find_program("gvhmr", "python {request}", non_commercial=False)


def test_joints_without_names_are_smpl_s(tmp_path: Path) -> None:
    request = Request("wham", (1, 2), (), 24.0, 64, 36, "cpu")
    joints = np.arange(2 * 24 * 3, dtype=float).reshape(2, 24, 3)
    np.savez(tmp_path / "result.npz", **{"0/frames": [1, 2], "0/joints": joints})
    seen = read_result(tmp_path / "result.npz", request)["0"]
    assert np.array_equal(seen.joints[:, seen.names.index("right_knee")], joints[:, 5])
    assert set(seen.names) == {name for name in SMPL_NAMES if name}
    np.savez(tmp_path / "result.npz", **{"0/frames": [1, 2], "0/joints": joints[:, :9]})
    with pytest.raises(ValueError, match="joint_names"):
        read_result(tmp_path / "result.npz", request)
