"""The page of licences: every engine, model and package is on it, as the source and the packages themselves say."""

from __future__ import annotations

import importlib.metadata

from backend.engines import ENGINES
from backend.weights.models import MODELS
from tools.docs_site.dependencies import LICENCES
from tools.docs_site.licences import INSTALLED, REQUIREMENTS, licences_page, pins

ROWS = [[cell.strip() for cell in line.strip("| ").split("|")] for line in licences_page().splitlines() if "|" in line]
_OF_TESTS = {"test", "bpy-test", "docs", "bpy-4.2.23", "bpy-5.0.1"}


def test_every_engine_is_listed() -> None:
    for info in ENGINES:
        allowed = "yes" if info.commercial else "**no**"
        assert [row for row in ROWS if row[:3] == [f"`{info.engine}`", allowed, info.kind]]


def test_every_model_is_listed_with_whether_it_is_for_commercial_work() -> None:
    for model in MODELS:
        (row,) = [row for row in ROWS if row[0].startswith(f"[`{model.name}`]")]
        assert row[1:3] == ["yes" if model.commercial else "**no**", f"`{model.engine}`"]


def test_every_package_of_every_lock_has_a_licence() -> None:
    assert {path.stem for path in REQUIREMENTS.glob("*.lock")} == {lock for lock, _ in INSTALLED} | _OF_TESTS
    for lock, _ in INSTALLED:
        assert pins(lock)
        for name, version in pins(lock):
            assert name in LICENCES, f"{lock}.lock has {name}, whose licence is not in tools/docs_site/dependencies.py"
            assert any(row[0] == f"{name} {version}" for row in ROWS) or lock != "base"


def test_the_licences_are_what_the_packages_say() -> None:
    """Those that are installed here, and say it in one expression."""
    said = {
        found.metadata["Name"].lower(): found.metadata.get("License-Expression")
        for found in importlib.metadata.distributions()
    }
    checked = {name: said[name] for name in LICENCES if said.get(name)}
    assert len(checked) > 3
    assert checked == {name: LICENCES[name] for name in checked}
