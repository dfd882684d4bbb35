"""Frame numbers as runs, for files and for people."""

from __future__ import annotations

from collections.abc import Sequence


def frame_runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of every run of consecutive numbers; `numbers` ascending."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def frame_ranges(numbers: Sequence[int]) -> str:
    """`1, 4-7, 9` for people; `numbers` ascending."""
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in frame_runs(numbers))
