"""What a stage module offers, and where each is."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from shared.artifacts import StageResult
from shared.shot import ShotFolder

from .context import StageContext


@dataclass(frozen=True)
class Engine:
    """The engine that will run. version is raised whenever its output changes for the same input."""

    name: str
    version: int


class StageModule(Protocol):
    """A module of `backend/stages/`."""

    def engine(self, params: Any) -> Engine:
        """The engine for these parameters. Raises `EngineUnavailable`."""

    def inputs(self, params: Any, shot: ShotFolder, footage: str) -> Mapping[str, str]:
        """Name -> content fingerprint of everything read besides the parameters. Must be quick."""

    def run(self, params: Any, context: StageContext) -> StageResult:
        """Does the work and writes the files. `seconds` and `notices` of the result are filled in by the
        caller, which also writes the manifest. Calls `context.begin_changes` before it touches files of an
        earlier run."""


def load(stage: str) -> StageModule:
    """The stage's module, imported now (heavy libraries come with it)."""
    return cast(StageModule, importlib.import_module(f"backend.stages.{stage}"))
