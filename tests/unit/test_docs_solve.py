"""docs/solve.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from backend.sfm.settings import PRESETS, Preset
from shared.params import specs
from shared.stages import SolveParams

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "solve.md").read_text(encoding="utf-8")


def row(name: str, preset: Preset) -> str:
    size = "half of the plate's" if preset.longest is None else f"up to {preset.longest}"
    cells = (name, size, preset.features, preset.rounds, preset.iterations, preset.windows, preset.lower)
    return re.sub(r" +", " ", "| " + " | ".join(map(str, cells)) + " |")


def test_the_table_of_presets_is_true() -> None:
    lines = [line for line in TEXT.splitlines() if line.startswith("|")]
    for name, preset in PRESETS.items():
        assert row(name, preset) in lines, row(name, preset)


def test_every_parameter_is_explained() -> None:
    for spec in specs(SolveParams):
        for flag in (*spec.flags, *spec.off_flags):
            assert f"`{flag}`" in TEXT or f"`{flag} " in TEXT, flag


def test_every_kind_of_problem_is_listed() -> None:
    source = (DOCS.parent / "backend/sfm/problems.py").read_text(encoding="utf-8")
    kinds = set(re.findall(r'_Cause\("([a-z-]+)"', source))
    assert kinds and all(f"`{kind}`" in TEXT for kind in kinds)
