"""Which program runs, and whether it may."""

from __future__ import annotations

import os
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from backend.weights.folder import ALLOW_VARIABLE, non_commercial_allowed
from shared.errors import EngineUnavailable

COMMAND = "BACKLOT_MOCAP_COMMAND"


@dataclass(frozen=True)
class Research:
    """title: as its authors write it. commercial: whether its licence and its models' allow commercial work. source:
    where it is found. licence: in a few words."""

    title: str
    commercial: bool
    source: str
    licence: str


ENGINES = {
    "gvhmr": Research(
        "GVHMR", False, "https://github.com/zju3dv/GVHMR", "non-commercial research, and SMPL's model licence"
    ),
    "wham": Research("WHAM", False, "https://github.com/yohanshin/WHAM", "MPG's licence for non-commercial research"),
    "sam-3d-body": Research(
        "SAM 3D Body", True, "https://github.com/facebookresearch/sam-3d-body", "SAM License, commercial work allowed"
    ),
}


@dataclass(frozen=True)
class Program:
    """engine: a key of `ENGINES`. parts: the command line, split, with fields to fill in."""

    engine: str
    parts: tuple[str, ...]

    @property
    def title(self) -> str:
        return ENGINES[self.engine].title

    def command(self, request: Path, device: str) -> list[str]:
        """{request}: the file that says what is wanted. {folder}: where it lies. {device}: cpu, cuda:0, ..."""
        fields = {"{request}": str(request), "{folder}": str(request.parent), "{device}": device}
        filled = []
        for part in self.parts:
            for field, value in fields.items():
                part = part.replace(field, value)
            filled.append(part)
        return filled


def find_program(engine: str, command: str | None, *, non_commercial: bool) -> Program:
    """command: the job's command line, or None for the variable `COMMAND`. Raises `EngineUnavailable` when its licence
    needs a yes that was not given, when there is no command, and when the program is not there."""
    research = ENGINES[engine]
    remedy = (
        f"Install {research.title} in an environment of its own ({research.source}), write the small script that "
        f"docs/mocap-external.md shows, and give its command line: --mocap-command, or the variable {COMMAND}."
    )
    if not research.commercial and not non_commercial_allowed(non_commercial):
        raise EngineUnavailable(
            f"{research.title} may not be used for commercial work ({research.licence}).",
            f"If this work is not commercial, allow it: --mocap-non-commercial, or {ALLOW_VARIABLE}=1.",
        )
    line = command or os.environ.get(COMMAND, "")
    parts = tuple(shlex.split(line, posix=os.name != "nt"))
    if not parts:
        raise EngineUnavailable(f"{research.title} is not set up.", remedy)
    if shutil.which(parts[0]) is None:
        raise EngineUnavailable(f"The program {parts[0]} for {research.title} is not there.", remedy)
    if not any("{request}" in part or "{folder}" in part for part in parts):
        raise EngineUnavailable(f"The command {line!r} does not say where {{request}} goes.", remedy)
    return Program(engine, parts)
