"""The stage as a whole, with the floor's engine, whose truth is exact: files, gaps, resuming, the world, refusals."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import OpenEXR
import pytest

from backend.depth import engines
from backend.depth.engines import EngineRun
from backend.depth.frame import FrameDepth
from backend.depth.job import DepthJob
from backend.depth.memory import affordable
from backend.depth.outputs import read_depth, read_grey, write_grey
from backend.pipeline.runner import is_up_to_date, plan
from backend.stages import depth
from backend.world.change import WorldStep, change_world
from shared.camera_files import Similarity, read_camera
from shared.depth_meta import MissingDepth, read_depth_meta
from shared.errors import ArtifactMissing, FootageEmpty, InvalidParameter, JobCancelled, NoParallax, OutOfMemory
from shared.shot import ShotFolder, document_text
from shared.stages import stage_info
from tests.unit.depth_shot import PLAN, floor_depth, record, run_depth, shot_with_floor
from tests.unit.export_shot import Recorder

LENS = (-0.12, 0.02, 0.0, 0.0)


def relative_error(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Where both know a length that is not on the horizon, whose depth is infinitely steep."""
    use = np.isfinite(truth) & (truth < 60.0) & (found > 0.0)
    assert use.sum() > 0.5 * (np.isfinite(truth) & (truth < 60.0)).sum()
    return np.abs(found[use] / truth[use] - 1.0)


@pytest.mark.parametrize("resolution", ["full", "half"])
def test_the_floor_is_right_in_the_pixels_of_a_bent_anamorphic_plate(tmp_path: Path, resolution: str) -> None:
    shape = replace(PLAN, distortion=LENS, pixel_aspect=2.0)
    truth = shot_with_floor(tmp_path, shape)
    result, _ = run_depth(tmp_path, resolution=resolution)
    for index, number in enumerate(truth.frames):
        true = floor_depth(truth, index, LENS)
        found = read_depth(tmp_path / f"depth/frame_{number:04d}.exr")
        assert found.shape == true.shape == (54, 96) and found.dtype == np.float32
        assert relative_error(found, true).max() < (0.002 if resolution == "full" else 0.03)
        sky = np.isnan(true) & np.isnan(np.roll(true, -3, 0))
        assert (found[sky] == 0.0).all()  # above the horizon nothing is known: it is not called sky
        sure = read_grey(tmp_path / f"depth/confidence/frame_{number:04d}.png")
        assert 64 in sure and set(np.unique(sure)) <= {0, 64} and ((sure > 0) == (found > 0)).all()
    header = OpenEXR.File(str(tmp_path / "depth/frame_1001.exr")).header()
    assert header["pixelAspectRatio"] == 2.0
    assert result.facts["frames"] == 4 and result.facts["measured"] == 0.0


def test_normals_preview_video_and_meta(tmp_path: Path) -> None:
    truth = shot_with_floor(tmp_path)
    result, _ = run_depth(tmp_path)
    meta = read_depth_meta(tmp_path)
    assert (meta.engine, meta.units, meta.focal_source) == ("ground-plane", "arbitrary", "solved")
    assert meta.frames == (1001, 1002, 1003, 1004)
    assert (meta.width, meta.height, meta.world_revision, meta.missing) == (96, 54, 0, ())
    depth = read_depth(tmp_path / "depth/frame_1002.exr")
    assert meta.near == pytest.approx(np.percentile(depth[depth > 0], 0.5), rel=0.05)
    channels = OpenEXR.File(str(tmp_path / "depth/normals/frame_1002.exr"), separate_channels=True).channels()
    normals = np.dstack([channels[name].pixels for name in "XYZ"])
    up = truth.poses[1, :3, :3].T @ (0.0, 0.0, 1.0)  # the floor's, in the camera
    assert normals.dtype == np.float32 and np.allclose(normals[40:, :], up, atol=0.02)
    preview = read_grey(tmp_path / "depth/preview/frame_1002.png")
    rows = preview[:, 48].astype(int)
    assert (np.diff(rows[rows > 0]) >= 0).all() and rows[-1] > 200 and (preview[depth == 0] == 0).all()
    with av.open(str(tmp_path / "depth/depth.mp4")) as file:
        stream = file.streams.video[0]
        frames = [frame.to_ndarray(format="gray") for frame in file.decode(stream)]
        assert stream.average_rate == Fraction(24000, 1001) and len(frames) == 4 and frames[0].shape == (54, 96)
    assert np.abs(frames[1].astype(int) - preview).mean() < 4.0
    kinds = {artifact.kind: artifact for artifact in result.artifacts}
    assert set(kinds) == {"depth", "depth-confidence", "depth-preview", "depth-normals", "depth-meta", "depth-video"}
    assert all(artifact.bytes for artifact in kinds.values()) and kinds["depth"].frames == (1001, 1004)


def test_no_normals_when_they_are_not_wanted(tmp_path: Path) -> None:
    shot_with_floor(tmp_path)
    run_depth(tmp_path)
    result, _ = run_depth(tmp_path, normals=False)
    assert "depth-normals" not in {artifact.kind for artifact in result.artifacts}
    assert not list((tmp_path / "depth").glob("normals/*"))


def test_frames_without_a_pose_have_no_depth_and_it_is_said(tmp_path: Path) -> None:
    shot_with_floor(tmp_path, replace(PLAN, count=6, failed=(1003, 1004)))
    result, notices = run_depth(tmp_path, frame_start=1002, frame_end=1005)
    meta = read_depth_meta(tmp_path)
    assert meta.frames == (1002, 1005) and [gap.first for gap in meta.missing] == [1003]
    assert meta.missing == (MissingDepth(1003, 1004, "the solve has no camera pose there"),)
    assert sorted(path.name for path in (tmp_path / "depth").glob("*.exr")) == ["frame_1002.exr", "frame_1005.exr"]
    assert any("1003-1004" in notice for notice in notices) and result.facts["frames_without_depth"] == 2
    with av.open(str(tmp_path / "depth/depth.mp4")) as file:
        assert sum(1 for _ in file.decode(video=0)) == 4  # black where there is none: times stay


def test_a_range_without_frames_or_poses_is_an_error(tmp_path: Path) -> None:
    shot_with_floor(tmp_path, replace(PLAN, failed=(1002,)))
    with pytest.raises(FootageEmpty, match="1001 to 1004"):
        run_depth(tmp_path, frame_start=1, frame_end=20)
    with pytest.raises(ArtifactMissing, match="has a camera pose"):
        run_depth(tmp_path, frame_start=1002, frame_end=1002)
    with pytest.raises(InvalidParameter, match="end before"):
        run_depth(tmp_path, frame_start=9, frame_end=8)
    assert not (tmp_path / "depth").exists()


def test_without_an_up_there_is_no_floor(tmp_path: Path) -> None:
    shot_with_floor(tmp_path, up_source="none")
    with pytest.raises(ArtifactMissing, match="what is up"):
        run_depth(tmp_path)


def test_a_floor_that_is_not_below_the_camera_wants_the_cameras_height(tmp_path: Path) -> None:
    truth = shot_with_floor(tmp_path)
    lower = WorldStep(Similarity(1.0, np.eye(3).tolist(), (0.0, 0.0, -5.0)), "picked", "none", "arbitrary")
    change_world(tmp_path, lambda camera: lower)
    with pytest.raises(ArtifactMissing, match="not below the camera"):
        run_depth(tmp_path)
    height = float(np.median(truth.poses[:, 2, 3]))
    run_depth(tmp_path, camera_height=height)
    assert relative_error(read_depth(tmp_path / "depth/frame_1003.exr"), floor_depth(truth, 2)).max() < 0.002


@pytest.mark.parametrize("motion", ["nodal", "locked"])
def test_a_camera_without_parallax_is_refused_with_the_remedy(tmp_path: Path, motion: str) -> None:
    shot_with_floor(tmp_path)
    shot = ShotFolder(tmp_path)
    said = read_camera(tmp_path).extrinsics
    frames = tuple(replace(frame, motion=motion) for frame in said.frames)
    shot.extrinsics.write_text(document_text(replace(said, frames=frames)), encoding="utf-8")
    with pytest.raises(NoParallax, match="no parallax") as still:
        run_depth(tmp_path, engine="mvs")
    assert "ground-plane" in still.value.remedy and "learned" in still.value.remedy
    assert not (tmp_path / "depth").exists()


def test_a_camera_without_points_is_told_what_it_lacks(tmp_path: Path) -> None:
    shot_with_floor(tmp_path)
    ShotFolder(tmp_path).cloud.unlink()
    with pytest.raises(ArtifactMissing, match="without points"):
        run_depth(tmp_path, engine="auto")


def test_a_camera_that_hardly_travels_is_refused_or_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shot_with_floor(tmp_path, replace(PLAN, travel=0.001))
    poses = read_camera(tmp_path).extrinsics
    still = tuple(replace(frame, world_from_camera=poses.frames[0].world_from_camera) for frame in poses.frames)
    ShotFolder(tmp_path).extrinsics.write_text(document_text(replace(poses, frames=still)), encoding="utf-8")
    with pytest.raises(NoParallax, match="too little"):
        run_depth(tmp_path, engine="mvs")
    shot_with_floor(tmp_path / "other", replace(PLAN, travel=0.1))
    monkeypatch.setattr(engines, "_mvs", instead(constant))
    _, notices = run_depth(tmp_path / "other", engine="mvs")
    assert any("travels little" in notice for notice in notices)


Frames = Callable[[DepthJob, Sequence[int]], Iterator[FrameDepth]]


def instead(frames: Frames) -> Callable[[DepthJob, Sequence[int]], EngineRun]:
    """An engine that is made up of its frames."""
    return lambda job, left: EngineRun(frames(job, left))


def constant(job: DepthJob, left: Sequence[int]) -> Iterator[FrameDepth]:
    """Stands in for an engine: depth 7, measured left of the middle, filled right of it; nothing for frame 1003."""
    for index in left:
        number = job.pictures.numbers[index]
        if number == 1003:
            continue
        sure = np.full(job.pictures.working.size, 0.25, np.float32)
        sure[:, :48] = 0.75
        yield FrameDepth(number, np.full(job.pictures.working.size, 7.0, np.float32), sure)


def test_open_holes_and_frames_that_the_engine_has_nothing_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shot_with_floor(tmp_path)
    monkeypatch.setattr(engines, "_mvs", instead(constant))
    result, notices = run_depth(tmp_path, engine="auto", holes="keep")
    assert result.engine == "mvs" and any("1003" in notice for notice in notices)
    depth = read_depth(tmp_path / "depth/frame_1002.exr")
    assert (depth[:, :48] == 7.0).all() and (depth[:, 48:] == 0.0).all()
    meta = read_depth_meta(tmp_path)
    assert meta.known == meta.measured == 0.5 and meta.missing[0].first == 1003
    run_depth(tmp_path, engine="auto")
    assert (read_depth(tmp_path / "depth/frame_1002.exr") == 7.0).all()


def test_depth_without_a_single_pixel_is_an_error_and_not_a_result(tmp_path: Path) -> None:
    shot_with_floor(tmp_path)
    with pytest.raises(ArtifactMissing, match="Not one pixel") as empty:
        run_depth(tmp_path, holes="keep")  # the floor is never measured
    assert "--depth-holes" in empty.value.remedy and not (tmp_path / "depth").exists()


def test_a_stopped_stage_goes_on_and_an_earlier_result_stays_until_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot_with_floor(tmp_path)
    run_depth(tmp_path)
    before = (tmp_path / "depth/frame_1001.exr").read_bytes()
    asked: list[int] = []

    def counted(job: DepthJob, left: Sequence[int]) -> Iterator[FrameDepth]:
        for found in constant(job, left):
            asked.append(found.number)
            yield found

    monkeypatch.setattr(engines, "_mvs", instead(counted))
    with pytest.raises(JobCancelled):
        run_depth(tmp_path, Recorder(cancel_at=2), engine="mvs")
    done = list(asked)
    assert 1 <= len(done) < 3 and (tmp_path / "depth/frame_1001.exr").read_bytes() == before
    seen = Recorder()
    run_depth(tmp_path, seen, engine="mvs")
    assert asked == [1001, 1002, 1004]  # each once
    assert (read_depth(tmp_path / "depth/frame_1001.exr") == 7.0).all()
    counts = [progress.done for progress in seen.seen]
    assert counts == sorted(counts) and counts[-1] > 0.95 * seen.seen[-1].total
    assert {progress.note for progress in seen.seen} == {"Finding depth", "Writing depth", "Writing previews"}


def test_the_world_moves_the_depth_and_runs_nothing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shot_with_floor(tmp_path)
    shot = ShotFolder(tmp_path)
    monkeypatch.setattr(engines, "_mvs", instead(constant))
    result, _ = run_depth(tmp_path, engine="mvs")
    record(tmp_path, result, engine="mvs")
    was = read_depth_meta(tmp_path)
    step = WorldStep(Similarity(2.5, np.eye(3).tolist(), (0.0, 0.0, 1.0)), "picked", "two-points", "metres")
    change_world(tmp_path, lambda camera: step)
    meta = read_depth_meta(tmp_path)
    assert (read_depth(tmp_path / "depth/frame_1001.exr") == 17.5).all()
    assert meta.near == pytest.approx(2.5 * was.near) and meta.far == pytest.approx(2.5 * was.far)
    assert (meta.units, meta.world_revision) == ("metres", 1)
    wanted = plan(stage_info("depth"), {"engine": "mvs", "iterations": 0}, shot, "")
    assert is_up_to_date(wanted, shot) is not None
    floor = plan(stage_info("depth"), {"engine": "ground-plane"}, shot, "")
    assert floor.inputs["camera"] != wanted.inputs["camera"]  # a floor that moved is another floor


def test_new_masks_and_a_new_solve_make_it_out_of_date(tmp_path: Path) -> None:
    shot_with_floor(tmp_path)
    shot = ShotFolder(tmp_path)

    def key() -> str:
        return plan(stage_info("depth"), {}, shot, "").key

    keys = {key()}
    (shot.roto_dir / "car").mkdir(parents=True)
    (shot.roto_dir / "car/frame_1001.png").write_bytes(b"mask")
    keys.add(key())
    shot.motion_dir.mkdir()
    (shot.motion_dir / "frame_1001.png").write_bytes(b"mask")
    keys.add(key())
    shot.report.write_text(json.dumps({"facts": {}}), encoding="utf-8")
    keys.add(key())
    assert len(keys) == 4 and key() in keys


def test_frames_are_made_to_agree_and_a_stop_in_it_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = shot_with_floor(tmp_path)
    floors = [np.nan_to_num(floor_depth(truth, index)) for index in range(4)]

    def noisy(job: DepthJob, left: Sequence[int]) -> Iterator[FrameDepth]:
        for index in left:
            depth = floors[index] * (1.0 + 0.01 * np.random.default_rng(index).standard_normal(floors[index].shape))
            sure = np.where(depth > 0, 0.9, 0.0).astype(np.float32)
            yield FrameDepth(job.pictures.numbers[index], depth.astype(np.float32), sure)

    def error() -> float:
        found = read_depth(tmp_path / "depth/frame_1002.exr")
        return float(np.median(relative_error(found, floor_depth(truth, 1))))

    monkeypatch.setattr(engines, "_mvs", instead(noisy))
    run_depth(tmp_path, engine="mvs")
    before = error()
    stopped = Recorder(cancel_at=8)
    with pytest.raises(JobCancelled):
        run_depth(tmp_path, stopped, engine="mvs", iterations=1)
    assert stopped.seen[-1].note == "Making frames agree"
    monkeypatch.setattr(engines, "_mvs", instead(lambda job, left: iter(())))  # all are there: nobody is asked again
    run_depth(tmp_path, engine="mvs", iterations=1)
    assert error() < 0.7 * before


def test_memory_does_not_grow_with_the_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def seeing(job: DepthJob, left: Sequence[int]) -> Iterator[FrameDepth]:
        for index in left:
            depth = 1.0 + job.pictures.gray(index).astype(np.float32)
            assert job.pictures.usable(index).all() and job.pictures.rgb(index).shape == (*depth.shape, 3)
            yield FrameDepth(job.pictures.numbers[index], depth, np.full_like(depth, 0.9))

    def peak(frames: int) -> int:
        root = tmp_path / str(frames)
        shot_with_floor(root, replace(PLAN, count=frames, width=160, height=90))
        tracemalloc.start()
        try:
            run_depth(root, engine="mvs", normals=False)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    monkeypatch.setattr(engines, "_mvs", instead(seeing))
    peak(3)  # what is loaded once
    a_map = 160 * 90 * 4
    # Cameras and names, no pictures. Over many frames: how many threads have one in their hands is chance.
    assert (peak(34) - peak(10)) / 24 < 0.2 * a_map


def test_what_moves_is_estimated_where_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody stands 1 m wide and 1.5 m tall on the floor before the camera: a roto label covers the place."""
    truth = shot_with_floor(tmp_path, replace(PLAN, width=192, height=108, focal_px=(180.0, 180.0)))
    foot = np.array([0.0, -2.0, 0.0])
    floors = [np.nan_to_num(floor_depth(truth, index)) for index in range(4)]
    places: dict[int, tuple[slice, slice]] = {}
    (tmp_path / "roto/person").mkdir(parents=True)
    for index, number in enumerate(truth.frames.tolist()):
        corners = truth.project(index, foot + np.array([[-0.5, 0.0, 0.0], [0.5, 0.0, 1.5]]))
        (left, bottom), (right, top) = corners
        places[number] = slice(int(top), int(bottom) + 1), slice(int(left), int(right) + 1)
        mask = np.zeros((108, 192), np.uint8)
        mask[places[number]] = 255
        write_grey(tmp_path / f"roto/person/frame_{number:04d}.png", mask)

    def the_floor(job: DepthJob, left: Sequence[int]) -> Iterator[FrameDepth]:
        for index in left:
            sure = np.where(floors[index] > 0, 0.9, 0.0).astype(np.float32)
            yield FrameDepth(job.pictures.numbers[index], floors[index].astype(np.float32), sure)

    monkeypatch.setattr(engines, "_mvs", instead(the_floor))
    run_depth(tmp_path, engine="mvs")
    for index, number in enumerate(truth.frames.tolist()):
        stands = (foot - truth.poses[index, :3, 3]) @ truth.poses[index, :3, 2]
        depth = read_depth(tmp_path / f"depth/frame_{number:04d}.exr")[places[number]]
        sure = read_grey(tmp_path / f"depth/confidence/frame_{number:04d}.png")[places[number]]
        assert ((sure > 0) & (sure < 128)).mean() > 0.95
        assert abs(np.median(depth[-5:]) / stands - 1.0) < 0.03  # at the feet; its head leans out of the picture plane


def test_too_little_memory_on_the_device_goes_on_with_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot_with_floor(tmp_path)
    asked: list[tuple[str, int]] = []

    def greedy(job: DepthJob, left: Sequence[int]) -> Iterator[FrameDepth]:
        for found in constant(job, left):
            asked.append((job.device, found.number))
            if job.device != "cpu" and found.number == 1002:
                raise MemoryError
            yield found

    monkeypatch.setattr(engines, "_mvs", instead(greedy))
    _, notices = run_depth(tmp_path, engine="mvs", device="cuda:0")
    assert asked == [("cuda:0", 1001), ("cuda:0", 1002), ("cpu", 1002), ("cpu", 1004)]
    assert any("processor goes on" in notice for notice in notices)
    monkeypatch.setattr(engines, "_mvs", lambda job, left: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(OutOfMemory, match="too little memory"):
        run_depth(tmp_path, engine="mvs", holes="keep")


def test_a_plate_too_large_for_the_memory_is_worked_on_at_half_resolution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert affordable(2_000_000, False, 8e9) == (False, "") and affordable(2_000_000, True, 8e9) == (True, "")
    half, notice = affordable(2_000_000, False, 2e9)
    assert half and "2.9 GB" in notice and "1.9 GB are free" in notice and "half resolution" in notice
    assert "may run out" in affordable(8_000_000, False, 2e9)[1]
    shot_with_floor(tmp_path)
    sizes: list[tuple[int, int]] = []

    def sized(job: DepthJob, left: Sequence[int]) -> Iterator[FrameDepth]:
        sizes.append(job.pictures.working.size)
        yield from constant(job, left)

    monkeypatch.setattr(engines, "_mvs", instead(sized))
    monkeypatch.setattr(depth, "free_bytes", lambda: 3e8)
    _, notices = run_depth(tmp_path, engine="mvs")
    assert sizes == [(27, 48)] and any("half resolution" in notice for notice in notices)
