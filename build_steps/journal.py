"""What a test process did, line by line: a pytest plugin that writes it, and the reading of it.

pytest's own report appears when all tests are over, so a crash leaves none; here every test is on disk when it
begins and when it ends. `-p build_steps.journal` with the environment variable below. Standard library only: it
runs in Blender's environments too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

VARIABLE = "BACKLOT_TEST_JOURNAL"
"""Names the file; a process without it writes nothing."""

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


@dataclass(frozen=True)
class Journal:
    """passed, failed, skipped: how many tests. failures: their names. running: tests that began and never ended."""

    passed: int
    failed: int
    skipped: int
    failures: tuple[str, ...] = ()
    running: tuple[str, ...] = ()


def read(path: Path) -> Journal:
    """The journal as far as it was written. A test whose teardown failed as well counts once, as failed."""
    outcomes: dict[str, str] = {}
    running: dict[str, None] = {}
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    for line in text.splitlines(keepends=True):
        if not line.endswith("\n"):  # cut by a crash
            break
        event, test = json.loads(line)
        if event == "begins":
            running[test] = None
        elif event == "ends":
            running.pop(test, None)
        elif outcomes.get(test) != FAILED:
            outcomes[test] = event
    failures = tuple(test for test, outcome in outcomes.items() if outcome == FAILED)
    counted = list(outcomes.values())
    return Journal(counted.count(PASSED), len(failures), counted.count(SKIPPED), failures, tuple(running))


def pytest_configure(config: Any) -> None:
    """With tests side by side only the process that hears of all of them writes."""
    path = os.environ.get(VARIABLE)
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Writer(Path(path)))


class _Writer:
    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")

    def _write(self, event: str, test: str) -> None:
        self._file.write(json.dumps([event, test]) + "\n")
        self._file.flush()

    def pytest_runtest_logstart(self, nodeid: str, location: Sequence[object]) -> None:
        self._write("begins", nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed or report.skipped or report.when == "call":
            self._write(report.outcome, report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._write(FAILED, report.nodeid)

    def pytest_runtest_logfinish(self, nodeid: str, location: Sequence[object]) -> None:
        self._write("ends", nodeid)

    def pytest_unconfigure(self) -> None:
        self._file.close()
