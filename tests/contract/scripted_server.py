"""The real server with `scripted_worker.py` as its worker: `scripted_server.py [SETTING=NUMBER ...]`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from backend.server.serve import run
from backend.server.settings import Settings
from shared.connection import home_dir


def main(arguments: list[str]) -> int:
    worker = (sys.executable, str(Path(__file__).with_name("scripted_worker.py")))
    settings = Settings(home=home_dir(), worker_command=worker)
    for argument in arguments:
        name, _, number = argument.partition("=")
        kind: Any = float if name.endswith("_s") else int
        settings = replace(settings, **{name: kind(number)})
    return run(settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
