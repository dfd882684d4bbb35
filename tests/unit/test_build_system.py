"""System libraries and the mirror of the window's Debian: named, never guessed."""

from __future__ import annotations

import pytest

from build_steps import system
from build_steps.layout import BuildError
from tests.gui import chroot


def test_missing_library_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "BLENDER_LIBRARIES", {"libBacklotNone.so.1": "libbacklot-none1"})
    monkeypatch.setattr(system.sys, "platform", "linux")
    with pytest.raises(BuildError) as caught:
        system.require_libraries(install=False)
    assert "libBacklotNone.so.1" in str(caught.value)
    assert "apt-get install libbacklot-none1" in str(caught.value)
    assert "--system" in str(caught.value)


def test_apt_is_used_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    answers = iter([{"libA.so": "liba"}, {}])
    monkeypatch.setattr(system, "missing_libraries", lambda: next(answers))
    monkeypatch.setattr(system, "install_packages", asked.append)
    system.require_libraries(install=True)
    assert asked == [["liba"]]


@pytest.mark.parametrize(
    ("text", "mirror"),
    [
        ("Types: deb\nURIs: http://mirror.example/debian\nSuites: x\n", "http://mirror.example/debian"),
        ("deb https://mirror.example/debian/ x main\n", "https://mirror.example/debian/"),
        ("deb [signed-by=/k.gpg] http://mirror.example/debian x main\n", "http://mirror.example/debian"),
        ("deb https://packages.example/cloud x main\n", ""),
        ("# deb http://mirror.example/debian x main\n", ""),
        ("URIs: http://mirror.example/debian-security\n", ""),
    ],
)
def test_mirror_comes_from_apts_sources(text: str, mirror: str) -> None:
    assert chroot.find_mirror(text) == mirror
