"""docs/programs.md says what the writers of backend/export do."""

from __future__ import annotations

import re
from pathlib import Path

from backend.export.after_effects import NULLS, PX_PER_UNIT
from backend.export.formats import FORMATS
from backend.export.houdini_clip import CHANNELS
from shared import axes

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "programs.md").read_text(encoding="utf-8")


def row(name: str) -> list[str]:
    """The cells of Nuke, Houdini, Maya and After Effects."""
    (found,) = re.findall(rf"^\| {name} \|(.*)\|$", TEXT, re.MULTILINE)
    return [cell.strip() for cell in found.split("|")]


def test_axes_are_those_of_each_format() -> None:
    of = {known.name: axes.by_name(known.axes) for known in FORMATS if known.axes}
    up = axes.point_to(of["nk"], (0.0, 0.0, 1.0))
    assert up == axes.point_to(of["abc"], (0.0, 0.0, 1.0)) == axes.point_to(of["fbx"], (0.0, 0.0, 1.0)) == (0, 1, 0)
    assert row("its up axis")[:3] == ["y", "y", "y"]
    assert axes.point_to(axes.AFTER_EFFECTS, (0.0, 0.0, 1.0)) == (0, -1, 0)
    assert of["usda"] == axes.USD and "without `--axes` it is z up" in TEXT


def test_orders_and_units() -> None:
    order = {known.name: known.order for known in FORMATS}
    assert row("rotation order")[:2] == [order["nk"].upper(), order["clip"].upper()] == ["ZXY", "XYZ"]
    assert row("one unit of the file is")[3] == f"{PX_PER_UNIT:g} px are one unit"
    assert row("points")[3] == f"the {NULLS} best, as nulls"
    assert f"`{' '.join(CHANNELS)}`" in TEXT
