"""docs/depth.md says what the code does."""

from __future__ import annotations

from pathlib import Path

from shared.depth_params import DepthParams
from shared.params import specs

TEXT = (Path(__file__).resolve().parents[2] / "docs/depth.md").read_text(encoding="utf-8")


def test_every_parameter_is_explained() -> None:
    for spec in specs(DepthParams):
        for flag in (*spec.flags, *spec.off_flags):
            assert f"`{flag}`" in TEXT, flag


def test_every_engine_is_explained() -> None:
    (engines,) = (spec.choices for spec in specs(DepthParams) if spec.name == "engine")
    for engine in engines:
        assert f"| `{engine.value}` |" in TEXT, engine.value
