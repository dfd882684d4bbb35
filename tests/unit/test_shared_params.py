"""Parameters are declared once; validation and flags follow from it."""

import argparse

import pytest

from backend.cli import run
from backend.cli.main import main
from shared.command_line import add_stage_flags, refuse_later_flags, stage_values
from shared.errors import InvalidParameter, InvalidRequest, UnknownStage
from shared.messages import JobRequest
from shared.params import specs, to_values, validate
from shared.stage_presets import OF_A_SHOT, PRESETS, preset_values
from shared.stages import STAGES, DepthParams, IngestParams, SolveParams, StageInfo, in_order, stage_info


@pytest.mark.parametrize("info", STAGES, ids=lambda info: info.name)
def test_every_default_is_valid_and_every_parameter_is_explained(info: StageInfo) -> None:
    assert validate(info.params, to_values(info.params())) == info.params()
    for spec in specs(info.params):
        assert len(spec.help) > 15 and spec.help.endswith("."), spec.name


@pytest.mark.parametrize("stage", PRESETS)
def test_every_preset_is_valid_and_its_own(stage: str) -> None:
    values = [preset_values(stage, preset) for preset in (None, *PRESETS[stage])]
    for preset, wanted in zip(PRESETS[stage], values[1:], strict=True):
        validate(stage_info(stage).params, wanted)
        assert set(preset.values).isdisjoint(OF_A_SHOT) and not preset.help.endswith(".")
    assert all(one not in values[:index] for index, one in enumerate(values))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"quality": "ultra"}, "one of low, medium, high, slow"),
        ({"focal_mm": 0.2}, "from 1 to 5000 mm"),
        ({"focal_mm": float("nan")}, "from 1 to 5000 mm"),
        ({"focal_mm": "35"}, "a number"),
        ({"seed": True}, "a whole number"),
        ({"seed": 1.5}, "a whole number"),
        ({"fix_focal": 1}, "true or false"),
        ({"qualty": "low"}, "no parameter named qualty"),
        ({"quality": None}, "one of"),
    ],
)
def test_wrong_values_say_what_is_right(values: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidParameter, match=words):
        validate(SolveParams, values)


def test_none_means_decide_for_me_where_it_may() -> None:
    assert validate(SolveParams, {"focal_mm": None}) == SolveParams()


def _parse(*arguments: str) -> dict[str, dict[str, object]]:
    parser = argparse.ArgumentParser()
    add_stage_flags(parser)
    return stage_values(parser.parse_args(arguments))


def test_flags_give_only_what_was_given() -> None:
    assert _parse() == {}
    assert _parse("-q", "low", "-M", "-f", "24000/1001") == {
        "ingest": {"fps": "24000/1001"},
        "solve": {"quality": "low", "no_masks": True},
    }
    assert _parse("--focal-mm", "35", "--sensor", "super35", "--frame-start", "1001") == {
        "ingest": {"frame_start": 1001},
        "solve": {"focal_mm": 35.0, "sensor": "super35"},
    }


def test_no_flag_is_used_twice() -> None:
    flags = [flag for info in STAGES for spec in specs(info.params) for flag in spec.flags]
    assert len(flags) == len(set(flags))


def test_flags_of_later_stages_are_named_as_such() -> None:
    with pytest.raises(InvalidRequest, match="'materials'"):
        refuse_later_flags(["clip.mp4", "-i", "3000"])
    with pytest.raises(InvalidRequest, match="'materials'"):
        refuse_later_flags(["--iterations=3000"])
    refuse_later_flags(["clip.mp4", "-q", "low"])


def test_stages_run_in_order_with_what_they_need() -> None:
    assert [info.name for info in in_order(("solve",))] == ["ingest", "solve"]
    assert [info.name for info in in_order(("colmap", "ingest"))] == ["ingest", "solve"]
    assert stage_info("colmap").params is SolveParams
    assert stage_info("ingest").params is IngestParams
    assert [info.name for info in in_order(("solve", "interactive"))] == ["ingest", "roto", "solve"]


def test_an_alias_of_a_later_stage_says_its_name() -> None:
    with pytest.raises(UnknownStage, match="'materials'"):
        stage_info("gsir")


@pytest.mark.parametrize(
    ("arguments", "stages"),
    [
        (["-s", "solve"], ("solve",)),
        (["-s", "solve", "-d"], ("solve", "depth")),
        (["-d", "-m"], ("ingest", "solve", "depth")),
        (["-s", "depth", "--frame-meshes"], ("depth",)),
        (["-s", "solve", "--depth-resolution", "half"], ("solve",)),
    ],
)
def test_a_cloud_or_a_mesh_brings_the_depth_stage_with_it(
    arguments: list[str], stages: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[JobRequest] = []
    monkeypatch.setattr(run, "run_here", lambda request, as_json: asked.append(request) or 0)
    assert main(["run", "clip.mp4", *arguments]) == 0
    assert asked[0].stages == stages


def test_a_mesh_without_the_cloud_is_refused_before_anything_runs() -> None:
    with pytest.raises(InvalidParameter, match="-d -m"):
        validate(DepthParams, {"mesh": True})
    assert validate(DepthParams, {"mesh": True, "dense": True}).mesh
