"""The diagnostics report: one text file, without what says who somebody is. No bpy here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ..jobs.log_lines import readable_line
from ..shared.backend_process import server_log
from ..shared.environment import environment_path
from .redaction import redacted

_TAIL_BYTES = 40_000
_JOBS = 3
"""The newest job logs are in the report."""


def log_of_job(home: Path, job: str) -> str:
    """The end of what a job logged, a line each, and of what native libraries printed meanwhile; "" without logs."""
    said = [readable_line(line) for line in _tail(home / "logs" / f"{job}.jsonl").splitlines()]
    printed = _tail(home / "logs" / f"{job}.output").strip()
    return "\n".join([*said, *(["", "Printed meanwhile:", printed] if printed else [])])


def write_report(path: Path, home: Path, facts: Mapping[str, str], doctor: str) -> None:
    """facts: what Blender knows. doctor: the backend's own report, "" when it did not answer. Raises `OSError`."""
    text = redacted("\n".join(_parts(home, facts, doctor)))
    beside = path.with_name(f"{path.name}.partial")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _parts(home: Path, facts: Mapping[str, str], doctor: str) -> Iterator[str]:
    yield "Backlot diagnostics"
    yield from (f"{name}: {value}" for name, value in facts.items())
    yield from _section("Backend", doctor or "It does not run, or did not answer.")
    yield from _section("Environment", _tail(environment_path(home)))
    yield from _section("Server's log", _tail(server_log(home)))
    for path in _newest_jobs(home):
        yield from _section(f"Job {path.stem}", log_of_job(home, path.stem))


def _section(title: str, text: str) -> Iterator[str]:
    yield from ("", f"== {title} ==", text.strip() or "(nothing)")


def _newest_jobs(home: Path) -> list[Path]:
    logs = list((home / "logs").glob("*.jsonl"))
    return sorted(logs, key=lambda path: path.stat().st_mtime, reverse=True)[:_JOBS]


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
