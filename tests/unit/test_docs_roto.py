"""docs/roto.md says what the code does."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from backend.cli.prompts import add_prompt_flags
from shared.params import specs
from shared.roto_params import RotoParams
from shared.roto_prompts import prompts_from

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "roto.md").read_text(encoding="utf-8")


def test_every_parameter_is_explained() -> None:
    """`--nuke-roto` and `--roto-start N` both name their flag."""
    for spec in specs(RotoParams):
        for flag in (*spec.flags, *spec.off_flags):
            assert re.search(rf"`{flag}[ `]", TEXT), flag


def test_every_flag_of_prompts_is_explained() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    add_prompt_flags(parser)
    for flag in parser._option_string_actions:
        assert re.search(rf"`{flag}[ `]", TEXT), flag


def test_every_engine_is_explained() -> None:
    (engines,) = (spec.choices for spec in specs(RotoParams) if spec.name == "engine")
    for engine in engines:
        assert f"| `{engine.value}` |" in TEXT, engine.value


def test_the_example_of_the_prompts_can_be_read() -> None:
    page = (DOCS / "formats.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"## roto/prompts\.json\n+```\n(.*?)```", page, re.DOTALL)
    prompts = prompts_from(json.loads(example))
    assert list(prompts.labels["bag"].prompted) == [12, 40] and prompts.labels["person"].text == "person"
