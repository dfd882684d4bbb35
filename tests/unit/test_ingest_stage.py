"""The ingest stage through the pipeline: what lies in the shot folder afterwards."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import OpenEXR
import pytest

from backend.media.png import is_whole_png
from backend.pipeline import manifest
from shared.errors import FootageChanged, FootageNotFound, FootageUnreadable, JobCancelled
from shared.shot import ShotFolder
from tests.unit.media_clips import (
    Recorder,
    ingest,
    number_of,
    numbered,
    plate_image,
    write_images,
    write_video,
)


def digests(shot: ShotFolder) -> dict[str, str]:
    return {path.name: hashlib.sha1(path.read_bytes()).hexdigest() for path in shot.frames_dir.iterdir()}


def test_a_video_becomes_a_plate(tmp_path: Path) -> None:
    rate = Fraction(24000, 1001)
    clip = write_video(tmp_path / "a clip é.mp4", (numbered(i) for i in range(12)), rate=rate)
    observer = Recorder()
    shot, result = ingest(clip, tmp_path / "shot é", observer)
    assert shot.frame_numbers() == list(range(1, 13))
    assert [number_of(plate_image(shot, n)) for n in range(1, 13)] == list(range(12))
    document = shot.read()
    assert document.footage == str(clip)
    assert document.facts.rate == rate
    assert document.originals == ""
    assert (result.engine, result.facts["frames"], result.artifacts[0].frames) == ("pyav", 12, (1, 12))
    done = [p for p in observer.seen if p.frame is not None]
    assert [p.done for p in done] == list(range(1, 13))
    assert {p.total for p in done} == {12}


def test_the_same_again_is_skipped_and_other_parameters_are_not(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "c.mp4", (numbered(i) for i in range(6)))
    shot, _ = ingest(clip, tmp_path / "shot")
    before, identity = digests(shot), shot.read().id
    assert ingest(clip, tmp_path / "shot")[1].skipped
    _, result = ingest(clip, tmp_path / "shot", frame_start=3, frame_end=4)
    assert not result.skipped
    assert shot.frame_numbers() == [3, 4]
    assert digests(shot) == {name: before[name] for name in ("frame_0003.png", "frame_0004.png")}
    assert shot.read().id == identity


def test_sequence_numbers_survive(tmp_path: Path) -> None:
    write_images(tmp_path / "plates", [*range(1001, 1004), 1006, 123456])
    shot, _ = ingest(tmp_path / "plates" / "shot.####.png", tmp_path / "shot", frame_start=1002)
    assert sorted(p.name for p in shot.frames_dir.iterdir()) == [
        "frame_1002.png",
        "frame_1003.png",
        "frame_1006.png",
        "frame_123456.png",
    ]
    assert number_of(plate_image(shot, 1006)) == 1006 % 256


def test_plain_pngs_are_copied_and_others_are_made_plain(tmp_path: Path) -> None:
    plates = write_images(tmp_path / "plates", [1])
    alpha = np.dstack([cv2.cvtColor(numbered(2), cv2.COLOR_RGB2BGR), np.full((64, 128), 9, np.uint8)])
    cv2.imwrite(str(plates / "shot.0002.png"), alpha)
    shot, _ = ingest(plates, tmp_path / "shot")
    assert shot.frame_path(1).read_bytes() == (plates / "shot.0001.png").read_bytes()
    second = cv2.imread(str(shot.frame_path(2)), cv2.IMREAD_UNCHANGED)
    assert second.shape == (64, 128, 3)
    assert number_of(second) == 2


def test_deep_footage_is_a_sixteen_bit_plate(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "c.mov", [numbered(5)] * 3, codec="prores_ks", pix_fmt="yuv422p10le")
    shot, result = ingest(clip, tmp_path / "shot")
    assert plate_image(shot, 2).dtype == np.uint16
    assert result.facts["bit_depth"] == 10


def test_exr_stays_where_it_is_and_the_plate_is_a_proxy(tmp_path: Path) -> None:
    folder = tmp_path / "renders"
    folder.mkdir()
    for number in (1001, 1002):
        pixels = {"RGB": np.full((16, 32, 3), 0.5, np.float16)}
        OpenEXR.File({"type": OpenEXR.scanlineimage}, pixels).write(str(folder / f"r.{number}.exr"))
    shot, _ = ingest(folder, tmp_path / "shot")
    document = shot.read()
    assert document.originals == str(folder / "r.####.exr")
    assert document.facts.proxy
    assert plate_image(shot, 1001)[0, 0].tolist() == [188, 188, 188]


def test_cancel_then_continue(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "c.mp4", (numbered(i) for i in range(60)))
    with pytest.raises(JobCancelled):
        ingest(clip, tmp_path / "shot", Recorder(cancel_at=10))
    shot = ShotFolder(tmp_path / "shot")
    kept = digests(shot)
    assert 10 <= len(kept) < 60
    assert all(is_whole_png(shot.frames_dir / name) for name in kept)
    assert manifest.find(shot, "ingest") is None
    stamps = {name: (shot.frames_dir / name).stat().st_mtime_ns for name in kept}
    _, result = ingest(clip, tmp_path / "shot")
    assert result.facts["resumed_frames"] == len(kept)
    assert shot.frame_numbers() == list(range(1, 61))
    assert {name: (shot.frames_dir / name).stat().st_mtime_ns for name in kept} == stamps
    assert [number_of(plate_image(shot, n)) for n in range(1, 61)] == list(range(60))


def test_frames_broken_by_a_power_cut_are_made_again(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "c.mp4", (numbered(i) for i in range(30)))
    with pytest.raises(JobCancelled):
        ingest(clip, tmp_path / "shot", Recorder(cancel_at=8))
    shot = ShotFolder(tmp_path / "shot")
    shot.frame_path(2).write_bytes(b"")
    shot.frame_path(3).write_bytes(bytes(len(shot.frame_path(3).read_bytes())))
    ingest(clip, tmp_path / "shot")
    assert [number_of(plate_image(shot, n)) for n in range(1, 31)] == list(range(30))


def test_frames_of_another_clip_are_not_resumed(tmp_path: Path) -> None:
    first = write_video(tmp_path / "a.mp4", (numbered(i) for i in range(30)))
    second = write_video(tmp_path / "b.mp4", (numbered(i + 100) for i in range(20)))
    with pytest.raises(JobCancelled):
        ingest(first, tmp_path / "shot", Recorder(cancel_at=25))
    shot, result = ingest(second, tmp_path / "shot")
    assert result.facts["resumed_frames"] == 0
    assert [number_of(plate_image(shot, n)) for n in shot.frame_numbers()] == list(range(100, 120))


def test_a_deleted_frame_is_noticed(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "c.mp4", (numbered(i) for i in range(6)))
    shot, _ = ingest(clip, tmp_path / "shot")
    shot.frame_path(4).unlink()
    assert not ingest(clip, tmp_path / "shot")[1].skipped
    assert shot.frame_numbers() == list(range(1, 7))


def test_the_plate_serves_while_its_footage_is_away(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "c.mp4", (numbered(i) for i in range(6)))
    ingest(clip, tmp_path / "shot")
    clip.unlink()
    assert ingest(clip, tmp_path / "shot")[1].skipped
    with pytest.raises(FootageNotFound):
        ingest(clip, tmp_path / "shot", frame_start=2)


def test_a_failing_new_clip_leaves_the_old_plate(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "c.mp4", (numbered(i) for i in range(6)))
    shot, _ = ingest(clip, tmp_path / "shot")
    before = digests(shot)
    (tmp_path / "bad.mp4").write_bytes(b"\0" * 5000)
    with pytest.raises(FootageChanged, match="not of"):
        ingest(tmp_path / "bad.mp4", tmp_path / "shot")
    assert digests(shot) == before
    whole = clip.read_bytes()
    clip.write_bytes(b"\0" * 5000)
    with pytest.raises(FootageUnreadable):
        ingest(clip, tmp_path / "shot")
    assert digests(shot) == before
    clip.write_bytes(whole)
    assert ingest(clip, tmp_path / "shot")[1].skipped


def test_a_new_plate_takes_the_place_of_the_old_one_only_when_it_is_whole(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "c.mp4", (numbered(i) for i in range(60)))
    shot, _ = ingest(clip, tmp_path / "shot")
    before = digests(shot)
    with pytest.raises(JobCancelled):
        ingest(clip, tmp_path / "shot", Recorder(cancel_at=20), frame_start=5)
    assert digests(shot) == before
    assert ingest(clip, tmp_path / "shot")[1].skipped
    ingest(clip, tmp_path / "shot", frame_start=5)
    assert shot.frame_numbers() == list(range(5, 61))


def test_a_clip_that_was_only_moved_is_still_the_shots_own(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "c.mp4", (numbered(i) for i in range(6)))
    ingest(clip, tmp_path / "shot")
    moved = clip.rename(tmp_path / "moved.mp4")
    assert ingest(moved, tmp_path / "shot")[1].skipped


def test_a_sequence_that_loses_a_frame_meanwhile(tmp_path: Path) -> None:
    plates = write_images(tmp_path / "plates", range(1, 40), "shot.{:04d}.jpg")

    class Deleting(Recorder):
        def is_cancelled(self) -> bool:
            (plates / "shot.0030.jpg").unlink(missing_ok=True)
            return False

    class AfterListing(Deleting):
        def is_cancelled(self) -> bool:
            return super().is_cancelled() if any(p.frame for p in self.seen) else False

    with pytest.raises(FootageChanged, match="Frame 30"):
        ingest(plates, tmp_path / "shot", AfterListing())
    assert manifest.find(ShotFolder(tmp_path / "shot"), "ingest") is None
