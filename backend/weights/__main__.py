"""Lists and fetches model weights: `python -m backend.weights`, which `build.py models` runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from shared.errors import BacklotError

from .fetch import fetch
from .folder import ModelState, states, weights_dir
from .models import model


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="build.py models", description=__doc__)
    parser.add_argument("--get", action="append", default=[], metavar="NAME", help="fetch a model (several times)")
    parser.add_argument("--weights", metavar="FOLDER", help="the weights folder (default: BACKLOT_WEIGHTS, or yours)")
    parser.add_argument(
        "--accept-licence", action="store_true", help="the licence of a model that is not for commercial work is fine"
    )
    options = parser.parse_args(arguments)
    weights = weights_dir(options.weights)
    try:
        for name in options.get:
            fetch(model(name), weights, accept_licence=options.accept_licence, say=print)
    except BacklotError as error:
        print(f"{error.message} {error.remedy}", file=sys.stderr)
        return 1
    print(f"Weights folder: {weights}")
    for state in states(weights):
        print("\n".join(_lines(state)))
    return 0


def _lines(state: ModelState) -> list[str]:
    about = state.model
    there = "ready" if state.ready else f"missing {', '.join(state.missing)}"
    use = "" if about.commercial else "; NOT for commercial work"
    return [
        f"  {about.name:<38} {about.engine:<14} {there}",
        f"  {'':<38} {about.title}; {about.homepage}",
        f"  {'':<38} code {about.code_licence}; weights {about.weights_licence}{use}",
    ]


if __name__ == "__main__":
    sys.exit(main())
