"""The plate's PNG encoder against OpenCV's decoder."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.media import png
from backend.media.images import is_plain_png


@pytest.mark.parametrize("with_isal", [True, False])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (64, 128), (333, 517)])
def test_pictures_come_back_as_they_were(
    monkeypatch: pytest.MonkeyPatch, with_isal: bool, dtype: type[np.unsignedinteger], size: tuple[int, int]
) -> None:
    if with_isal and png.isal_zlib is None:
        pytest.skip("ISA-L is not installed")
    if not with_isal:
        monkeypatch.setattr(png, "isal_zlib", None)
    image = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (*size, 3), dtype, endpoint=True)
    image[: size[0] // 2] //= 16
    data = png.encode_rgb_png(image)
    back = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert back.dtype == dtype
    assert (back[..., ::-1] == image).all()
    assert png.encode_png(np.ascontiguousarray(image[..., ::-1])) == data
    assert is_plain_png(data) == (dtype == np.uint8)


def test_whole_and_broken_files(tmp_path: Path) -> None:
    path = tmp_path / "frame_0001.png"
    data = png.encode_png(np.zeros((8, 8, 3), np.uint8))
    for content, whole in ((data, True), (data[:-1], False), (b"", False), (bytes(len(data)), False)):
        path.write_bytes(content)
        assert png.is_whole_png(path) == whole
    assert not png.is_whole_png(tmp_path / "gone.png")
