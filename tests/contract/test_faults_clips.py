"""Clips that are broken, tiny, cut or strangely named, through the real backend: a clear error or a whole
plate, and nothing in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from shared.camera_files import read_camera
from shared.errors import BacklotError, from_wire
from shared.messages import DONE, FAILED, JobRequest, JobStatus
from tests.contract.backend_process import BackendProcess
from tests.contract.clips import noise, travelling, write_clip
from tests.contract.shot_checks import assert_nothing_half_written, frames_of, is_complete
from tests.contract.wire_client import WireClient

LIMIT_S = 120.0


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackendProcess]:
    with BackendProcess(tmp_path_factory.mktemp("backend") / "home") as backend:
        yield backend


@pytest.fixture
def client(backend: BackendProcess) -> Iterator[WireClient]:
    with backend.client() as client:
        yield client


def ingest(shot: Path, footage: Path) -> JobRequest:
    return JobRequest(str(shot), str(footage), ("ingest",))


def solve(shot: Path, footage: Path) -> JobRequest:
    return JobRequest(str(shot), str(footage), ("solve",), {"solve": {"quality": "low"}})


def error_of(status: JobStatus) -> BacklotError:
    assert status.state == FAILED and status.error is not None, status
    error = from_wire(status.error)
    assert error.remedy, "an error says what to do"
    return error


def test_a_clip_that_is_not_there(client: WireClient, tmp_path: Path) -> None:
    status = client.run(ingest(tmp_path / "shot", tmp_path / "nothing.mp4"), LIMIT_S)
    assert error_of(status).code == "footage-not-found"
    assert "nothing.mp4" in error_of(status).message


def test_a_zero_byte_clip(client: WireClient, tmp_path: Path) -> None:
    clip = tmp_path / "empty.mp4"
    clip.touch()
    assert error_of(client.run(ingest(tmp_path / "shot", clip), LIMIT_S)).code == "footage-empty"
    assert frames_of(tmp_path / "shot") == []
    assert_nothing_half_written(tmp_path / "shot")


def test_a_file_that_is_no_clip(client: WireClient, tmp_path: Path) -> None:
    clip = tmp_path / "letter.mp4"
    clip.write_text("Dear editor, " * 1000)
    assert error_of(client.run(ingest(tmp_path / "shot", clip), LIMIT_S)).code == "footage-unreadable"
    assert_nothing_half_written(tmp_path / "shot")


def test_a_clip_cut_off_before_its_index(client: WireClient, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "cut.mp4", noise(12))
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    assert error_of(client.run(ingest(tmp_path / "shot", clip), LIMIT_S)).code == "footage-unreadable"
    assert not is_complete(tmp_path / "shot", "ingest")
    assert_nothing_half_written(tmp_path / "shot")


def test_a_clip_cut_off_in_the_middle(client: WireClient, tmp_path: Path) -> None:
    """A streamable container still plays up to the cut: its whole frames, or a clear refusal."""
    clip = write_clip(tmp_path / "cut.mkv", noise(12))
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    status = client.run(ingest(tmp_path / "shot", clip), LIMIT_S)
    assert_nothing_half_written(tmp_path / "shot")
    if status.state == FAILED:
        assert error_of(status).code == "footage-unreadable"
    else:
        assert 1 <= len(frames_of(tmp_path / "shot")) < 12
        assert status.notices, "the user hears that frames are missing"


def test_a_clip_of_one_frame(client: WireClient, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "one.mp4", travelling(1))
    assert client.run(ingest(tmp_path / "shot", clip), LIMIT_S).state == DONE
    assert frames_of(tmp_path / "shot") == ["frame_0001.png"]


def test_a_clip_of_one_frame_has_no_camera(client: WireClient, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "one.mp4", travelling(1))
    assert error_of(client.run(solve(tmp_path / "shot", clip), LIMIT_S)).code == "clip-too-short"
    assert not (tmp_path / "shot" / "camera" / "extrinsics.json").exists()
    assert_nothing_half_written(tmp_path / "shot")


def test_a_clip_with_a_cut_names_the_frame(client: WireClient, tmp_path: Path) -> None:
    frames = [*travelling(15, seed=1), *travelling(15, seed=2)]
    clip = write_clip(tmp_path / "two.mp4", frames)
    error = error_of(client.run(solve(tmp_path / "shot", clip), LIMIT_S))
    assert error.code == "cut-in-clip"
    assert "16" in error.message, "the first frame after the cut"
    assert not (tmp_path / "shot" / "camera" / "extrinsics.json").exists()


def test_a_camera_that_does_not_travel(client: WireClient, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "tripod.mp4", travelling(15, step=0.0))
    status = client.run(solve(tmp_path / "shot", clip), LIMIT_S)
    assert status.state == DONE, status.error
    camera = read_camera(tmp_path / "shot")
    assert {frame.motion for frame in camera.extrinsics.frames} == {"nodal"}
    places = {tuple(row[3] for row in frame.world_from_camera or ()) for frame in camera.extrinsics.frames}
    assert len(places) == 1, "it turns about one point"
    with np.load(tmp_path / "shot" / "camera" / "points.npz") as cloud:
        assert cloud["at_infinity"].all()


def test_a_clip_without_features(client: WireClient, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "sky.mp4", [np.full((240, 320, 3), 128, np.uint8)] * 15)
    assert error_of(client.run(solve(tmp_path / "shot", clip), LIMIT_S)).code == "too-few-features"


@pytest.mark.parametrize("name", ["with space", "Straße – 日本語", 'quote\'s "double" & $HOME; #1 100%'])
def test_strange_paths(client: WireClient, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    clip = write_clip(folder / f"{name}.mp4", travelling(3))
    status = client.run(ingest(folder / f"{name} shot", clip), LIMIT_S)
    assert status.state == DONE, status.error
    assert len(frames_of(folder / f"{name} shot")) == 3
    assert json.loads((folder / f"{name} shot" / "shot.json").read_text("utf-8"))["footage"] == str(clip)
    frame = np.load(client.call("plate.frame", shot=status.request.shot, frame=2)["path"], mmap_mode="r")
    assert (frame.shape, frame.dtype) == ((240, 320, 3), np.uint8)


def test_another_clip_for_the_same_shot_is_refused(client: WireClient, tmp_path: Path) -> None:
    first, second = write_clip(tmp_path / "a.mp4", travelling(3)), write_clip(tmp_path / "b.mp4", travelling(4))
    client.run(ingest(tmp_path / "shot", first), LIMIT_S)
    assert error_of(client.run(ingest(tmp_path / "shot", second), LIMIT_S)).code == "footage-changed"
    assert len(frames_of(tmp_path / "shot")) == 3


def test_a_second_run_is_skipped(client: WireClient, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", travelling(3))
    assert not client.run(ingest(tmp_path / "shot", clip), LIMIT_S).results[0].skipped
    assert client.run(ingest(tmp_path / "shot", clip), LIMIT_S).results[0].skipped


def test_a_device_that_is_not_there(client: WireClient, tmp_path: Path) -> None:
    request = JobRequest(str(tmp_path / "shot"), "/a.mp4", ("ingest",), device="cuda:7")
    error = error_of(client.run(request, LIMIT_S))
    assert error.code == "engine-unavailable" and "cuda:7" in error.message
