"""What a client asks about footage that no shot has been made of: `clip.probe`."""

from __future__ import annotations

from dataclasses import dataclass

from .shot import SourceFacts


@dataclass(frozen=True)
class ProbeRequest:
    """footage: absolute path, folder or `name.####.ext` pattern."""

    footage: str


@dataclass(frozen=True)
class ProbeReply:
    """facts: as `shot.json` will have them if nothing is overridden. notices: what is unusual, sentences."""

    facts: SourceFacts
    notices: tuple[str, ...] = ()
