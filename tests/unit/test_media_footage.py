"""Finding footage: files, folders, patterns, numbering."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.media.footage import ImageSequence, VideoFile, describe_numbers, find_footage
from shared.errors import FootageEmpty, FootageNotFound, FootageUnreadable


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"x")
    return folder


def sequence(named: Path) -> ImageSequence:
    found = find_footage(named)
    assert isinstance(found, ImageSequence)
    return found


def test_a_file_that_is_no_image_is_a_video(tmp_path: Path) -> None:
    touch(tmp_path, "a clip é.mp4")
    assert find_footage(tmp_path / "a clip é.mp4") == VideoFile(tmp_path / "a clip é.mp4")


@pytest.mark.parametrize("pattern", ["shot.####.exr", "shot.%04d.exr", "shot.@@@@.exr", "shot.#.exr", "shot.%d.exr"])
def test_patterns_keep_the_numbers_of_the_files(tmp_path: Path, pattern: str) -> None:
    touch(tmp_path, "shot.1001.exr", "shot.1002.exr", "shot.1004.exr", "shot.beauty.exr", "other.1003.exr")
    found = sequence(tmp_path / pattern)
    assert found.numbers == (1001, 1002, 1004)
    assert found.missing == (1003,)
    assert [path.name for path in found.paths] == ["shot.1001.exr", "shot.1002.exr", "shot.1004.exr"]


def test_underscores_tails_and_numbers_wider_than_the_pattern(tmp_path: Path) -> None:
    touch(tmp_path, "a_9999.left.png", "a_10000.left.png", "a_10000.right.png")
    assert sequence(tmp_path / "a_####.left.png").numbers == (9999, 10000)


def test_one_frame_means_its_sequence(tmp_path: Path) -> None:
    touch(tmp_path, "v2_shot.0998.png", "v2_shot.0999.png", "v2_shot.1000.png", "v3_shot.0001.png")
    found = sequence(tmp_path / "v2_shot.0999.png")
    assert found.numbers == (998, 999, 1000)
    assert found.name == "v2_shot.####.png"


def test_unpadded_numbers_are_in_numeric_order(tmp_path: Path) -> None:
    touch(tmp_path, "f10.png", "f9.png", "f1.png")
    assert sequence(tmp_path).numbers == (1, 9, 10)


def test_a_folder_of_frames_ignores_hidden_files_and_notes(tmp_path: Path) -> None:
    touch(tmp_path, "frame_0001.jpg", "frame_0002.jpg", "._frame_0001.jpg", ".DS_Store", "notes.txt")
    assert sequence(tmp_path).numbers == (1, 2)


def test_a_folder_with_one_video_is_that_video(tmp_path: Path) -> None:
    touch(tmp_path, "a.mov", "readme.txt")
    assert find_footage(tmp_path) == VideoFile(tmp_path / "a.mov")


def test_names_without_a_common_number_count_from_one(tmp_path: Path) -> None:
    touch(tmp_path, "130.5.png", "131.2.png", "131.9.png")
    found = sequence(tmp_path)
    assert found.counted
    assert found.numbers == (1, 2, 3)


def test_an_image_without_number_is_one_frame(tmp_path: Path) -> None:
    touch(tmp_path, "plate.png")
    assert sequence(tmp_path / "plate.png").numbers == (1,)


def test_a_file_whose_name_holds_a_mark_is_taken_as_it_is(tmp_path: Path) -> None:
    touch(tmp_path, "take #3.mp4")
    assert find_footage(tmp_path / "take #3.mp4") == VideoFile(tmp_path / "take #3.mp4")


def test_several_sequences_in_a_folder_are_listed(tmp_path: Path) -> None:
    touch(tmp_path, "a.1.png", "a.2.png", "b.1.png", "b.2.png")
    with pytest.raises(FootageUnreadable, match=r"a\.####\.png, b\.####\.png"):
        find_footage(tmp_path)


def test_the_same_number_twice_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a.1.png", "a.01.png")
    with pytest.raises(FootageUnreadable, match="Frame 1 exists twice"):
        find_footage(tmp_path / "a.#.png")


@pytest.mark.parametrize("name", ["gone.mp4", "gone.####.png", "gone/", "nowhere/x.####.png"])
def test_what_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(FootageNotFound) as caught:
        find_footage(tmp_path / name)
    assert str(tmp_path) in caught.value.message
    assert caught.value.remedy


def test_an_empty_file_and_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "zero.mp4").touch()
    with pytest.raises(FootageEmpty, match="0 bytes"):
        find_footage(tmp_path / "zero.mp4")
    with pytest.raises(FootageEmpty, match="no frames"):
        find_footage(touch(tmp_path / "folder", "readme.txt"))
    with pytest.raises(FootageEmpty, match="2 videos"):
        find_footage(touch(tmp_path / "videos", "a.mp4", "b.mp4"))


def test_a_pattern_of_something_else_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a.1.txt")
    with pytest.raises(FootageUnreadable, match="not images"):
        find_footage(tmp_path / "a.#.txt")


def test_numbers_as_people_write_them() -> None:
    assert describe_numbers([1005, 1010, 1011, 1012]) == "1005, 1010-1012"
    assert describe_numbers(range(0, 40, 2)).endswith("22 and 8 more ranges")
