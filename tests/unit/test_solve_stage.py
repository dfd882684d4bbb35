"""The solve stage around the solver: what it reads, what it refuses, what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from backend.sfm.settings import PRESETS, SfmSettings
from backend.solve_engines import SFM
from backend.solve_memory import peak_bytes
from backend.stages import solve as stage
from shared.errors import ShotCorrupt
from shared.shot import ShotFolder
from shared.solve_hints import AddedTrack, LensHint, SolveHints, write_hints
from shared.stages import SolveParams
from tests.unit.solved_shot import context_of, made_up_solve, shot_at


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[SfmSettings]:
    """What the engine was asked for; it answers with a made-up solve."""
    seen: list[SfmSettings] = []

    def run_engine(params: SolveParams, plate: object, settings: SfmSettings, context: object) -> Any:
        seen.append(settings)
        return made_up_solve(), SFM

    monkeypatch.setattr(stage, "run_engine", run_engine)
    return seen


@pytest.fixture
def shot(tmp_path: Path) -> ShotFolder:
    made = shot_at(tmp_path / "shot")
    made.frames_dir.mkdir(parents=True)
    for number in range(1, 13):
        cv2.imwrite(str(made.frame_path(number)), np.full((360, 640, 3), 90, np.uint8))
    return made


def test_short_memory_lowers_the_preset_and_says_so(
    shot: ShotFolder, asked: list[SfmSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "free_bytes", lambda: 1.15 * peak_bytes(PRESETS["medium"], 640, 360, 12))
    context = context_of(shot.root)
    result = stage.run(SolveParams(quality="slow"), context)
    assert asked[0].quality == "medium" == result.facts["quality"]
    assert result.facts["quality_lowered_from"] == "slow"
    assert len(context.notices) == 1 and "'slow'" in context.notices[0] and "'medium'" in context.notices[0]
    monkeypatch.setattr(stage, "free_bytes", lambda: 1e12)
    context = context_of(shot.root)
    facts = stage.run(SolveParams(quality="slow"), context).facts
    assert facts["quality"] == "slow" and facts["quality_lowered_from"] is None
    assert not context.notices


def test_hints_reach_the_solver_and_its_key(shot: ShotFolder, asked: list[SfmSettings]) -> None:
    before = stage.inputs(SolveParams(), shot, "")
    hints = SolveHints(
        tracks=(AddedTrack("door", {"1": (5.0, 5.0), "2": (6.0, 5.0)}),), lens=LensHint(focal_min_px=500.0)
    )
    write_hints(shot, hints)
    after = stage.inputs(SolveParams(), shot, "")
    assert "hints" in after and "hints" not in before
    stage.run(SolveParams(), context_of(shot.root))
    assert asked[0].hints == hints and asked[0].focal_min_px == 500.0
    write_hints(shot, SolveHints())
    assert stage.inputs(SolveParams(), shot, "") == before


def test_broken_hints_stop_it_before_anything_is_lost(shot: ShotFolder, asked: list[SfmSettings]) -> None:
    stage.run(SolveParams(), context_of(shot.root))
    kept = {path: path.read_bytes() for path in shot.root.rglob("*") if path.is_file()}
    shot.hints.write_text('{"version": 1, "deleted": [1')
    with pytest.raises(ShotCorrupt, match=r"hints\.json"):
        stage.run(SolveParams(), context_of(shot.root))
    shot.hints.write_text('{"version": 1, "delete": [1]}')
    with pytest.raises(ShotCorrupt, match="'delete'"):
        stage.run(SolveParams(), context_of(shot.root))
    assert len(asked) == 1
    assert {path: path.read_bytes() for path in kept} == kept


def test_tracks_are_kept_apart_from_what_runs_once(shot: ShotFolder, asked: list[SfmSettings]) -> None:
    """The cache of tracks outlives the run, and its key knows the masks."""
    stage.run(SolveParams(), context_of(shot.root))
    folder = asked[0].checkpoint
    assert folder is not None and folder.is_dir() and folder.parent == shot.private_dir
    masks = shot.roto_dir / "person"
    masks.mkdir(parents=True)
    cv2.imwrite(str(masks / "frame_0001.png"), np.zeros((360, 640), np.uint8))
    stage.run(SolveParams(), context_of(shot.root))
    assert asked[1].checkpoint_key != asked[0].checkpoint_key
    stage.run(SolveParams(no_masks=True), context_of(shot.root))
    assert asked[2].checkpoint_key == asked[0].checkpoint_key
