"""Which of two versions is older. No bpy here."""

from __future__ import annotations

import re


def is_older(one: str, other: str) -> bool:
    """By their numbers; one without any is older than all."""
    return _numbers(one) < _numbers(other)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))
