#!/usr/bin/env python3
"""Backlot's one tool: set up, try, test, measure, package. Standard library only.

python3 build.py demo        solve the sample clip and render the result: the first thing to run
python3 build.py setup       make the environments
python3 build.py test        everything that CI runs
python3 build.py package     write the Blender extension
python3 build.py docs        write the documentation's site
python3 build.py models      list model weights, fetch them
python3 build.py doctor      say what is missing
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036  (an older one must get a sentence, not a syntax error)
    print(
        f"build.py needs Python 3.11 or newer; this is {sys.version_info[0]}.{sys.version_info[1]}.\n"
        "Install one from python.org or your system's packages, then: python3.11 build.py demo",
        file=sys.stderr,
    )
    raise SystemExit(2)

import argparse
from collections.abc import Sequence
from pathlib import Path

from build_steps import layout
from build_steps.layout import BuildError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code."""
    options, rest = _parser().parse_known_args(arguments)
    if rest and options.command not in (bench, test, models):
        _parser().error(f"unknown arguments: {' '.join(rest)}")
    options.rest = rest
    if str(layout.ROOT) not in sys.path:
        sys.path.insert(0, str(layout.ROOT))
    if layout.is_extension() and options.command not in (setup, doctor, models):
        _parser().error("the copy inside the extension knows setup, models and doctor; the rest needs the checkout")
    try:
        code: int = options.command(options)
        return code
    except BuildError as failed:
        print(f"\nbuild.py: {failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbuild.py: interrupted; run it again to continue.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="build.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_setup(commands)
    _add_demo(commands)
    _add_test(commands)
    _add_bench(commands)
    made = commands.add_parser("lint", help="ruff and mypy")
    made.set_defaults(command=lint)
    made = commands.add_parser("package", help="write the Blender extension to dist/")
    made.add_argument("--out", type=Path, default=layout.DIST, metavar="FOLDER", help="where to (default: dist)")
    made.set_defaults(command=package)
    made = commands.add_parser("docs", help="write the documentation's site to dist/docs")
    made.add_argument("--out", type=Path, default=layout.DIST / "docs", metavar="FOLDER", help="where to")
    made.add_argument("--offline", type=Path, metavar="FOLDER", help="install from this folder of wheels, no network")
    made.add_argument(
        "--screenshots", action="store_true", help="first renew docs/images from what the last window tests show"
    )
    made.set_defaults(command=docs)
    made = commands.add_parser("models", help="list model weights, or fetch them: models --get NAME", add_help=False)
    made.set_defaults(command=models)
    made = commands.add_parser("doctor", help="what is set up, what is missing")
    made.set_defaults(command=doctor)
    return parser


_Commands = argparse._SubParsersAction


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--offline", type=Path, metavar="FOLDER", help="install from this folder of wheels, no network")
    parser.add_argument("--system", action="store_true", help="install missing system packages through apt")


def _add_setup(commands: _Commands[argparse.ArgumentParser]) -> None:
    made = commands.add_parser("setup", help="make the environments")
    made.add_argument(
        "--extra",
        action="append",
        default=[],
        choices=[*layout.EXTRAS, "mocap"],
        help="add an optional part (may be given several times)",
    )
    made.add_argument("--lean", action="store_true", help="leave torch out, which depth and learned engines need")
    made.add_argument(
        "--bpy",
        nargs="?",
        action="append",
        const=layout.DEFAULT_BPY,
        default=[],
        metavar="VERSION",
        help=f"also make the environment with Blender's module (default {layout.DEFAULT_BPY})",
    )
    made.add_argument(
        "--download", type=Path, metavar="FOLDER", help="only fill a folder with the wheels, for --offline"
    )
    made.add_argument("--gui", action="store_true", help="make the Blender with a window that the gui tests drive")
    made.add_argument(
        "--json", action="store_true", help="progress as JSON, a line each; `done` or `failed` is the last"
    )
    made.add_argument("--python", type=Path, metavar="PROGRAM", help="with --json: the Python to make them of")
    made.add_argument("--fetch-python", action="store_true", help="with --json: fetch a Python where none here fits")
    _add_common(made)
    made.set_defaults(command=setup)


def _add_demo(commands: _Commands[argparse.ArgumentParser]) -> None:
    made = commands.add_parser("demo", help="solve the sample clip, import it, render it over the plate")
    made.add_argument("--clip", type=Path, help="another clip (a folder with its truth is compared with it)")
    made.add_argument("--samples", type=int, default=12, help="Cycles samples of the overlay (default 12)")
    _add_common(made)
    made.set_defaults(command=demo)


def _add_test(commands: _Commands[argparse.ArgumentParser]) -> None:
    from build_steps.testing import LAYERS

    made = commands.add_parser("test", help="run the tests, two layers at a time; further arguments go to pytest")
    made.add_argument("--layer", action="append", choices=LAYERS, help="only this layer (may be given several times)")
    made.add_argument(
        "-k", dest="keyword", default="", metavar="EXPRESSION", help="only tests that match, as in pytest"
    )
    made.add_argument(
        "--bpy",
        action="append",
        metavar="VERSION",
        help=f"Blender versions of the blender layer (default: {', '.join(layout.TESTED_BPY)})",
    )
    made.add_argument("--gui", action="store_true", help="make the Blender with a window when it is not there yet")
    _add_common(made)
    made.set_defaults(command=test)


def _add_bench(commands: _Commands[argparse.ArgumentParser]) -> None:
    made = commands.add_parser("bench", help="run a benchmark, e.g. bench solve --clip FOLDER --json", add_help=False)
    made.add_argument("name", metavar="NAME")
    made.set_defaults(command=bench)


def setup(options: argparse.Namespace) -> int:
    from build_steps import environments, system
    from build_steps.console import say

    if options.json:
        from build_steps import set_up

        return set_up.run(
            options.extra,
            lean=options.lean,
            offline=options.offline,
            python=options.python,
            fetch_python=options.fetch_python,
        )
    extras = [extra for extra in options.extra if extra != "mocap"] + ([] if options.lean else ["torch"])
    plans = [environments.base_plan(extras)]
    plans += [environments.bpy_plan(version) for version in options.bpy]
    plans += [environments.mocap_plan()] if "mocap" in options.extra else []
    if options.download:
        for plan in plans:
            environments.download(plan, options.download)
        return 0
    if options.bpy:
        system.require_libraries(install=options.system)
    for plan in plans:
        environments.ensure(plan, offline=options.offline)
    record = environments.record_for_clients(layout.environment_python(plans[0].folder))
    if options.gui:
        from tests.gui import chroot

        chroot.make(install_tools=options.system)
    say(f"Ready. Clients find this backend through {record}.")
    return 0


def demo(options: argparse.Namespace) -> int:
    from build_steps import demo as steps

    return steps.run(clip=options.clip, samples=options.samples, offline=options.offline, install_system=options.system)


def test(options: argparse.Namespace) -> int:
    from build_steps import testing

    chosen = tuple(layer for layer in testing.LAYERS if layer in options.layer) if options.layer else testing.LAYERS
    return testing.run(
        testing.Options(
            layers=chosen,
            keyword=options.keyword,
            bpy=tuple(options.bpy or layout.TESTED_BPY),
            gui=options.gui,
            system=options.system,
            offline=options.offline,
            rest=tuple(options.rest),
        )
    )


def lint(options: argparse.Namespace) -> int:
    from build_steps import testing

    return testing.run(testing.Options(layers=("lint",)))


def bench(options: argparse.Namespace) -> int:
    from build_steps import testing

    return testing.bench(options.name, options.rest)


def package(options: argparse.Namespace) -> int:
    from build_steps import packaging
    from build_steps.console import say

    path = packaging.package(options.out)
    say(f"{path}  ({path.stat().st_size / 1e3:.0f} kB)")
    return 0


def docs(options: argparse.Namespace) -> int:
    from build_steps import documentation

    if options.screenshots:
        documentation.take_screenshots()
    documentation.build(options.out, offline=options.offline)
    return 0


def models(options: argparse.Namespace) -> int:
    from backend.weights.__main__ import main as list_or_fetch

    return list_or_fetch(options.rest)


def doctor(options: argparse.Namespace) -> int:
    from build_steps import doctor as steps

    return steps.run()


if __name__ == "__main__":
    raise SystemExit(main())
