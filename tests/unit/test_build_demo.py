"""The demo on a computer without the Python that Blender's module needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from build_steps import demo, environments, fetched_python, pythons


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was fetched; before that no environment can be made."""
    done: list[str] = []

    def ensure(_plan: environments.Plan, *, offline: Path | None = None) -> Path:
        if not done:
            raise pythons.NoPython("Blender's module needs Python 3.11 (64 bit), and none was found.")
        return Path("python")

    monkeypatch.setattr(environments, "ensure", ensure)
    monkeypatch.setattr(fetched_python, "fetch", lambda _watch: done.append(fetched_python.VERSION))
    return done


def test_it_is_fetched(fetched: list[str]) -> None:
    assert demo._blender(None) == Path("python")
    assert fetched == [fetched_python.VERSION]


def test_offline_it_is_said_and_not_fetched(fetched: list[str], tmp_path: Path) -> None:
    with pytest.raises(pythons.NoPython, match="none was found"):
        demo._blender(tmp_path)
    assert fetched == []
