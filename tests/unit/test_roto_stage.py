"""The roto stage as a whole, with a stand-in engine whose truth is exact: files, names, resuming, what stays."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.media.plate import moving_mask_folders
from backend.pipeline import runner
from backend.pipeline.runner import plan
from backend.pipeline.shot_lock import shot_lock
from backend.roto import engines, masks
from backend.roto.ownership import foreign_file, read_made
from shared.errors import ArtifactMissing, DiskFull, EngineUnavailable, FootageEmpty, InvalidRequest, JobCancelled
from shared.roto_prompts import FramePrompt, LabelPrompts, RotoPrompts, read_prompts, write_prompts
from shared.roto_report import read_roto_report
from shared.roto_splines import read_splines
from shared.shot import ShotFolder
from shared.stages import stage_info
from tests.unit.export_shot import Recorder
from tests.unit.roto_shot import FIRST, NUMBERS, ColourEngine, masks_in, prompt, run_roto, truth, write_footage


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    return write_footage(tmp_path / "clip")


@pytest.fixture
def shot(tmp_path: Path) -> ShotFolder:
    return ShotFolder(tmp_path / "shot")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> ColourEngine:
    """In the place of all engines, which are all ready."""
    stand_in = ColourEngine()
    monkeypatch.setattr(masks, "run_engine", stand_in)
    monkeypatch.setattr(engines, "require_ready", lambda engine, params: None)
    monkeypatch.setattr(engines, "weights_files", lambda engine, params: "")
    return stand_in


def assert_true_masks(shot: ShotFolder, folder: str, *squares: str) -> None:
    found = masks_in(shot.root, folder)
    assert list(found) == list(NUMBERS)
    for number, mask in found.items():
        assert (mask == np.any([truth(square, number) for square in squares], axis=0)).all(), number


def test_every_frame_of_every_label_gets_a_mask(shot: ShotFolder, footage: Path, engine: ColourEngine) -> None:
    prompt(shot, "red", "green")
    result = run_roto(shot.root, footage)
    assert_true_masks(shot, "red", "red")
    assert_true_masks(shot, "green", "green")
    assert_true_masks(shot, "mask", "red", "green")
    levels = cv2.imread(str(shot.roto_dir / "red/frame_1001.png"), cv2.IMREAD_UNCHANGED)
    assert levels.dtype == np.uint8 and levels.ndim == 2 and set(np.unique(levels)) == {0, 255}
    kinds = {artifact.path: (artifact.kind, artifact.frames) for artifact in result.artifacts}
    assert kinds["roto/red"] == ("roto", (NUMBERS[0], NUMBERS[-1])) and kinds["roto/mask"][0] == "roto-union"
    report = read_roto_report(shot)
    assert list(report.labels) == ["red", "green"] and report.engine == result.engine == "sam2"
    green = report.labels["green"]
    assert (green.first, green.last, green.frames, green.empty) == (FIRST + 2, NUMBERS[-1], 6, 2)
    assert (green.prompted, green.tracked, green.hidden, green.area_px, green.confidence) == (1, 3, 2, 80.0, 0.75)
    assert run_roto(shot.root, footage).skipped


def test_instances_are_named_by_first_appearance(shot: ShotFolder, footage: Path, engine: ColourEngine) -> None:
    prompt(shot, thing="green red", sky="blue")
    run_roto(shot.root, footage)
    assert_true_masks(shot, "thing_00", "red")
    assert_true_masks(shot, "thing_01", "green")
    assert_true_masks(shot, "sky", "blue")
    assert not (shot.roto_dir / "thing").exists()
    assert read_roto_report(shot).labels["thing_00"].facts["frames_made"] == len(NUMBERS)
    engine.looked = []
    run_roto(shot.root, footage, separate_instances=False)
    assert not engine.looked and read_roto_report(shot).labels["thing"].facts == {"frames_made": 0, "frames_kept": 6}
    assert_true_masks(shot, "thing", "red", "green")
    assert not (shot.roto_dir / "thing_00").exists()


def test_a_static_label_and_its_instances_are_left_to_the_solve(
    shot: ShotFolder, footage: Path, engine: ColourEngine
) -> None:
    prompt(shot, "red", thing="green blue")
    run_roto(shot.root, footage)
    assert [folder.name for folder in moving_mask_folders(shot)] == ["red", "thing_00", "thing_01"]
    planned = plan(stage_info("solve"), {}, shot, str(footage)).key
    known = read_prompts(shot)
    still = replace(known.labels["thing"], moving=False)
    write_prompts(shot, replace(known, labels={**known.labels, "thing": still}))
    assert [folder.name for folder in moving_mask_folders(shot)] == ["red"]
    assert plan(stage_info("solve"), {}, shot, str(footage)).key != planned
    assert run_roto(shot.root, footage).skipped, "the masks are the same"


def test_the_solve_is_out_of_date_when_masks_change(shot: ShotFolder, footage: Path, engine: ColourEngine) -> None:
    def solve_key() -> str:
        return plan(stage_info("solve"), {}, shot, str(footage)).key

    prompt(shot, "red")
    run_roto(shot.root, footage)
    first = solve_key()
    prompt(shot, "blue")
    assert solve_key() == first
    run_roto(shot.root, footage)
    assert solve_key() != first
    assert not (shot.roto_dir / "red").exists(), "no longer prompted, and made by this stage"


def test_hand_made_masks_are_never_touched(shot: ShotFolder, footage: Path, engine: ColourEngine) -> None:
    prompt(shot, "red", "green")
    run_roto(shot.root, footage)
    painted = shot.roto_dir / "red" / "frame_1002.png"
    cv2.imwrite(str(painted), np.full((32, 48), 255, np.uint8))
    before = painted.read_bytes()
    with pytest.raises(InvalidRequest, match=r"roto/red .*frame_1002\.png"):
        run_roto(shot.root, footage)
    prompt(shot, "green", frame=FIRST + 3)
    run_roto(shot.root, footage)
    assert painted.read_bytes() == before
    assert [path.name for path in (shot.roto_dir / "red").iterdir()] == ["frame_1002.png"]
    by_hand = shot.roto_dir / "mask" / "mine.png"
    by_hand.write_bytes(before)
    prompt(shot, "green")
    result = run_roto(shot.root, footage)
    assert by_hand.read_bytes() == before and "no union" in result.notices[0]
    assert [path.name for path in (shot.roto_dir / "mask").iterdir()] == ["mine.png"], "no union of older masks"


def test_hand_made_masks_alone_are_enough_for_stages_that_need_masks(shot: ShotFolder, footage: Path) -> None:
    (shot.roto_dir / "bag").mkdir(parents=True)
    with pytest.raises(InvalidRequest):  # an empty folder is no mask
        run_roto(shot.root, footage)
    cv2.imwrite(str(shot.roto_dir / "bag/frame_1001.png"), np.full((32, 48), 255, np.uint8))
    result = run_roto(shot.root, footage)
    assert result.engine == "hand-made" and result.facts["labels"] == ["bag"] and not result.artifacts
    assert run_roto(shot.root, footage).skipped and len(masks_in(shot.root, "bag")) == 1


def test_a_frame_range_leaves_the_other_frames_as_they_are(
    shot: ShotFolder, footage: Path, engine: ColourEngine
) -> None:
    prompt(shot, "red")
    run_roto(shot.root, footage, frame_start=FIRST + 3)
    assert list(masks_in(shot.root, "red")) == list(masks_in(shot.root, "mask")) == list(NUMBERS[3:])
    run_roto(shot.root, footage)
    assert_true_masks(shot, "red", "red")
    times = {path.name: path.stat().st_mtime_ns for path in (shot.roto_dir / "red").iterdir()}
    run_roto(shot.root, footage, frame_start=FIRST + 1, frame_end=FIRST + 2)
    now = {path.name: path.stat().st_mtime_ns for path in (shot.roto_dir / "red").iterdir()}
    assert [name for name in now if now[name] != times[name]] == ["frame_1002.png", "frame_1003.png"] or (
        {name for name in now if now[name] != times[name]} == {"frame_1002.png", "frame_1003.png"}
    )
    assert_true_masks(shot, "mask", "red")
    with pytest.raises(FootageEmpty, match="2000"):
        run_roto(shot.root, footage, frame_start=2000)


def test_splines_are_of_all_masks_that_the_shot_has(shot: ShotFolder, footage: Path, engine: ColourEngine) -> None:
    prompt(shot, "red", "green")
    run_roto(shot.root, footage, splines=True)
    red = read_splines(shot, "red")
    assert [(spline.first, spline.last) for spline in red.splines] == [(NUMBERS[0], NUMBERS[-1])]
    facts = read_roto_report(shot).labels["red"].facts
    assert facts["spline_keys"] == red.keys >= 2 and facts["spline_error_px"] <= 1.5
    assert all(spline.first == FIRST + 2 for spline in read_splines(shot, "green").splines)
    assert run_roto(shot.root, footage, splines=True).skipped
    run_roto(shot.root, footage, splines=True, frame_start=FIRST + 3)
    again = read_splines(shot, "red")
    assert [(spline.first, spline.last) for spline in again.splines] == [(NUMBERS[0], NUMBERS[-1])]
    run_roto(shot.root, footage, frame_start=FIRST + 3)
    assert not (shot.roto_dir / "red/splines.json").exists(), "they might be of other masks"
    assert_true_masks(shot, "red", "red")


# -- going on ----------------------------------------------------------------------------------------------


def test_a_stopped_run_goes_on_and_a_full_disk_loses_nothing(
    shot: ShotFolder, footage: Path, engine: ColourEngine
) -> None:
    prompt(shot, "red")
    run_roto(shot.root, footage)
    before = {path.name: path.read_bytes() for path in (shot.roto_dir / "red").iterdir()}
    prompt(shot, "red", "blue", frame=FIRST)
    engine.fails_at = FIRST + 3
    with pytest.raises(DiskFull):
        run_roto(shot.root, footage)
    assert {path.name: path.read_bytes() for path in (shot.roto_dir / "red").iterdir()} == before
    assert not (shot.roto_dir / "blue").exists()
    engine.fails_at, engine.looked = None, []
    run_roto(shot.root, footage)
    assert set(engine.looked) == set(NUMBERS[3:])
    assert_true_masks(shot, "blue", "blue")


def test_a_cancelled_run_goes_on(shot: ShotFolder, footage: Path, engine: ColourEngine) -> None:
    prompt(shot, "red")
    run_roto(shot.root, footage, frame_end=FIRST)  # the plate is there
    engine.looked = []
    with pytest.raises(JobCancelled):
        run_roto(shot.root, footage, Recorder(cancel_at=4))
    seen = len(engine.looked)
    assert 0 < seen < len(NUMBERS)
    run_roto(shot.root, footage)
    assert len(engine.looked) == len(set(engine.looked)) and not list(shot.checkpoints_dir.glob("roto/*"))


def test_masks_take_their_places_together_even_when_the_power_goes(
    shot: ShotFolder, footage: Path, engine: ColourEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt(shot, "red", "green")
    run_roto(shot.root, footage)
    prompt(shot, "blue")
    real, renamed = os.replace, []

    def dies(staged: Path, final: Path) -> None:
        if Path(staged).parent.name == "change" and Path(staged).suffix == ".png":
            renamed.append(final)
        if len(renamed) > 5:
            raise KeyboardInterrupt
        real(staged, final)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("backend.pipeline.journal.os.replace", dies)
        run_roto(shot.root, footage)
    assert not (shot.manifests_dir / "roto.json").exists()
    with shot_lock(shot):  # whoever comes next finishes it
        pass
    assert_true_masks(shot, "blue", "blue")
    assert_true_masks(shot, "mask", "blue")
    made = read_made(shot)
    assert not any(foreign_file(shot, folder, made) for folder in ("blue", "mask"))
    assert not list((shot.roto_dir / "red").glob("*"))
    assert not run_roto(shot.root, footage).skipped
    assert_true_masks(shot, "blue", "blue")


def test_a_correction_says_what_was_made_anew_and_why(shot: ShotFolder, footage: Path, engine: ColourEngine) -> None:
    prompt(shot, "red", "green")
    result = run_roto(shot.root, footage)
    assert result.facts["frames_made"] == 6
    known = read_prompts(shot)
    corrected = LabelPrompts(frames={**known.labels["red"].frames, "1005": FramePrompt(include=((20.0, 5.0),))})
    write_prompts(shot, replace(known, labels={**known.labels, "red": corrected}))
    run_roto(shot.root, footage)
    labels = read_roto_report(shot).labels
    assert labels["red"].facts == {
        "frames_made": 6, "frames_kept": 0, "made_because": "hints added at frame 1005"
    }  # fmt: skip
    assert labels["green"].facts == {"frames_made": 0, "frames_kept": 6}
    write_prompts(shot, known)  # undone
    engine.looked = []
    assert run_roto(shot.root, footage).facts["frames_made"] == 0 and not engine.looked


def test_colours_and_revisions_change_nothing(shot: ShotFolder, footage: Path, engine: ColourEngine) -> None:
    prompt(shot, "red")
    run_roto(shot.root, footage)
    known = read_prompts(shot)
    write_prompts(shot, replace(known, labels={"red": replace(known.labels["red"], color=(1.0, 0.0, 0.0))}))
    assert run_roto(shot.root, footage).skipped


def test_another_painted_mask_is_another_prompt(shot: ShotFolder, footage: Path, engine: ColourEngine) -> None:
    painted = shot.roto_dir / ".prompts/red/frame_1003.png"
    painted.parent.mkdir(parents=True)
    cv2.imwrite(str(painted), truth("red", 1003).astype(np.uint8) * 255)
    said = LabelPrompts(frames={"1003": FramePrompt(mask=".prompts/red/frame_1003.png")})
    write_prompts(shot, RotoPrompts(labels={"red": said}))
    run_roto(shot.root, footage)
    assert run_roto(shot.root, footage).skipped
    cv2.imwrite(str(painted), truth("red", 1004).astype(np.uint8) * 255)
    assert not run_roto(shot.root, footage).skipped
    painted.unlink()
    with pytest.raises(ArtifactMissing, match=r"red/frame_1003\.png is missing"):
        run_roto(shot.root, footage)


# -- what makes no sense -----------------------------------------------------------------------------------


def test_without_prompts_the_error_says_what_to_do(shot: ShotFolder, footage: Path) -> None:
    with pytest.raises(InvalidRequest) as empty:
        run_roto(shot.root, footage)
    assert all(word in empty.value.remedy for word in ("Blender", "--bbox", "--prompt person"))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (FramePrompt(include=((500.0, 5.0),)), "'red' .*outside of the picture.* frame 1003"),
        (FramePrompt(include=((5.0, 5.0),), exclude=((5.2, 5.2),)), "'red' .*same pixel.* frame 1003"),
        (FramePrompt(exclude=((5.0, 5.0),)), "'red' has only hints of where it is not"),
        (FramePrompt(absent=True), "No frame says where 'red' is"),
    ],
)
def test_prompts_that_make_no_sense_are_refused(
    shot: ShotFolder, footage: Path, engine: ColourEngine, said: FramePrompt, words: str
) -> None:
    write_prompts(shot, RotoPrompts(labels={"red": LabelPrompts(frames={"1003": said})}))
    with pytest.raises(InvalidRequest, match=words):
        run_roto(shot.root, footage)
    assert not (shot.roto_dir / "red").exists()


def test_prompts_off_the_plate_in_time_are_named(shot: ShotFolder, footage: Path, engine: ColourEngine) -> None:
    there, gone = FramePrompt(include=((20.0, 5.0),)), FramePrompt(include=((1.0, 1.0),))
    write_prompts(shot, RotoPrompts(labels={"red": LabelPrompts(frames={"1003": there, "7": gone})}))
    assert re.search(r"'red' at frame 7 is not used.* 1001 to 1006", run_roto(shot.root, footage).notices[0])
    write_prompts(shot, RotoPrompts(labels={"red": LabelPrompts(frames={"7": gone})}))
    with pytest.raises(InvalidRequest, match="'red' is of frames outside of the plate"):
        run_roto(shot.root, footage)


def test_words_need_an_engine_that_knows_them(shot: ShotFolder, footage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKLOT_WEIGHTS", str(shot.root / "none"))
    prompt(shot, thing="umbrella")
    with pytest.raises(EngineUnavailable, match="'umbrella'") as refused:
        run_roto(shot.root, footage)
    assert "clicks" in refused.value.remedy
    with pytest.raises(InvalidRequest, match="cannot find 'thing'"):
        run_roto(shot.root, footage, engine="flow")


def test_nothing_found_is_an_error(shot: ShotFolder, footage: Path, engine: ColourEngine) -> None:
    monochrome = {"red": (1, 2, 3)}
    prompt(shot, thing="red")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.unit.roto_shot.COLOURS", monochrome)
        with pytest.raises(ArtifactMissing):
            run_roto(shot.root, footage)
    assert not (shot.roto_dir / "thing").exists()


def test_the_plan_of_the_whole_job_has_roto_before_the_solve(shot: ShotFolder) -> None:
    assert list(runner.STAGE_WEIGHTS)[:3] == ["ingest", "roto", "solve"]


def test_made_json_is_whole_after_every_run(shot: ShotFolder, footage: Path, engine: ColourEngine) -> None:
    prompt(shot, "red")
    run_roto(shot.root, footage)
    made = json.loads((shot.private_dir / "roto/made.json").read_text())
    assert {name: len(files) for name, files in made.items()} == {"red": 6, "mask": 6}
    shutil.rmtree(shot.roto_dir / "red")
    run_roto(shot.root, footage)
    assert_true_masks(shot, "red", "red")


def test_files_for_other_programs(shot: ShotFolder, footage: Path, engine: ColourEngine) -> None:
    prompt(shot, "red", "green")
    asked = {"splines": True, "cryptomatte": True, "multilayer": True, "nuke": True, "after_effects": True}
    made = run_roto(shot.root, footage, **asked)
    for name in ("cryptomatte", "layers"):
        folder = shot.roto_dir / "exports" / name
        assert sorted(path.name for path in folder.iterdir()) == [f"frame_{number}.exr" for number in NUMBERS]
        assert any(artifact.path == f"roto/exports/{name}" for artifact in made.artifacts)
    for name in ("splines.json", "nuke_roto.py", "after_effects_masks.jsx"):
        assert (shot.roto_dir / "red" / name).is_file()
    run_roto(shot.root, footage)
    assert not (shot.roto_dir / "exports" / "layers").exists()
    assert not (shot.roto_dir / "red" / "nuke_roto.py").exists()
