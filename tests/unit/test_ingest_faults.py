"""Damaged clips, full and read-only disks, and a process that is killed."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import pytest

from backend.media import reader
from backend.media.png import is_whole_png
from backend.pipeline import manifest
from shared.errors import DiskFull, FootageEmpty, FootageUnreadable, JobCancelled, ShotReadOnly
from shared.shot import ShotFolder
from tests.unit.media_clips import Recorder, ingest, noise, number_of, numbered, plate_image, write_images, write_video

ROOT = Path(__file__).resolve().parents[2]


def cut(path: Path, part: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    return path


CUT = [
    ("a.mp4", "libx264", {"movflags": "faststart"}, "yuv420p"),
    ("a.mkv", "libx264", {}, "yuv420p"),
    ("a.avi", "mpeg4", {}, "yuv420p"),
    ("p.mov", "prores_ks", {"movflags": "faststart"}, "yuv422p10le"),
    ("f.mkv", "ffv1", {}, "yuv420p"),
    ("x.mxf", "mpeg2video", {}, "yuv422p"),
]


@pytest.mark.parametrize("cores", [1, 16])
@pytest.mark.parametrize(("name", "codec", "container", "pix_fmt"), CUT, ids=[f"{c[1]}-{c[0]}" for c in CUT])
def test_a_clip_cut_in_the_middle_names_the_last_good_frame(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cores: int,
    name: str,
    codec: str,
    container: dict[str, str],
    pix_fmt: str,
) -> None:
    monkeypatch.setattr(reader, "cpu_count", lambda: cores)
    options = {"g": "12"} if codec == "libx264" else {}
    clip = write_video(
        tmp_path / name,
        (noise(i) for i in range(48)),
        codec=codec,
        rate=Fraction(25),
        pix_fmt=pix_fmt,
        options=options,
        container_options=container,
    )
    cut(clip, 0.6)
    with pytest.raises(FootageUnreadable, match=f"{name}.*(breaks off after|cannot be decoded)") as caught:
        ingest(clip, tmp_path / "shot")
    shot = ShotFolder(tmp_path / "shot")
    assert manifest.find(shot, "ingest") is None
    assert not shot.shot_json.exists()
    last = int(caught.value.remedy.split("last frame to ")[1].split(".")[0].split(" ")[0])
    assert 15 <= last <= 32
    shot, result = ingest(clip, tmp_path / "shot", frame_end=last)
    assert shot.frame_numbers() == list(range(1, last + 1))
    assert result.facts["frames"] == last


@pytest.mark.parametrize("name", ["c.mp4", "c.ts"])
@pytest.mark.parametrize("cores", [1, 16])
def test_damage_in_the_middle_names_the_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int, name: str
) -> None:
    monkeypatch.setattr(reader, "cpu_count", lambda: cores)
    clip = write_video(tmp_path / name, (noise(i) for i in range(40)), options={"g": "10"})
    data = bytearray(clip.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 20000] = b"\xff" * 20000
    clip.write_bytes(data)
    with pytest.raises(FootageUnreadable, match=r"Frame \d+ of c\.\w+ cannot be decoded.*last good frame is") as caught:
        ingest(clip, tmp_path / "shot")
    last = caught.value.details["frame"] - 1
    assert 15 <= last <= 22
    shot, _ = ingest(clip, tmp_path / "shot", frame_end=last)
    assert len(shot.frame_numbers()) == last


def test_without_its_index_a_movie_is_said_to_be_cut(tmp_path: Path) -> None:
    clip = cut(write_video(tmp_path / "c.mp4", (noise(i) for i in range(20))), 0.7)
    with pytest.raises(FootageUnreadable, match=r"c\.mp4 is cut off: its index \(the moov atom\) is missing"):
        ingest(clip, tmp_path / "shot")


def test_an_empty_clip(tmp_path: Path) -> None:
    (tmp_path / "zero.mp4").touch()
    with pytest.raises(FootageEmpty, match="0 bytes"):
        ingest(tmp_path / "zero.mp4", tmp_path / "shot")


def test_a_full_disk_is_said_and_continued_after(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small tmpfs needs root")
    try:
        clip = write_video(tmp_path / "c.mp4", (noise(i, 256, 256) for i in range(20)))
        with pytest.raises(DiskFull) as caught:
            ingest(clip, small / "shot")
        assert re.search(r"Free about \d+ MB", caught.value.remedy)
        shot = ShotFolder(small / "shot")
        files = list(shot.frames_dir.iterdir())
        assert files
        assert all(is_whole_png(path) for path in files), "something half-written is left"
        subprocess.run(["mount", "-o", "remount,size=16m", str(small)], check=True)
        _, result = ingest(clip, small / "shot")
        assert result.facts["resumed_frames"] == len(files)
        assert len(shot.frame_numbers()) == 20
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_read_only_shot(tmp_path: Path) -> None:
    folder = tmp_path / "ro"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting needs root")
    try:
        clip = write_video(tmp_path / "c.mp4", (numbered(i) for i in range(3)))
        with pytest.raises(ShotReadOnly):
            ingest(clip, folder / "shot")
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_killed_in_the_middle_it_continues(tmp_path: Path) -> None:
    clip = write_video(
        tmp_path / "c.mp4", (numbered(i, 1024, 512) for i in range(200)), options={"preset": "ultrafast"}
    )
    program = (
        "import os, sys; from pathlib import Path; from tests.unit.media_clips import Recorder, ingest\n"
        "class Killed(Recorder):\n"
        "    def progress(self, progress):\n"
        "        if progress.done >= 20: os.kill(os.getpid(), 9)\n"
        "ingest(Path(sys.argv[1]), Path(sys.argv[2]), Killed())"
    )
    code = subprocess.run([sys.executable, "-c", program, str(clip), str(tmp_path / "shot")], cwd=ROOT).returncode
    shot = ShotFolder(tmp_path / "shot")
    there = shot.frame_numbers()
    assert code == -9 and 20 <= len(there) < 200, "the process was not killed in the middle"
    assert all(is_whole_png(shot.frame_path(number)) for number in there)
    assert manifest.find(shot, "ingest") is None
    _, result = ingest(clip, tmp_path / "shot")
    assert result.facts["resumed_frames"] == len(there)
    assert [number_of(plate_image(shot, n)) for n in (1, 20, 21, 120, 200)] == [0, 19, 20, 119, 199]
    assert not list(shot.frames_dir.glob("*partial*"))


@pytest.mark.parametrize("kind", ["video", "images"])
def test_a_cancel_is_obeyed_at_once(tmp_path: Path, kind: str) -> None:
    if kind == "video":
        footage = write_video(
            tmp_path / "c.mp4", (noise(i, 640, 360) for i in range(150)), options={"preset": "ultrafast"}
        )
    else:
        footage = write_images(tmp_path / "plates", range(1, 400), "s.{:04d}.jpg")
    cancelling, threads = Recorder(cancel_at=5), threading.active_count()
    with pytest.raises(JobCancelled):
        ingest(footage, tmp_path / "shot", cancelling)
    assert cancelling.seen[-1].done <= 6, "the frame after is not begun"
    assert len(ShotFolder(tmp_path / "shot").frame_numbers()) < 100, "no more than was in the hands of threads"
    assert threading.active_count() <= threads
