"""Records this environment as the backend's, for clients to find."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from backend.pipeline.atomic import write_text
from shared import VERSION
from shared.connection import home_dir, make_private
from shared.environment import Environment, environment_path
from shared.wire import pack


def record(home: Path | None = None) -> Path:
    """Writes `environment.json` for the Python that runs this, and returns its path."""
    home = home or home_dir()
    make_private(home)
    source = Path(__file__).resolve().parents[2]
    path = environment_path(home)
    write_text(path, json.dumps(pack(Environment(sys.executable, str(source), VERSION)), indent=1) + "\n")
    return path
