"""A run of the engines that find what words name, without a shot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from backend.roto.job import Picture, RotoJob
from backend.roto.propagation import MemoryStore
from shared.roto_params import RotoParams

SIZE = (48, 80)
NUMBERS = tuple(range(1001, 1005))


def words_job(
    engine: str, texts: Mapping[str, str], picture: Callable[[int], Picture], weights: Path, scratch: Path,
    heard: list[str], threshold: float = 0.05, **hints: Any,
) -> RotoJob:  # fmt: skip
    """Four frames at 2 a second. heard: takes the notices. hints: label -> plate number -> hints."""
    facts = SimpleNamespace(facts=SimpleNamespace(rate=Fraction(2)))
    return RotoJob(
        engine=engine, params=RotoParams(engine=engine, weights=str(weights), threshold=threshold),
        shot=SimpleNamespace(read=lambda: facts), numbers=NUMBERS, width=SIZE[1], height=SIZE[0],  # type: ignore[arg-type]
        picture=picture, hints=hints, texts=texts, store=MemoryStore(), scratch=scratch, device="cpu",
        checkpoint=lambda what, done, total: None, notice=heard.append,
    )  # fmt: skip
