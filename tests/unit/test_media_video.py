"""Probing and reading real encoded videos."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from backend.media import reader
from backend.media.probe import probe
from backend.media.reader import open_footage, read_take
from backend.media.take import plan_take
from shared.errors import FootageEmpty, FootageNotFound, FootageUnreadable, InvalidParameter
from shared.stages import IngestParams
from tests.unit.media_clips import number_of, numbered, write_flat_yuv, write_video

NTSC_FILM = Fraction(24000, 1001)

CONTAINERS = [
    ("h264.mp4", "libx264", "yuv420p", {}),
    ("h264.mov", "libx264", "yuv420p", {}),
    ("h264.mkv", "libx264", "yuv420p", {}),
    ("h264.ts", "libx264", "yuv420p", {}),
    ("mpeg4.avi", "mpeg4", "yuv420p", {"q": "2"}),
    ("vp9.webm", "libvpx-vp9", "yuv420p", {"deadline": "realtime", "cpu-used": "8"}),
    ("mpeg2.mxf", "mpeg2video", "yuv422p", {"b": "20M"}),
    ("prores.mov", "prores_ks", "yuv422p10le", {}),
    ("ffv1.mkv", "ffv1", "yuv444p10le", {}),
    ("hevc10.mp4", "libx265", "yuv420p10le", {"x265-params": "log-level=none"}),
    ("raw.h264", "libx264", "yuv420p", {}),
]


@pytest.mark.parametrize(("name", "codec", "pix_fmt", "options"), CONTAINERS, ids=[c[0] for c in CONTAINERS])
def test_every_container_gives_all_frames_in_order(
    tmp_path: Path, name: str, codec: str, pix_fmt: str, options: dict[str, str]
) -> None:
    rate = Fraction(25) if name.endswith(".mxf") else NTSC_FILM
    size = (256, 128)
    clip = write_video(
        tmp_path / name,
        (numbered(i, *size) for i in range(20)),
        codec=codec,
        pix_fmt=pix_fmt,
        rate=rate,
        options=options,
    )
    take, frames = open_footage(clip)
    images = [(frame.number, frame.load()) for frame in frames]
    assert [number for number, _ in images] == list(range(1, 21))
    assert [number_of(image) for _, image in images] == list(range(20))
    assert take.facts.rate == rate
    assert (take.facts.width, take.facts.height, take.facts.source_frames) == (*size, 20)
    deep = "10" in pix_fmt
    assert take.facts.bit_depth == (10 if deep else 8)
    assert {image.dtype for _, image in images} == {np.dtype(np.uint16 if deep else np.uint8)}


@pytest.mark.parametrize("name", ["c.mp4", "c.mkv", "c.ts", "c.mov"])
@pytest.mark.parametrize("start", [1, 2, 13, 24, 25, 37, 60])
@pytest.mark.parametrize("cores", [1, 16])
def test_a_range_seeks_to_the_same_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, start: int, cores: int
) -> None:
    monkeypatch.setattr(reader, "cpu_count", lambda: cores)
    options = {"g": "12", "bf": "3", "x264-params": "open-gop=1", "preset": "veryfast"}
    clip = write_video(tmp_path / name, (numbered(i) for i in range(60)), options=options)
    take, frames = open_footage(clip, IngestParams(frame_start=start, frame_end=start + 2))
    assert [(f.number, number_of(f.load())) for f in frames] == [(n, n - 1) for n in take.numbers]
    assert take.numbers == tuple(range(start, min(start + 2, 60) + 1))


def test_frames_left_out_by_resume_are_skipped(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "c.mkv", (numbered(i) for i in range(40)), options={"g": "8"})
    take = plan_take(probe(clip), IngestParams())
    assert [number_of(f.load()) + 1 for f in read_take(take, [5, 30, 31])] == [5, 30, 31]


def test_frames_before_an_edit_list_are_not_shown(tmp_path: Path) -> None:
    clip = write_video(
        tmp_path / "trimmed.mp4",
        (numbered(i) for i in range(40)),
        pts=[512 * (i - 5) for i in range(40)],
        tick=Fraction(1, 12288),
        options={"g": "12"},
        container_options={"avoid_negative_ts": "disabled", "use_editlist": "1"},
    )
    assert [number_of(frame.load()) for frame in open_footage(clip)[1]] == list(range(5, 40))
    _, frames = open_footage(clip, IngestParams(frame_start=20, frame_end=22))
    assert [number_of(frame.load()) for frame in frames] == [24, 25, 26]
    # Shortened at its end too: that is no damage, though the file holds more frames than it shows.
    data = bytearray(clip.read_bytes())
    edit = data.index(b"elst") + 12
    (duration,) = struct.unpack_from(">I", data, edit)
    struct.pack_into(">I", data, edit, duration // 2)
    clip.write_bytes(data)
    shown = [number_of(frame.load()) for frame in open_footage(clip)[1]]
    assert shown == list(range(5, 5 + len(shown)))
    assert 16 <= len(shown) <= 19


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv"])
def test_variable_rate_becomes_constant_by_timestamps(tmp_path: Path, name: str) -> None:
    pts = [*range(0, 800, 40), *range(800, 2400, 80)]  # 20 frames at 25 fps, then 20 at 12.5
    clip = write_video(tmp_path / name, (numbered(i) for i in range(40)), pts=pts)
    take, frames = open_footage(clip)
    assert take.facts.variable_rate
    assert take.facts.rate == 25
    assert (take.facts.source_frames, take.facts.frame_count) == (40, 59)
    assert any("varies" in notice and "19 frames repeated, 0 dropped" in notice for notice in take.notices)
    shown = [number_of(frame.load()) for frame in frames]
    assert shown[:20] == list(range(20))
    assert sorted(set(shown)) == list(range(40))


def test_resampling_is_by_time_and_reported(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "c.mp4", (numbered(i) for i in range(24)))
    take, frames = open_footage(clip, IngestParams(fps="12"))
    assert [number_of(frame.load()) for frame in frames] == list(range(0, 24, 2))
    assert take.facts.fps == "12"
    assert take.facts.source_fps == "24"
    assert any("11 dropped" in notice for notice in take.notices)


# The ramp of `numbered` upright: red is left and blue right of the lower half.
@pytest.mark.parametrize(("degrees", "clockwise"), [(-90.0, 90), (90.0, 270), (180.0, 180), (0.0, 0)])
@pytest.mark.parametrize("hflip", [False, True])
def test_rotation_metadata_makes_the_picture_upright(
    tmp_path: Path, degrees: float, clockwise: int, hflip: bool
) -> None:
    stored = np.rot90(numbered(5), k=clockwise // 90)  # counter-clockwise: undone by turning clockwise
    if hflip:
        stored = stored[:, ::-1] if clockwise % 180 == 0 else stored[::-1]
    clip = write_video(
        tmp_path / "r.mp4", [np.ascontiguousarray(stored)] * 3, rotation=degrees, hflip=hflip, pix_fmt="yuv444p"
    )
    take, frames = open_footage(clip)
    image = next(iter(frames)).load()
    assert np.abs(image.astype(int) - numbered(5)).mean() < 6
    assert (take.facts.width, take.facts.height) == (128, 64)


def test_rotation_can_be_overridden(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "r.mp4", [numbered(5)] * 2, rotation=-90)
    take, frames = open_footage(clip, IngestParams(rotation="0"))
    assert number_of(next(iter(frames)).load()) == 5
    assert take.facts.rotation == 0


def test_pixel_aspect_is_carried_and_turned_with_the_picture(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "a.mp4", [numbered(1)] * 2, sar=Fraction(2))
    take, _ = open_footage(clip)
    assert (take.facts.pixel_aspect, take.facts.width) == (2.0, 128)
    assert open_footage(clip, IngestParams(rotation="90"))[0].facts.pixel_aspect == 0.5
    assert open_footage(clip, IngestParams(pixel_aspect=1.8))[0].facts.pixel_aspect == 1.8


_MATRICES = {"bt601": (0.299, 0.114, 5), "bt709": (0.2126, 0.0722, 1), "bt2020": (0.2627, 0.0593, 9)}


def _rgb_of(yuv: tuple[int, int, int], kr: float, kb: float, bits: int, full: bool) -> np.ndarray:
    """ITU-R BT.601/709/2020 by the book, 0..1."""
    unit = 2 ** (bits - 8)
    low, y_span, c_span = (0, 255, 255) if full else (16, 219, 224)
    top = 2**bits - 1
    luma = yuv[0] / top if full else (yuv[0] / unit - low) / y_span
    cb, cr = ((c - 128 * unit) / (top if full else c_span * unit) for c in yuv[1:])
    red, blue = luma + 2 * (1 - kr) * cr, luma + 2 * (1 - kb) * cb
    return np.clip([red, (luma - kr * red - kb * blue) / (1 - kr - kb), blue], 0, 1)


@pytest.mark.parametrize("name", _MATRICES)
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("pix_fmt", "bits"), [("yuv420p", 8), ("yuv422p10le", 10)])
def test_matrix_and_range_are_undone_exactly(tmp_path: Path, name: str, full: bool, pix_fmt: str, bits: int) -> None:
    kr, kb, code = _MATRICES[name]
    yuv = tuple(c * 2 ** (bits - 8) for c in (120, 90, 160))
    clip = write_flat_yuv(tmp_path / "flat.mkv", yuv, pix_fmt=pix_fmt, matrix=code, full=full)
    take, frames = open_footage(clip)
    assert take.facts.matrix == name
    assert take.facts.range == ("full" if full else "limited")
    rgb = next(iter(frames)).load()[10, 20]
    top = np.iinfo(rgb.dtype).max
    assert np.abs(rgb / top - _rgb_of(yuv, kr, kb, bits, full)).max() < 1.5 / 255 / (1 if bits == 8 else 3)


def test_black_and_white_reach_the_ends(tmp_path: Path) -> None:
    for code, value in ((64, 0), (940, 65535)):
        clip = write_flat_yuv(tmp_path / f"{code}.mkv", (code, 512, 512), pix_fmt="yuv422p10le", matrix=1)
        assert abs(int(next(open_footage(clip)[1]).load()[0, 0, 0]) - value) <= 48


def test_undeclared_matrix_is_assumed_by_size(tmp_path: Path) -> None:
    small = write_video(tmp_path / "sd.mp4", [numbered(0, 704, 480)] * 2)
    large = write_video(tmp_path / "hd.mp4", [numbered(0, 1280, 720)] * 2)
    assert probe(small).picture.colour.decoded_as == "bt601"
    assert probe(large).picture.colour.decoded_as == "bt709"


def test_hdr_is_detected_and_its_codes_kept(tmp_path: Path) -> None:
    options = {"x265-params": "log-level=none"}
    clip = write_video(
        tmp_path / "pq.mp4",
        [numbered(3)] * 3,
        codec="libx265",
        pix_fmt="yuv420p10le",
        colour=(9, 16, 9, 1),
        options=options,
    )
    take, frames = open_footage(clip)
    assert (take.facts.hdr, take.facts.transfer, take.facts.primaries) == ("pq", "pq", "bt2020")
    assert any("HDR" in notice for notice in take.notices)
    assert number_of(next(iter(frames)).load()) == 3
    hlg = write_video(
        tmp_path / "hlg.mkv", [numbered(3)] * 2, codec="ffv1", pix_fmt="yuv420p10le", colour=(9, 18, 9, 1)
    )
    assert probe(hlg).picture.colour.hdr == "hlg"
    for wanted, facts in (("sdr", ("", "bt709", "video")), ("hlg", ("hlg", "hlg", "video")), ("log", ("", "", "log"))):
        take, frames = open_footage(clip, IngestParams(encoding=wanted))
        assert (take.facts.hdr, take.facts.transfer, take.facts.encoding) == facts
        assert not any("HDR" in notice for notice in take.notices) and number_of(next(iter(frames)).load()) == 3


def test_log_curves_named_in_the_metadata_are_reported(tmp_path: Path) -> None:
    clip = write_video(
        tmp_path / "log.mov",
        [numbered(3)] * 2,
        metadata={"com.example.capture.gamma": "S-Log3"},
        container_options={"movflags": "use_metadata_tags"},
    )
    take, _ = open_footage(clip)
    assert take.facts.encoding == "log"
    assert any("S-Log3" in notice for notice in take.notices)


def test_focal_length_from_quicktime_metadata(tmp_path: Path) -> None:
    clip = write_video(
        tmp_path / "phone.mov",
        [numbered(3, 640, 360)] * 2,
        metadata={"com.apple.quicktime.camera.focal_length.35mm_equivalent": "26"},
        container_options={"movflags": "use_metadata_tags"},
    )
    facts = open_footage(clip)[0].facts
    assert facts.focal_px == pytest.approx(26 / np.hypot(36, 24) * np.hypot(640, 360), abs=0.01)
    assert "35mm_equivalent" in facts.focal_origin


def test_interlaced_is_flagged(tmp_path: Path) -> None:
    options = {"flags": "+ilme+ildct", "b": "8M"}
    frames = [numbered(3, 128, 64)] * 4
    clip = write_video(tmp_path / "i.mpg", frames, codec="mpeg2video", rate=Fraction(25), options=options)
    take, _ = open_footage(clip)
    assert take.facts.interlaced
    assert any("interlaced" in notice for notice in take.notices)


def test_one_frame_clip(tmp_path: Path) -> None:
    take, frames = open_footage(write_video(tmp_path / "one.mp4", [numbered(9)]))
    assert [number_of(frame.load()) for frame in frames] == [9]
    assert take.numbers == (1,)


def test_spaces_and_other_alphabets_in_paths(tmp_path: Path) -> None:
    folder = tmp_path / "Übung 02 – 撮影"
    folder.mkdir()
    clip = write_video(folder / "Clip 1 (été).mp4", [numbered(i) for i in range(3)])
    assert [number_of(frame.load()) for frame in open_footage(clip)[1]] == [0, 1, 2]


def test_ranges_outside_the_clip(tmp_path: Path) -> None:
    clip = probe(write_video(tmp_path / "c.mp4", [numbered(i) for i in range(5)]))
    with pytest.raises(FootageEmpty, match="1 to 5"):
        plan_take(clip, IngestParams(frame_start=10))
    with pytest.raises(InvalidParameter, match="after the last"):
        plan_take(clip, IngestParams(frame_start=4, frame_end=2))
    with pytest.raises(InvalidParameter, match="no frame rate"):
        plan_take(clip, IngestParams(fps="fast"))
    assert plan_take(clip, IngestParams(frame_end=500)).numbers == (1, 2, 3, 4, 5)


def test_what_is_no_video(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello\n" * 100)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(bytes(range(256)) * 50)
    sound = tmp_path / "sound.wav"
    sound.write_bytes(
        b"RIFF$\x08\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\0\x08\0\0" + bytes(2048)
    )
    for path in (text, broken, sound):
        with pytest.raises(FootageUnreadable) as caught:
            probe(path)
        assert path.name in caught.value.message
        assert caught.value.remedy
    with pytest.raises(FootageNotFound):
        probe(tmp_path / "gone.mp4")
