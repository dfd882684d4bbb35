"""`python -m backend run` as farms and scripts see it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from backend.cli import run
from backend.cli.main import main
from shared.artifacts import StageResult
from shared.errors import JobCancelled
from shared.messages import JobRequest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_job_in_order(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def job(_request: JobRequest, observer: run.TerminalObserver) -> tuple[StageResult, ...]:
        os.kill(os.getpid(), number)
        assert observer.cancelled.wait(20.0)
        raise JobCancelled("Cancelled.")

    before = signal.getsignal(number)
    monkeypatch.setattr(run, "run_job", job)
    assert main(["run", "clip.mp4", "--shot", str(tmp_path / "shot"), "--json"]) == 130
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["event"] == "failed" and last["error"]["code"] == "job-cancelled"
    assert signal.getsignal(number) is before
