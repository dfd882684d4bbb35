"""Reading the plate back."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.media.plate import PlateReader, moving_mask_folders
from shared.errors import ArtifactMissing, ShotCorrupt
from shared.shot import ShotFolder
from tests.unit.media_clips import ingest, number_of, numbered, write_images, write_video


@pytest.fixture
def shot(tmp_path: Path) -> ShotFolder:
    return ingest(write_images(tmp_path / "plates", range(1001, 1013)), tmp_path / "shot")[0]


def write_mask(shot: ShotFolder, label: str, number: int, box: tuple[int, int, int, int]) -> None:
    folder = shot.roto_dir / label
    folder.mkdir(parents=True, exist_ok=True)
    mask = np.zeros((64, 128), np.uint8)
    left, top, right, bottom = box
    mask[top:bottom, left:right] = 255
    cv2.imwrite(str(folder / f"frame_{number:04d}.png"), mask)


def test_frames_by_index_in_any_order(shot: ShotFolder) -> None:
    with PlateReader(shot, cache=4) as plate:
        assert list(plate.numbers) == list(range(1001, 1013))
        assert (plate.width, plate.height, len(plate)) == (128, 64, 12)
        for index in [*range(12), *reversed(range(12)), 3, 9, 0, 11, 5]:
            assert number_of(plate.rgb(index)) == (1001 + index) % 256
        image = plate.rgb(0)
        assert image[-1, 0].tolist() == [200, 0, 0]
        assert (image.dtype, plate.gray(0).dtype, plate.gray(0).shape) == (np.uint8, np.uint8, (64, 128))
        assert len(plate._frames) <= 8


def test_from_several_threads(shot: ShotFolder) -> None:
    wrong: list[int] = []
    with PlateReader(shot, cache=3) as plate:

        def look(seed: int) -> None:
            for index in np.random.default_rng(seed).integers(0, 12, 60):
                if number_of(plate.rgb(int(index))) != (1001 + index) % 256:
                    wrong.append(int(index))

        threads = [threading.Thread(target=look, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


def test_deep_plates_are_eight_bits_for_vision(tmp_path: Path) -> None:
    shot, _ = ingest(write_images(tmp_path / "plates", [7], deep=True), tmp_path / "shot")
    with PlateReader(shot) as plate:
        assert (plate.rgb(0) == numbered(7)).all()


def test_without_masks_everything_is_usable(shot: ShotFolder) -> None:
    with PlateReader(shot) as plate:
        assert plate.usable(0) is None


def test_moving_labels_are_not_usable(shot: ShotFolder) -> None:
    write_mask(shot, "person_00", 1001, (0, 0, 10, 10))
    write_mask(shot, "car", 1001, (20, 0, 30, 10))
    write_mask(shot, "lamp", 1001, (40, 0, 50, 10))
    write_mask(shot, "mask", 1001, (0, 0, 128, 64))
    (shot.roto_dir / "prompts.json").write_text(json.dumps({"labels": {"lamp": {"moving": False}, "car": {}}}))
    with PlateReader(shot) as plate:
        usable = plate.usable(0)
        assert usable is not None
        assert usable.dtype == np.bool_
        assert int((~usable).sum()) == 200
        assert not usable[5, 5]
        assert not usable[5, 25]
        assert usable[5, 45]
        assert plate.usable(1) is None
    with PlateReader(shot, use_masks=False) as plate:
        assert plate.usable(0) is None


def test_a_lone_union_mask_counts(shot: ShotFolder) -> None:
    write_mask(shot, "mask", 1001, (0, 0, 10, 10))
    assert [folder.name for folder in moving_mask_folders(shot)] == ["mask"]


def test_what_is_missing_or_broken_is_named(shot: ShotFolder) -> None:
    write_mask(shot, "person", 1002, (0, 0, 10, 10))
    cv2.imwrite(str(shot.roto_dir / "person" / "frame_1001.png"), np.zeros((4, 4), np.uint8))
    shot.frame_path(1003).write_bytes(b"no png")
    with PlateReader(shot) as plate:
        with pytest.raises(ShotCorrupt, match=r"frame_1001\.png is 4x4, the plate is 128x64"):
            plate.usable(0)
        with pytest.raises(ShotCorrupt, match=r"frame_1003\.png is damaged"):
            plate.rgb(2)
    shot.frame_path(1003).unlink()
    with pytest.raises(ArtifactMissing, match="11 of the plate's 12 frames"):
        PlateReader(shot)


def test_no_plate_yet(tmp_path: Path) -> None:
    with pytest.raises(ArtifactMissing):
        PlateReader(ShotFolder(tmp_path))


def test_video_plate(tmp_path: Path) -> None:
    shot, _ = ingest(write_video(tmp_path / "c.mp4", (numbered(i) for i in range(5))), tmp_path / "shot")
    with PlateReader(shot) as plate:
        assert [number_of(plate.rgb(i)) for i in range(5)] == list(range(5))
