"""Image sequences: every format, depth and damage."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import OpenEXR
import pytest

from backend.media.exif import read_exif
from backend.media.images import is_plain_png
from backend.media.reader import ImagePlateFrame, open_footage
from shared.errors import FootageChanged, FootageEmpty, FootageUnreadable, InvalidParameter
from shared.stages import IngestParams
from tests.unit.media_clips import Image, number_of, numbered, write_dpx, write_images


def loaded(named: Path | str, **params: object) -> list[tuple[int, Image]]:
    _, frames = open_footage(str(named), IngestParams(**params))  # type: ignore[arg-type]
    return [(frame.number, frame.load()) for frame in frames]


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "tiff", "bmp", "webp"])
def test_eight_bit_formats(tmp_path: Path, suffix: str) -> None:
    write_images(tmp_path, range(1001, 1005), f"shot.{{:04d}}.{suffix}")
    images = loaded(tmp_path / f"shot.####.{suffix}")
    assert [(number, number_of(image)) for number, image in images] == [(n, n % 256) for n in range(1001, 1005)]
    assert images[0][1].dtype == np.uint8


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_stay(tmp_path: Path, suffix: str) -> None:
    write_images(tmp_path, [7], f"a.{{}}.{suffix}", deep=True)
    (_, image), *_ = loaded(tmp_path)
    assert image.dtype == np.uint16
    assert image[-1, 0].tolist() == [200 * 257, 0, 0]


def test_range_keeps_numbers_and_gaps_are_reported(tmp_path: Path) -> None:
    write_images(tmp_path, [1001, 1002, 1005, 1006, 10000])
    take, frames = open_footage(tmp_path, IngestParams(frame_start=1002, frame_end=1006))
    assert [frame.number for frame in frames] == [1002, 1005, 1006]
    assert take.facts.missing_frames == (1003, 1004)
    assert (take.facts.frame_start, take.facts.frame_end, take.facts.frame_count) == (1002, 1006, 3)
    assert any("1003-1004" in notice for notice in take.notices)


def test_rate_of_a_sequence_is_assumed_aloud_or_given(tmp_path: Path) -> None:
    write_images(tmp_path, range(1, 4))
    take, _ = open_footage(tmp_path)
    assert take.facts.fps == "24"
    assert any("assumed" in notice for notice in take.notices)
    take, _ = open_footage(tmp_path, IngestParams(fps="23.976"))
    assert (take.facts.fps, take.numbers) == ("24000/1001", (1, 2, 3))


def test_dpx_ten_bits_become_sixteen(tmp_path: Path) -> None:
    codes = np.zeros((32, 64, 3), np.uint16)
    codes[..., 0], codes[..., 1], codes[:16, :, 2] = 1023, 512, 100
    write_dpx(tmp_path / "s.0001.dpx", codes, transfer=6, aspect=(2, 1))
    take, frames = open_footage(tmp_path)
    image = next(iter(frames)).load()
    assert image.dtype == np.uint16
    assert image[0, 0].tolist() == [65535, round(512 * 65535 / 1023), round(100 * 65535 / 1023)]
    assert (take.facts.bit_depth, take.facts.transfer, take.facts.pixel_aspect) == (10, "bt709", 2.0)
    assert take.proxy is None


def test_log_dpx_gets_a_proxy_that_says_so(tmp_path: Path) -> None:
    codes = np.full((32, 64, 3), 470, np.uint16)  # Cineon mid grey: 18 % of white
    codes[:8] = 685
    write_dpx(tmp_path / "s.0001.dpx", codes, transfer=3)
    take, frames = open_footage(tmp_path)
    image = next(iter(frames)).load()
    assert image.dtype == np.uint8
    assert image[0, 0, 0] == 255
    assert 100 < image[20, 0, 0] < 130  # sRGB code of 18 % is 118
    assert take.facts.encoding == "log"
    assert "log" in take.facts.proxy
    take, frames = open_footage(tmp_path, IngestParams(encoding="sdr"))
    plain = next(iter(frames)).load()
    assert (take.facts.encoding, take.facts.proxy, plain.dtype) == ("video", "", np.uint16)


def write_exr(path: Path, image: Image, header: dict[str, object] | None = None) -> None:
    OpenEXR.File({"type": OpenEXR.scanlineimage, **(header or {})}, {"RGB": image}).write(str(path))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_exr_proxy_is_the_srgb_curve_of_well_exposed_light(tmp_path: Path, dtype: type[np.floating]) -> None:
    light = np.zeros((16, 32, 3), dtype)
    light[..., 0], light[..., 1], light[:8, :, 2] = 0.18, 0.5, np.inf
    light[8:, :, 2], light[15, 31] = -1.0, np.nan
    write_exr(tmp_path / "r.1001.exr", light)
    take, frames = open_footage(tmp_path / "r.####.exr")
    image = next(iter(frames)).load()
    assert image.dtype == np.uint8
    assert image[0, 0].tolist() == [118, 188, 255]
    assert image[10, 0].tolist() == [118, 188, 0]
    assert image[15, 31].tolist() == [0, 0, 0]
    assert take.facts.proxy == "scene-linear, +0.0 stops, sRGB curve, 8 bits"
    assert take.facts.encoding == "scene-linear"
    with pytest.raises(InvalidParameter, match="scene-linear"):
        open_footage(tmp_path / "r.####.exr", IngestParams(encoding="log"))


def test_exr_exposure_is_one_for_the_whole_clip(tmp_path: Path) -> None:
    for number, level in enumerate([0.01, 0.02, 0.04], 1):
        write_exr(tmp_path / f"r.{number}.exr", np.full((16, 32, 3), level, np.float32))
    take, frames = open_footage(tmp_path)
    values = [int(frame.load()[0, 0, 0]) for frame in frames]
    assert "+4.5 stops" in take.facts.proxy
    assert values == sorted(values)
    assert values[0] < 150 < values[2]


def test_exr_windows_layers_and_header(tmp_path: Path) -> None:
    header = {
        "dataWindow": (np.array([4, 2], np.int32), np.array([11, 5], np.int32)),
        "displayWindow": (np.array([0, 0], np.int32), np.array([15, 7], np.int32)),
        "pixelAspectRatio": 2.0,
        "pinholeFocalLength": 35.0,
        "sensorPhotositePitch": 5.0,
    }
    grey = np.full((4, 8), 0.5, np.float32)
    channels = {f"beauty.{letter}": grey for letter in "RGB"} | {"depth.Z": grey}
    OpenEXR.File({"type": OpenEXR.scanlineimage, **header}, channels).write(str(tmp_path / "l.1.exr"))
    take, frames = open_footage(tmp_path)
    image = next(iter(frames)).load()
    assert image.shape == (8, 16, 3)
    assert image[2, 4].tolist() == [188] * 3
    assert image[1, 4].tolist() == image[2, 3].tolist() == image[6, 11].tolist() == [0] * 3
    assert take.facts.pixel_aspect == 2.0
    assert take.facts.focal_px == pytest.approx(7000.0 / 2.0)
    assert any("data window" in notice for notice in take.notices)


def test_exr_overscan_is_cropped_to_the_display_window(tmp_path: Path) -> None:
    header = {
        "dataWindow": (np.array([-2, -2], np.int32), np.array([9, 5], np.int32)),
        "displayWindow": (np.array([0, 0], np.int32), np.array([7, 3], np.int32)),
    }
    light = np.zeros((8, 12, 3), np.float32)
    light[2:6, 2:10] = 0.5
    write_exr(tmp_path / "o.1.exr", light, header)
    ((_, image),) = loaded(tmp_path)
    assert image.shape == (4, 8, 3)
    assert (image == 188).all()


def _exif_jpeg(path: Path, tags: list[tuple[int, int, int]], rationals: list[tuple[int, int, int]]) -> None:
    """A JPEG with EXIF: short tags (tag, type 3, value) in IFD0 (0x0112) or the Exif IFD, and rationals."""
    ok, data = cv2.imencode(".jpg", cv2.cvtColor(numbered(5), cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 95])
    assert ok
    main = [t for t in tags if t[0] == 0x0112]
    inner = [t for t in tags if t[0] != 0x0112]
    exif_at = 8 + 2 + 12 * (len(main) + 1) + 4
    values_at = exif_at + 2 + 12 * (len(inner) + len(rationals)) + 4
    block = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(main) + 1)
    block += b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in main)
    block += struct.pack("<HHII", 0x8769, 4, 1, exif_at) + bytes(4)
    block += struct.pack("<H", len(inner) + len(rationals))
    block += b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in inner)
    block += b"".join(struct.pack("<HHII", tag, 5, 1, values_at + 8 * i) for i, (tag, _, _) in enumerate(rationals))
    block += bytes(4) + b"".join(struct.pack("<II", a, b) for _, a, b in rationals)
    body = b"Exif\0\0" + block
    path.write_bytes(b"\xff\xd8\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data.tobytes()[2:])


def test_exif_orientation_and_focal_length(tmp_path: Path) -> None:
    _exif_jpeg(tmp_path / "p.1.jpg", [(0x0112, 3, 6), (0xA405, 3, 24)], [])
    take, frames = open_footage(tmp_path)
    image = next(iter(frames)).load()
    assert image.shape == (128, 64, 3)
    assert number_of(np.rot90(image, 1)) == 5  # it was turned clockwise
    assert take.facts.rotation == 90
    assert take.facts.focal_px == pytest.approx(24 / np.hypot(36, 24) * np.hypot(128, 64), abs=0.01)


def test_exif_sensor_pitch_beats_the_equivalent(tmp_path: Path) -> None:
    tags = [(0xA405, 3, 24), (0xA210, 3, 3), (0xA002, 3, 128)]
    _exif_jpeg(tmp_path / "p.1.jpg", tags, [(0x920A, 50, 1), (0xA20E, 200, 1)])  # 50 mm, 200 px/cm
    facts = open_footage(tmp_path)[0].facts
    assert facts.focal_px == pytest.approx(50 * 20)
    assert "FocalPlaneXResolution" in facts.focal_origin


def test_malformed_exif_is_no_exif(tmp_path: Path) -> None:
    _exif_jpeg(tmp_path / "p.1.jpg", [(0x0112, 3, 6)], [])
    data = (tmp_path / "p.1.jpg").read_bytes()
    for cut in range(0, 80, 3):
        read_exif(data[:cut])
    assert read_exif(b"\xff\xd8\xff\xe1\x00\x20Exif\0\0II*\0\xff\xff\xff\xff") == {}


def test_mixed_sizes_name_the_frame(tmp_path: Path) -> None:
    write_images(tmp_path, range(1, 4))
    cv2.imwrite(str(tmp_path / "shot.0002.png"), np.zeros((10, 20, 3), np.uint8))
    with pytest.raises(FootageUnreadable, match=r"Frame 2: shot\.0002\.png is 20x10.*128x64"):
        loaded(tmp_path)


def test_mixed_depths_name_the_frame(tmp_path: Path) -> None:
    write_images(tmp_path, range(1, 4))
    write_images(tmp_path, [3], deep=True)
    with pytest.raises(FootageUnreadable, match=r"Frame 3: .* bit depth"):
        loaded(tmp_path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "dpx", "exr"])
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.98])
def test_cut_frames_are_named(tmp_path: Path, suffix: str, kept: float) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (64, 128, 3), np.uint8)
    for number in (1, 2):
        path = tmp_path / f"c.{number}.{suffix}"
        if suffix == "dpx":
            write_dpx(path, picture.astype(np.uint16))
        elif suffix == "exr":
            write_exr(path, picture.astype(np.float32) / 255)
        else:
            cv2.imwrite(str(path), picture)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises((FootageUnreadable, FootageEmpty), match=r"Frame 2: .*c\.2") as caught:
        loaded(tmp_path)
    assert caught.value.remedy
    assert caught.value.details["frame"] == 2


def test_a_frame_that_goes_away(tmp_path: Path) -> None:
    write_images(tmp_path, range(1, 4))
    _, frames = open_footage(tmp_path)
    (tmp_path / "shot.0002.png").unlink()
    with pytest.raises(FootageChanged, match="Frame 2"):
        [frame.load() for frame in frames]


def test_only_plain_pngs_are_taken_as_they_are(tmp_path: Path) -> None:
    write_images(tmp_path, [1])
    _, frames = open_footage(tmp_path)
    frame = next(iter(frames))
    assert isinstance(frame, ImagePlateFrame)
    data = frame.plate_bytes()
    assert data == frame.path.read_bytes()
    damaged = bytearray(data)
    damaged[len(data) // 2] ^= 1
    assert is_plain_png(data)
    assert not is_plain_png(bytes(damaged))
    assert not is_plain_png(data[:-6])
    for image in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.uint16)):
        assert not is_plain_png(cv2.imencode(".png", image)[1].tobytes())
    _, turned = open_footage(tmp_path, IngestParams(rotation="90"))
    assert next(iter(turned)).plate_bytes() is None


def test_png_pixel_aspect(tmp_path: Path) -> None:
    data = cv2.imencode(".png", np.zeros((4, 8, 3), np.uint8))[1].tobytes()
    body = b"pHYs" + struct.pack(">IIB", 1, 2, 0)
    chunk = struct.pack(">I", 9) + body + struct.pack(">I", zlib.crc32(body))
    (tmp_path / "a.1.png").write_bytes(data[:33] + chunk + data[33:])
    assert open_footage(tmp_path)[0].facts.pixel_aspect == 2.0


def test_grey_and_alpha_become_rgb(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "g.1.png"), np.full((8, 8), 77, np.uint8))
    ((_, image),) = loaded(tmp_path)
    assert image.shape == (8, 8, 3)
    assert (image == 77).all()
    alpha = np.full((8, 8, 4), 100, np.uint8)
    alpha[..., 3] = 0
    cv2.imwrite(str(tmp_path / "sub.1.png"), alpha)
    take, frames = open_footage(tmp_path / "sub.1.png")
    assert (next(iter(frames)).load() == 100).all()
    assert any("alpha" in notice for notice in take.notices)
