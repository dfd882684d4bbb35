"""Which Python runs the backend, as `build.py setup` recorded it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from .build_command import build_command
from .errors import BackendStartFailed, MalformedMessage
from .wire import unpack


@dataclass(frozen=True)
class Environment:
    """python: the interpreter of the backend's environment. source: the folder that holds `backend/` and
    `shared/`. version: Backlot's version at set-up."""

    python: str
    source: str
    version: str


def environment_path(home: Path) -> Path:
    return home / "environment.json"


def find(home: Path) -> Environment | None:
    """The recorded environment, or None when none was set up or it has since been deleted."""
    try:
        record = unpack(Environment, json.loads(environment_path(home).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, UnicodeDecodeError, MalformedMessage) as bad:
        raise BackendStartFailed(
            f"{environment_path(home)} cannot be read: {bad}", f"Run `{build_command('setup')}` again."
        ) from bad
    return record if Path(record.python).is_file() and Path(record.source).is_dir() else None
