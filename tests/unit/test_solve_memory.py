"""The preset is lowered when memory is short, and it is said, with numbers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from backend.free_memory import container_free_bytes, free_bytes
from backend.sfm.settings import PRESETS
from backend.solve_memory import affordable, peak_bytes

GB = 1024.0**3
UHD = (3840, 2160, 500)


def needs(quality: str, clip: tuple[int, int, int] = UHD) -> float:
    return peak_bytes(PRESETS[quality], *clip)


def test_enough_memory_changes_nothing() -> None:
    fits = affordable("slow", *UHD, free=64 * GB)
    assert (fits.quality, fits.notice) == ("slow", "")


def test_a_preset_that_does_not_fit_is_lowered_by_as_little_as_needed() -> None:
    fits = affordable("slow", *UHD, free=1.2 * needs("high"))
    assert fits.quality == "high" and "'slow'" in fits.notice and "'high'" in fits.notice
    assert f"{needs('slow') / GB:.1f} GB" in fits.notice and f"{needs('high') / GB:.1f} GB" in fits.notice
    assert "500 frames of 3840x2160" in fits.notice
    assert affordable("slow", *UHD, free=1.2 * needs("medium")).quality == "medium"
    assert affordable("best", *UHD, free=1.2 * needs("medium")).quality == "medium"


def test_less_than_the_cheapest_needs_is_said() -> None:
    fits = affordable("medium", *UHD, free=0.5 * needs("fast"))
    assert fits.quality == "fast" and "may run out" in fits.notice
    fits = affordable("fast", *UHD, free=0.5 * needs("fast"))
    assert fits.quality == "fast" and "may run out" in fits.notice and "lowered" not in fits.notice


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_cheaper_preset_needs_less(name: str) -> None:
    if PRESETS[name].lower:
        assert needs(PRESETS[name].lower) < needs(name)


def test_memory_grows_with_the_clip_but_not_by_its_pictures() -> None:
    few, many = needs("medium", (1280, 720, 100)), needs("medium", (1280, 720, 200))
    assert 0 < many - few < 100 * 1280 * 720 * 3


def test_a_container_may_have_less_than_the_computer(tmp_path: Path) -> None:
    assert container_free_bytes(tmp_path) == math.inf
    for name, text in {"memory.max": "4000000000\n", "memory.current": "1500000000\n"}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "memory.stat").write_text("anon 1000\ninactive_file 500000000\n")
    assert container_free_bytes(tmp_path) == 3e9
    (tmp_path / "memory.max").write_text("max\n")
    assert container_free_bytes(tmp_path) == math.inf
    assert free_bytes() > 0.0
