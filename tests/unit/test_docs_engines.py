"""docs/engines.md lists what there is, with its licences."""

from __future__ import annotations

from pathlib import Path

from backend.engines import ENGINES
from backend.weights.models import MODELS

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "engines.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("| ").split("|")] for line in TEXT.splitlines() if line.startswith("| ")]


def test_every_engine_is_listed() -> None:
    for info in ENGINES:
        (row,) = [row for row in ROWS if row[:2] == [info.stage, f"`{info.engine}`"]]
        assert row[2] == info.kind


def test_every_model_is_listed_with_whether_it_is_for_commercial_work() -> None:
    for model in MODELS:
        (row,) = [row for row in ROWS if row[0] == f"`{model.name}`"]
        assert row[1] == f"`{model.engine}`" and row[3] == f"`{model.repository}`"
        assert row[4] == ("yes" if model.commercial else "**no**")
        if model.commercial and " AND " not in model.weights_licence:
            assert row[2].startswith(model.weights_licence) or row[2].startswith("Apache-2.0")
