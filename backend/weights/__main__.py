"""Lists, fetches and deletes model weights: `python -m backend.weights`, which `build.py models` runs.

With --json every line is an object with `event`: `progress` (`model`, `file`, `done` and `total` in bytes, total null
where it is not known), and in the last line `done` (`folder`, `models`) or `failed` (`code`, `message`, `remedy`).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shared.errors import BacklotError

from .fetch import delete, fetch
from .folder import ModelState, states, weights_dir
from .models import model

_REPORT_EVERY_S = 0.2


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    weights = weights_dir(options.weights)
    try:
        for name in options.get:
            say = _silent if options.json else print
            told = _Reporter(name) if options.json else _unheard
            fetch(model(name), weights, accept_licence=options.accept_licence, say=say, told=told)
        for name in options.delete:
            freed = delete(model(name), weights)
            if not options.json:
                print(f"{name}: {freed / 1e6:.0f} MB freed")
    except BacklotError as error:
        if options.json:
            _print_json({"event": "failed", **error.to_wire()})
        else:
            print(f"{error.message} {error.remedy}", file=sys.stderr)
        return 1
    if options.json:
        _print_json({"event": "done", "folder": str(weights), "models": [_plain(one) for one in states(weights)]})
    else:
        print("\n".join(_listing(weights)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="build.py models", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--get", action="append", default=[], metavar="NAME", help="fetch a model (several times)")
    parser.add_argument("--delete", action="append", default=[], metavar="NAME", help="delete a model (several times)")
    parser.add_argument("--weights", metavar="FOLDER", help="the weights folder (default: BACKLOT_WEIGHTS, or yours)")
    parser.add_argument(
        "--accept-licence", action="store_true", help="the licence of a model that is not for commercial work is fine"
    )
    parser.add_argument("--json", action="store_true", help="for programs: a JSON object a line")
    return parser


def _plain(state: ModelState) -> dict[str, Any]:
    about = state.model
    return {
        "name": about.name, "title": about.title, "engine": about.engine, "homepage": about.homepage,
        "licence": about.weights_licence, "commercial": about.commercial, "note": about.note,
        "ready": state.ready, "missing": list(state.missing), "bytes": state.bytes, "folder": str(state.folder),
    }  # fmt: skip


def _listing(weights: Path) -> list[str]:
    return [f"Weights folder: {weights}", *(line for state in states(weights) for line in _lines(state))]


def _lines(state: ModelState) -> list[str]:
    about = state.model
    there = f"ready, {state.bytes / 1e6:.0f} MB" if state.ready else f"missing {', '.join(state.missing)}"
    use = "" if about.commercial else "; NOT for commercial work"
    return [
        f"  {about.name:<38} {about.engine:<14} {there}",
        f"  {'':<38} {about.title}; {about.homepage}",
        f"  {'':<38} code {about.code_licence}; weights {about.weights_licence}{use}",
    ]


class _Reporter:
    """Prints progress, not more often than anybody can read."""

    def __init__(self, name: str) -> None:
        self._name, self._last = name, 0.0

    def __call__(self, file: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if done == total or now - self._last >= _REPORT_EVERY_S:
            self._last = now
            _print_json({"event": "progress", "model": self._name, "file": file, "done": done, "total": total})


def _print_json(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def _silent(_line: str) -> None:
    """For programs, which read the messages."""


def _unheard(_file: str, _done: int, _total: int | None) -> None:
    """For people at a terminal, who are told file by file."""


if __name__ == "__main__":
    sys.exit(main())
