"""Maps between the passes: whole or not at all, exact, and wrong ones refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.depth.frame import SKY, FrameDepth
from backend.depth.store import DepthStore
from shared.errors import ArtifactMissing, ShotCorrupt


def a_map(number: int) -> FrameDepth:
    depth = np.random.default_rng(number).uniform(1.0, 9.0, (6, 8)).astype(np.float32)
    depth[0, 0], depth[0, 1] = 0.0, SKY
    confidence = np.where(depth > 0, 0.75, 0.0).astype(np.float32)
    return FrameDepth(number, depth, confidence, (number - 2, number + 2))


def test_a_map_comes_back_as_it_was(tmp_path: Path) -> None:
    store = DepthStore(tmp_path / "raw")
    for number in (1003, 998, 10001):
        store.write(a_map(number))
    assert store.numbers() == [998, 1003, 10001] and 1003 in store and 4 not in store
    found, put = store.read(1003), a_map(1003)
    assert np.array_equal(found.depth, put.depth) and found.depth.dtype == np.float32
    assert np.array_equal(found.confidence, put.confidence) and found.confidence.dtype == np.float32
    assert found.sources == (1001, 1005)
    store.remove(998)
    assert store.numbers() == [1003, 10001]


def test_half_a_write_is_nothing(tmp_path: Path) -> None:
    store = DepthStore(tmp_path)
    store.path(1).with_name("frame_0001.77.partial.npz").write_bytes(b"half")
    again = DepthStore(tmp_path)
    assert again.numbers() == [] and list(tmp_path.iterdir()) == []


def test_missing_and_damaged_maps_are_named(tmp_path: Path) -> None:
    store = DepthStore(tmp_path)
    with pytest.raises(ArtifactMissing, match="frame 7"):
        store.read(7)
    store.write(a_map(7))
    store.path(7).write_bytes(store.path(7).read_bytes()[:200])
    with pytest.raises(ShotCorrupt, match="frame_0007"):
        store.read(7)


@pytest.mark.parametrize("bad", [np.nan, -1.0, np.inf])
def test_what_is_no_length_is_refused(tmp_path: Path, bad: float) -> None:
    wrong = a_map(1)
    wrong.depth[3, 3] = bad
    with pytest.raises(ValueError, match="no lengths"):
        DepthStore(tmp_path).write(wrong)
    assert DepthStore(tmp_path).numbers() == []
