"""Which focal length the solver is told, and what is refused before a solve begins."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import pytest

from backend.sfm.settings import PRESETS
from backend.solve_settings import known_focal, learned_focal_px, settings_of
from shared.command_line import add_stage_flags, stage_values
from shared.errors import InvalidParameter, ShotCorrupt
from shared.params import validate
from shared.shot import ShotFolder, SourceFacts
from shared.solve_hints import NO_HINTS, LensHint
from shared.stages import QUALITIES, SolveParams

FACTS = SourceFacts("video", 1920, 1080, "24000/1001", 1, 24, 24)
FILED = replace(FACTS, focal_px=1500.0)


def focal(*, hint: LensHint | None = None, facts: SourceFacts = FACTS, learned: float | None = None, **values: object):
    return known_focal(validate(SolveParams, values), facts, hint, learned)


def test_every_preset_that_can_be_chosen_exists_and_leads_down_to_the_cheapest() -> None:
    assert {choice.value for choice in QUALITIES} == set(PRESETS)
    for name in PRESETS:
        steps = 0
        while PRESETS[name].lower:
            before, name = PRESETS[name], PRESETS[name].lower
            assert PRESETS[name].features < before.features
            steps += 1
            assert steps < len(PRESETS)


def test_who_wins() -> None:
    hint = LensHint(1400.0)
    assert focal(facts=FILED).source == "metadata" and focal(facts=FILED).px == 1500.0
    assert (focal(facts=FILED, hint=hint).px, focal(facts=FILED, hint=hint).source) == (1400.0, "user")
    assert focal(facts=FILED, hint=hint, focal_px=1300.0).px == 1300.0
    assert focal(focal_mm=24.0, sensor_mm=36.0).px == pytest.approx(1280.0)
    assert focal(focal_mm=24.0, sensor_mm=36.0, focal_px=1.0e3).px == 1000.0
    assert (focal(learned=1600.0).px, focal(learned=1600.0).source) == (1600.0, "learned")
    assert focal(facts=FILED, learned=1600.0).source == "metadata"
    assert focal().px is None and focal().source == "user"


def test_what_is_exact() -> None:
    assert not focal(focal_px=1300.0).fixed and focal(focal_px=1300.0, fix_focal=True).fixed
    assert focal(hint=LensHint(1400.0, fixed=True)).fixed
    assert not focal(hint=LensHint(1400.0, fixed=True), focal_px=1300.0).fixed
    with pytest.raises(InvalidParameter, match="no focal length to keep"):
        focal(fix_focal=True)
    with pytest.raises(InvalidParameter, match="no focal length to keep"):
        focal(fix_focal=True, learned=1600.0)  # a guess is nothing to keep


def test_the_range() -> None:
    found = focal(focal_min_mm=24.0, focal_max_px=3000.0, sensor_mm=36.0, hint=LensHint(focal_max_px=2000.0))
    assert (found.least_px, found.most_px) == (pytest.approx(1280.0), 3000.0)
    assert focal(hint=LensHint(focal_min_px=900.0)).least_px == 900.0
    assert focal(facts=FILED, focal_max_px=1450.0).px == 1450.0
    with pytest.raises(InvalidParameter, match="outside of its range"):
        focal(focal_px=1500.0, focal_max_px=1450.0)
    with pytest.raises(InvalidParameter, match="longer than the longest"):
        focal(focal_min_px=1500.0, focal_max_px=1450.0)
    with pytest.raises(InvalidParameter, match="width of the sensor"):
        focal(focal_min_mm=24.0)


def test_everything_that_was_chosen_reaches_the_solver() -> None:
    values = {
        "quality": "best", "zoom": "free", "motion": "nodal", "distortion": "tangential", "rolling_shutter": "known",
        "readout_ms": 20.0, "no_movers": True, "seed": 3,
    }  # fmt: skip
    settings = settings_of(validate(SolveParams, values), FACTS, NO_HINTS)
    assert (settings.quality, settings.zoom, settings.motion, settings.seed) == ("best", "free", "nodal", 3)
    assert (settings.distortion, settings.rolling_shutter, settings.readout_ms) == ("tangential", "known", 20.0)
    assert not settings.find_movers and settings.fps == pytest.approx(24000 / 1001)
    with pytest.raises(InvalidParameter, match="readout time"):
        settings_of(validate(SolveParams, {"rolling_shutter": "known"}), FACTS, NO_HINTS)


def test_the_names_of_another_pipeline_are_understood() -> None:
    parser = argparse.ArgumentParser()
    add_stage_flags(parser)
    parsed = {flag: stage_values(parser.parse_args([flag])) for flag in ("--no-optimize-focal", "--optimize-focal")}
    assert parsed["--no-optimize-focal"] == {"solve": {"fix_focal": True}}
    assert parsed["--optimize-focal"] == {"solve": {"fix_focal": False}}


def test_a_networks_guess_is_taken_only_when_it_is_one(tmp_path: Path) -> None:
    shot = ShotFolder(tmp_path)
    assert learned_focal_px(shot) is None
    (tmp_path / "depth").mkdir()
    for said, expected in (
        ({"focal_px": 1600.0, "focal_source": "learned"}, 1600.0),
        ({"focal_px": 1600.0, "focal_source": "solved"}, None),
        ({"minimum": 1.0}, None),
    ):
        (tmp_path / "depth/meta.json").write_text(json.dumps(said))
        assert learned_focal_px(shot) == expected
    for bad in ('{"focal_px": -2, "focal_source": "learned"}', "[]", "{"):
        (tmp_path / "depth/meta.json").write_text(bad)
        with pytest.raises(ShotCorrupt, match=r"meta\.json"):
            learned_focal_px(shot)
