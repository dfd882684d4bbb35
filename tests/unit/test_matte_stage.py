"""The matte stage as a whole: files, resuming, cancelling, what stays, and a program of the user's as its engine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import OpenEXR
import pytest

from backend.matte.external import COMMAND, COMMERCIAL, first_chunk
from backend.matte.files import read_alpha
from backend.matte.job import mask_labels
from backend.stages import matte
from backend.weights.folder import ALLOW_VARIABLE
from shared.errors import (
    ArtifactMissing,
    EngineUnavailable,
    FootageEmpty,
    InternalError,
    InvalidRequest,
    JobCancelled,
    OutOfMemory,
)
from shared.matte_params import MatteParams
from shared.matte_report import read_matte_report
from shared.shot import ShotFolder
from tests.unit.export_shot import Recorder
from tests.unit.matte_scene import disc_scene
from tests.unit.matte_shot import FIRST, run_matte, write_matte_shot

SCENE = disc_scene(3)
PROGRAM = """
import json, os, shutil, sys
source, target, chunk = sys.argv[1], sys.argv[2], int(sys.argv[3])
names = sorted(os.listdir(os.path.join(source, "trimaps")))
with open(os.environ["SEEN"], "a") as seen:
    seen.write(json.dumps({"chunk": chunk, "names": names}) + "\\n")
if len(names) > int(os.environ["FITS"]):
    print("torch.OutOfMemoryError: CUDA out of memory")
    sys.exit(1)
if os.environ.get("FAILS"):
    print("no such network")
    sys.exit(3)
for name in names[: -1 if os.environ.get("FORGETS") else None]:
    shutil.copy(os.path.join(source, "trimaps", name), os.path.join(target, name))
"""


@pytest.fixture
def shot(tmp_path: Path) -> ShotFolder:
    return write_matte_shot(tmp_path / "shot", SCENE)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the example program writes what it was asked for. It hands trimaps back as mattes."""
    script, seen = tmp_path / "program.py", tmp_path / "seen.jsonl"
    script.write_text(PROGRAM, encoding="utf-8")
    monkeypatch.setenv(COMMAND, f'"{sys.executable}" "{script}" {{input}} {{output}} {{chunk}}')
    monkeypatch.setenv("SEEN", str(seen))
    monkeypatch.setenv("FITS", "1")
    monkeypatch.setenv(ALLOW_VARIABLE, "1")
    return seen


def test_mattes_unions_trimaps_and_foregrounds(shot: ShotFolder) -> None:
    result, notices = run_matte(shot, trimaps=True, foreground=True)
    assert not notices and result.engine == "banded" and result.facts["frames"] == 3
    for index in range(3):
        name = f"frame_{FIRST + index:04d}"
        levels = cv2.imread(str(shot.matte_dir / "head" / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        assert levels.dtype == np.uint16 and levels.shape == SCENE.alphas[index].shape
        assert np.abs(levels / 65535.0 - SCENE.alphas[index]).mean() < 0.01
        np.testing.assert_allclose(read_alpha(shot.matte_dir / "combined" / f"{name}.png"), levels / 65535, atol=2e-5)
        union = cv2.imread(str(shot.roto_dir / "combined" / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        assert union.dtype == np.uint8 and np.abs(union / 255.0 - levels / 65535.0).max() < 0.003
        assert set(np.unique(cv2.imread(str(shot.matte_dir / "head_trimap" / f"{name}.png"), 0))) == {0, 128, 255}
        channels = OpenEXR.File(str(shot.matte_dir / "head_fg" / f"{name}.exr"), separate_channels=True).channels()
        assert set(channels) == {"R", "G", "B", "A"} and (channels["R"].pixels[levels == 0] == 0).all()
    assert read_matte_report(shot).labels["head"].band_px > 2.0
    assert mask_labels(shot) == ["head"]


def test_a_stopped_run_continues_and_gives_the_same(shot: ShotFolder, tmp_path: Path) -> None:
    with pytest.raises(JobCancelled):
        run_matte(shot, Recorder(cancel_at=2))
    assert not shot.matte_dir.exists()
    run_matte(shot)
    other = write_matte_shot(tmp_path / "other", SCENE)
    run_matte(other)
    for path in sorted((shot.matte_dir / "head").iterdir()):
        assert path.read_bytes() == (other.matte_dir / "head" / path.name).read_bytes()


def test_a_range_keeps_the_other_frames(shot: ShotFolder, program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FITS", "9")  # the program is quick
    run_matte(shot, foreground=True, engine="external")
    before = (shot.matte_dir / "head" / f"frame_{FIRST:04d}.png").read_bytes()
    run_matte(shot, frame_start=FIRST + 1, frame_end=FIRST + 1, band=2.0, engine="external")
    assert (shot.matte_dir / "head" / f"frame_{FIRST:04d}.png").read_bytes() == before
    assert len(list((shot.matte_dir / "head").iterdir())) == 3
    run_matte(shot, engine="external")  # all frames, without foregrounds: those of before would not fit any more
    assert not list(shot.matte_dir.glob("head_fg/*.exr"))


def test_what_cannot_be_says_why(shot: ShotFolder, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"'hat'.*head"):
        run_matte(shot, labels="hat")
    with pytest.raises(FootageEmpty, match="no frame from 900"):
        run_matte(shot, frame_start=900)
    bare = write_matte_shot(tmp_path / "bare", SCENE, labels=())
    with pytest.raises(ArtifactMissing, match="no masks"):
        run_matte(bare)


def test_several_objects_and_a_frame_without_one(tmp_path: Path) -> None:
    shot = write_matte_shot(tmp_path / "shot", SCENE, ("a", "b"))
    (shot.roto_dir / "b" / f"frame_{FIRST + 1:04d}.png").unlink()
    result, _ = run_matte(shot)
    assert result.facts["empty"] == {"b": 1}
    name = f"frame_{FIRST:04d}.png"
    one, other, union = (read_alpha(shot.matte_dir / folder / name) for folder in ("a", "b", "combined"))
    np.testing.assert_allclose(union, 1.0 - (1.0 - one) * (1.0 - other), atol=3e-5)
    assert np.abs(one - other).mean() < 0.003  # a frame that nobody masked says nothing of the others


def test_a_program_gets_smaller_chunks_until_they_fit(shot: ShotFolder, program: Path) -> None:
    result, notices = run_matte(shot, engine="external", chunk=3)
    chunks = [len(json.loads(line)["names"]) for line in program.read_text(encoding="utf-8").splitlines()]
    assert chunks == [3, 1, 1, 1] and len(notices) == 1 and "1 from now on" in notices[0]
    assert result.engine == "external"
    levels = read_alpha(shot.matte_dir / "head" / f"frame_{FIRST:04d}.png")
    assert set(np.round(np.unique(levels) * 255)) == {0, 128, 255}


def test_a_program_that_fails_is_named(shot: ShotFolder, program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FITS", "0")
    with pytest.raises(OutOfMemory, match="one frame"):
        run_matte(shot, engine="external", chunk=1)
    monkeypatch.setenv("FITS", "9")
    monkeypatch.setenv("FORGETS", "1")
    with pytest.raises(InternalError, match=f"wrote no frame_{FIRST + 2:04d}"):
        run_matte(shot, engine="external", chunk=3)
    monkeypatch.setenv("FAILS", "1")
    with pytest.raises(InternalError, match="exit code 3") as failed:
        run_matte(shot, engine="external", chunk=3)
    assert failed.value.details["log"] == "no such network"


def test_a_program_must_be_there_and_allowed(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = MatteParams(engine="external")
    assert matte.engine(wanted).name == "external"
    monkeypatch.delenv(ALLOW_VARIABLE)
    with pytest.raises(EngineUnavailable, match="commercial"):
        matte.engine(wanted)
    monkeypatch.setenv(COMMERCIAL, "1")
    assert matte.engine(wanted).name == "external"
    with pytest.raises(EngineUnavailable, match="is not there"):
        matte.engine(MatteParams(engine="external", command="no-such-program {input} {output}"))
    with pytest.raises(EngineUnavailable, match="where"):
        matte.engine(MatteParams(engine="external", command=f'"{sys.executable}" {{input}}'))
    monkeypatch.delenv(COMMAND)
    with pytest.raises(EngineUnavailable, match="No video matting program"):
        matte.engine(wanted)


def test_chunks_follow_the_devices_memory() -> None:
    assert first_chunk((1920, 1080), 80 * 1024**3) == 8
    assert first_chunk((1920, 1080), 1024**3) == 1
