"""`roto/report.json` of a run."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from shared.roto_report import LabelReport, RotoProblem

from .outputs import Track
from .propagation import HIDDEN, LOST, PROMPTED, TRACKED
from .store import Usage


def label_report(track: Track, facts: Mapping[str, Any]) -> LabelReport:
    seen = [area for area in track.area if area]
    sure = [value for value, area in zip(track.confidence, track.area, strict=True) if area]
    return LabelReport(
        first=track.first,
        last=track.last,
        frames=len(track.numbers),
        empty=len(track.area) - len(seen),
        prompted=track.state.count(PROMPTED),
        tracked=track.state.count(TRACKED),
        hidden=track.state.count(HIDDEN),
        lost=track.state.count(LOST),
        area_px=float(statistics.median(seen)) if seen else 0.0,
        confidence=round(statistics.median(sure), 4) if sure else None,
        facts=dict(facts),
    )


def work_facts(usage: Usage | None, chosen: Sequence[int], reason: str) -> dict[str, Any]:
    """How many of the chosen frames were made anew, how many come from an earlier run, and why. Nothing when the
    engine keeps none."""
    if usage is None:
        return {}
    made = len(usage.made & set(chosen))
    facts: dict[str, Any] = {"frames_made": made, "frames_kept": len(usage.kept & set(chosen) - usage.made)}
    return facts | ({"made_because": reason} if made and reason else {})


def problem_sentences(problems: Sequence[RotoProblem]) -> list[str]:
    return [problem.message for problem in problems]
