"""`bench solve`'s results as text and as a Markdown table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_COLUMNS = (
    ("wall s", "seconds", "{:.1f}"), ("cpu s", "cpu_seconds", "{:.1f}"), ("ATE %", "ate_percent", "{:.3f}"),
    ("wander deg", "wander_deg", "{:.4f}"), ("rot deg", "rotation_deg", "{:.3f}"),
    ("focal %", "focal_percent", "{:.2f}"), ("worst focal %", "focal_max_percent", "{:.2f}"),
    ("points px", "points_px", "{:.3f}"), ("k1 %", "k1_percent", "{:.2f}"),
    ("undistorted px", "undistorted_px", "{:.3f}"),
)  # fmt: skip


def cells(row: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    """One solver's line: name, frames, motion, the numbers, J, and how much slower than Backlot (wall and CPU)."""
    numbers = ["-" if row[key] is None else form.format(row[key]) for _, key, form in _COLUMNS]
    motion = row["motion"] or "-"
    masks = row.get("motion_mask")
    times = [] if row is ours else [row[key] / ours[key] for key in ("seconds", "cpu_seconds") if _both(row, ours, key)]
    return [
        row["solver"], f"{row['solved']}/{row['frames']}" + ("" if row["state"] else " !"), motion, *numbers,
        "-" if not masks else f"{masks['j']:.3f}", " / ".join(f"{x:.1f}x" for x in times) or "-",
    ]  # fmt: skip


def _both(row: dict[str, Any], ours: dict[str, Any], key: str) -> bool:
    return bool(row[key]) and bool(ours[key])


HEAD = ["solver", "frames", "motion", *[name for name, _, _ in _COLUMNS], "mask J", "slower wall / cpu"]


def as_text(result: dict[str, Any]) -> str:
    """The clip's table, with why a run failed and when a peer's was recorded below it."""
    ours = result["runs"][0]
    table = [HEAD, *[cells(row, ours) for row in result["runs"]]]
    widths = [max(len(line[i]) for line in table) for i in range(len(HEAD))]
    lines = []
    for line in table:
        padded = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        lines.append("  ".join([line[0].ljust(widths[0]), *padded[1:]]))
    notes = [f"  {row['solver']}: FAILED: {row['failure']}" for row in result["runs"] if row["failure"]]
    notes += [f"  {row['solver']}: recorded {row['recorded']}" for row in result["runs"] if row["recorded"]]
    if ours.get("motion_mask"):
        said = ours["motion_mask"]
        notes.append(
            f"  motion mask: J {said['j']:.3f} over {said['scored']} frames (worst {said['worst']:.3f}), "
            f"{said['left_out']} left out, {said['false_percent']:.2f} % of the rest called moving"
        )
    notes.append("  steps: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in ours.get("steps", {}).items()))
    return "\n".join([f"\n{result['clip']} ({result['frames']} frames, {result['motion']})", *lines, *notes])


def as_markdown(results: Sequence[dict[str, Any]]) -> str:
    """One table of all clips and solvers."""
    head = ["clip", *HEAD]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for result in results:
        for row in result["runs"]:
            mine = cells(row, result["runs"][0])
            mine[0] += " (recorded)" if row["recorded"] else ""
            mine[1] = f"failed: {row['failure']}" if row["failure"] else mine[1]
            lines.append(f"| {' | '.join([result['clip'], *mine])} |")
    return "\n".join(lines)
