"""Frame numbers as runs, for files and for people."""

from __future__ import annotations

from collections.abc import Sequence

from shared.errors import FootageEmpty


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


def chosen_frames(numbers: Sequence[int], first: int | None, last: int | None, flags: str) -> tuple[int, ...]:
    """Those of a plate's numbers from first to last; None: from its own first, to its own last. flags: of the command
    line, "--roto-start and --roto-end". Raises `FootageEmpty`."""
    start = numbers[0] if first is None else first
    end = numbers[-1] if last is None else last
    chosen = tuple(number for number in numbers if start <= number <= end)
    if not chosen:
        raise FootageEmpty(
            f"The plate has no frame from {start} to {end}; it has {numbers[0]} to {numbers[-1]}.", f"Correct {flags}."
        )
    return chosen
