"""The test layers, their environments, and one count over all of them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import environments, layout, system
from .console import say
from .layout import ROOT, BuildError

LAYERS = ("lint", "unit", "contract", "quality", "learned", "gpu", "blender", "gui")
"""In the order they run: the quick ones first."""

LAYER_TIMEOUT_S = 1500.0
"""No layer takes nearly this long: beyond it something hangs, and the run must end with a count."""

SIDE_BY_SIDE = ("unit", "quality", "learned")
"""Layers whose files run on all cores at once. The others start servers and windows, and measure their patience."""

NO_TESTS_COLLECTED = 5
"""pytest's exit code for that."""


@dataclass(frozen=True)
class Options:
    """layers: which to run. keyword: pytest's -k. bpy: versions of the blender layer. gui: make the Blender
    with a window when it is not there. system: install system packages. rest: more arguments for pytest."""

    layers: tuple[str, ...] = LAYERS
    keyword: str = ""
    bpy: tuple[str, ...] = layout.TESTED_BPY
    gui: bool = False
    system: bool = False
    offline: Path | None = None
    rest: tuple[str, ...] = ()


@dataclass
class Count:
    """Tests over all layers; notes are the sentences to repeat at the end."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    notes: list[str] = field(default_factory=list)

    def add(self, other: Count) -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.notes += other.notes


def run(options: Options) -> int:
    """Runs the layers; the last line printed is `N passed, N failed, N skipped`. Returns the exit code."""
    total = Count()
    run_layer: dict[str, Callable[[Options], Count]] = {
        "lint": _lint,
        "unit": _plain("unit"),
        "contract": _plain("contract"),
        "quality": _plain("quality"),
        "learned": _learned,
        "gpu": _gpu,
        "blender": _blender,
        "gui": _gui,
    }
    # Tests must not meet the user's own backend or change its state.
    with (
        tempfile.TemporaryDirectory(prefix="backlot-test-", ignore_cleanup_errors=True) as home,
        _variable("BACKLOT_HOME", home),
    ):
        for layer in options.layers:
            say(f"\n== {layer} ==")
            started = time.monotonic()
            try:
                count = run_layer[layer](options)
            except BuildError as failed:
                say(str(failed))
                count = Count(failed=1, notes=[f"{layer}: could not run: {str(failed).splitlines()[0]}"])
            total.add(count)
            spent = time.monotonic() - started
            say(f"{layer}: {count.passed} ok, {count.failed} bad, {count.skipped} left out, {spent:.0f} s")
    for note in total.notes:
        say(f"note: {note}")
    say(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed or not total.passed else 0


@contextlib.contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _base_python(options: Options) -> Path:
    python = environments.ensure(environments.base_plan(tests=True), offline=options.offline)
    environments.record_for_clients(python)
    return python


def _lint(options: Options) -> Count:
    python = _base_python(options)
    count = Count()
    for name, command in (("ruff", ["ruff", "check", "."]), ("mypy", ["mypy"])):
        good = subprocess.run([str(python), "-m", *command], cwd=ROOT, check=False).returncode == 0
        count.add(Count(passed=1) if good else Count(failed=1, notes=[f"lint: {name} found faults"]))
    return count


def _plain(layer: str) -> Callable[[Options], Count]:
    def run_it(options: Options) -> Count:
        python = _base_python(options)
        if "blender" in options.layers:
            # Some exports go through Blender's module, which this run will need anyway.
            system.require_libraries(install=options.system)
            environments.ensure(environments.bpy_plan(options.bpy[0], tests=True), offline=options.offline)
        return _pytest(python, layer, options)

    return run_it


def _learned_python(options: Options) -> Path:
    """The backend's environment with what loads public weights."""
    python = environments.ensure(environments.base_plan(("learned",), tests=True), offline=options.offline)
    environments.record_for_clients(python)
    return python


def _learned(options: Options) -> Count:
    """Real model code on tiny random checkpoints: no weights are needed."""
    return _pytest(_learned_python(options), "learned", options)


def _gpu(options: Options) -> Count:
    python = _learned_python(options)
    count = _pytest(python, "gpu", options)
    asked = "import sys, torch; sys.exit(not torch.cuda.is_available())"
    if subprocess.run([str(python), "-c", asked], check=False).returncode != 0:
        count.notes.append(f"gpu: {count.skipped} tests skipped: torch finds no CUDA device on this computer")
    return count


def _blender(options: Options) -> Count:
    system.require_libraries(install=options.system)
    # The extension's importers meet a real backend: its environment is needed too.
    base = _base_python(options)
    count = Count()
    for version in options.bpy:
        python = environments.ensure(environments.bpy_plan(version, tests=True), offline=options.offline)
        say(f"-- bpy {version} --")
        with _variable("BACKLOT_BACKEND_PYTHON", str(base)):
            count.add(_pytest(python, "blender", options, start=[str(ROOT / "build_steps" / "pytest_in_bpy.py")]))
    return count


def _gui(options: Options) -> Count:
    from tests.gui import chroot

    if not chroot.is_ready() and options.gui:
        chroot.make(install_tools=options.system)
    reason = chroot.why_not()
    if reason:
        return Count(skipped=1, notes=[f"gui skipped: {reason}"])
    return _pytest(_base_python(options), "gui", options)


def _pytest(python: Path, layer: str, options: Options, start: Sequence[str] = ("-m", "pytest")) -> Count:
    """Runs one folder of tests/ and counts from pytest's own report."""
    folder = ROOT / "tests" / layer
    if not any(folder.glob("test_*.py")):
        return Count(notes=[f"{layer}: no tests yet"])
    with tempfile.TemporaryDirectory(prefix="backlot-report-") as place:
        report = Path(place) / "report.xml"
        command = [str(python), *start, str(folder), "-q", f"--junitxml={report}", *options.rest]
        if layer in SIDE_BY_SIDE:
            command += ["--numprocesses=logical", "--maxprocesses=4", "--dist=loadfile"]
        if options.keyword:
            command += ["-k", options.keyword]
        try:
            code = _run(command)
        except subprocess.TimeoutExpired:
            found = _read_report(report)
            note = f"{layer}: stopped after {LAYER_TIMEOUT_S:.0f} s, something hangs"
            return Count(found.passed, found.failed + 1, found.skipped, [note])
        if code == NO_TESTS_COLLECTED:
            return Count()
        counted = _read_report(report)
    if code != 0 and counted.failed == 0:
        # A crash, or a collection error without a report, must not pass as "no failures".
        return Count(counted.passed, 1, counted.skipped, [f"{layer}: pytest ended with exit code {code}"])
    return counted


def _run(command: Sequence[str]) -> int:
    """Exit code of a test process, which finds this checkout's modules."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        timeout=LAYER_TIMEOUT_S,
        check=False,
    ).returncode


def _read_report(report: Path) -> Count:
    """Sums a JUnit file. A test whose teardown failed as well counts once, as failed."""
    count = Count()
    if not report.is_file():
        return count
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            count.failed += 1
        elif "skipped" in kinds:
            count.skipped += 1
        else:
            count.passed += 1
    return count


def bench(name: str, arguments: Sequence[str]) -> int:
    """Runs tests/benchmarks/NAME.py in its environment: the file says `NEEDS_BPY = True` when that is bpy's, and
    `NEEDS_PYTEST = True` when it uses parts of the tests, `NEEDS_MODELS = True` when it runs model code."""
    folder = ROOT / "tests" / "benchmarks"
    script = folder / f"{name}.py"
    longer = list(folder.glob(f"{name}_*.py"))
    if not script.is_file() and len(longer) == 1:
        # `bench import`: Python has the word import for itself, so the file is called import_scene.
        script = longer[0]
    if not script.is_file():
        known = ", ".join(
            sorted(path.stem for path in folder.glob("*.py") if "def main(" in path.read_text(encoding="utf-8"))
        )
        raise BuildError(f"There is no benchmark {name}; there is {known or 'none yet'}.")
    text = script.read_text(encoding="utf-8")
    extras = ("learned",) if "\nNEEDS_MODELS = True" in text else ()
    base = environments.ensure(environments.base_plan(extras, tests="\nNEEDS_PYTEST = True" in text))
    environments.record_for_clients(base)
    python = base
    if "\nNEEDS_BPY = True" in text:
        system.require_libraries(install=False)
        python = environments.ensure(environments.bpy_plan())
    command = [str(python), "-m", f"tests.benchmarks.{script.stem}", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, "BACKLOT_BACKEND_PYTHON": str(base)}, check=False
    ).returncode


def import_root() -> None:
    """Lets `tests.gui` be imported whatever folder build.py was started from."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
