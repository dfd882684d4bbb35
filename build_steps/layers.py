"""The test layers: the jobs they are made of, what each runs and in which environment."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import environments, journal, layout
from .environments import Plan
from .lanes import Count, Job, Output, Processes, describe_exit
from .layout import ROOT
from .preparation import Preparation

LAYERS = ("lint", "unit", "contract", "quality", "learned", "gpu", "blender", "gui")

BEGIN_FIRST = ("lint", "quality", "unit", "contract", "blender", "gui", "learned", "gpu")
"""The order in which a whole run begins them: after the quickest the long ones, so that both lanes end together."""

SILENCE_S = 1800.0
"""No test takes nearly this long, on a busy computer neither: when none begins or ends in this time something hangs,
and the run must end with a count."""

HANG_S = 240
"""A test that takes longer than this has the stacks of its threads printed; it goes on."""

SIDE_BY_SIDE = ("unit", "quality", "learned")
"""Layers whose files may run in several processes. The others start servers and windows, and measure their
patience."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Tests run side by side, on small inputs: the threads of the linear algebra would only wait for each other, spinning
(three times the processor time for a small solve)."""

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


@dataclass(frozen=True)
class Site:
    """What all jobs of a run share. homes: a folder for their state folders, so that tests meet neither the user's
    own backend nor each other's. workers: processes for a layer whose files may run side by side. variables: of the
    test processes."""

    options: Options
    prepared: Preparation
    processes: Processes
    homes: Path
    workers: int
    variables: Mapping[str, str]


def base_plan(layers: Sequence[str]) -> Plan:
    """The backend's environment with all that the layers need of it."""
    extras = ("learned",) if {"learned", "gpu"} & set(layers) else ("torch",) if set(layers) != {"lint"} else ()
    return environments.base_plan(extras, tests=True)


def bpy_plans(options: Options) -> list[Plan]:
    """Blender's environments; other layers use the first in a run that makes it anyway."""
    if "blender" not in options.layers:
        return []
    return [environments.bpy_plan(version, tests=True) for version in options.bpy]


def jobs(site: Site) -> list[Job]:
    """In the order in which they should begin."""
    made: list[Job] = []
    for layer in BEGIN_FIRST:
        if layer not in site.options.layers:
            continue
        if layer == "blender":
            made += [Job(f"blender {version}", _blender(site, version)) for version in site.options.bpy]
        else:
            special = {"lint": _lint, "gpu": _gpu, "gui": _gui}
            made.append(Job(layer, special[layer](site) if layer in special else _plain(site, layer)))
    return made


_Run = Callable[[Output], Count]


def _base(site: Site) -> Path:
    return site.prepared.get(layout.base_environment().name)


def _lint(site: Site) -> _Run:
    def run(output: Output) -> Count:
        python, count = _base(site), Count()
        for name, command in (("ruff", ["ruff", "check", "."]), ("mypy", ["mypy"])):
            code, cpu_s = site.processes.run([str(python), "-m", *command], output, {}, SILENCE_S)
            notes = [] if code == 0 else [f"lint: {name} found faults"]
            count.add(Count(passed=int(code == 0), failed=int(code != 0), notes=notes, cpu_s=cpu_s))
        return count

    return run


def _plain(site: Site, layer: str) -> _Run:
    def run(output: Output) -> Count:
        # Some exports go through Blender's module, where this run makes it.
        for plan in bpy_plans(site.options)[:1]:
            site.prepared.get(plan.folder.name)
        return run_tests(site, layer, layer, _base(site), output)

    return run


def _gpu(site: Site) -> _Run:
    def run(output: Output) -> Count:
        python = _base(site)
        count = run_tests(site, "gpu", "gpu", python, output)
        asked = "import sys, torch; sys.exit(not torch.cuda.is_available())"
        if subprocess.run([str(python), "-c", asked], check=False).returncode != 0:
            count.notes.append(f"gpu: {count.skipped} tests skipped: torch finds no CUDA device on this computer")
        return count

    return run


def _blender(site: Site, version: str) -> _Run:
    def run(output: Output) -> Count:
        base = _base(site)  # the extension's importers meet a real backend
        python = site.prepared.get(layout.bpy_environment(version).name)
        start = (str(ROOT / "build_steps" / "pytest_in_bpy.py"),)
        backend = {"BACKLOT_BACKEND_PYTHON": str(base)}
        return run_tests(site, "blender", f"blender {version}", python, output, start=start, variables=backend)

    return run


def _gui(site: Site) -> _Run:
    def run(output: Output) -> Count:
        from tests.gui import chroot

        if site.options.gui:
            site.prepared.get("gui")
        reason = chroot.why_not()
        if reason:
            return Count(skipped=1, notes=[f"gui skipped: {reason}"])
        return run_tests(site, "gui", "gui", _base(site), output)

    return run


def run_tests(
    site: Site,
    layer: str,
    name: str,
    python: Path,
    output: Output,
    *,
    start: Sequence[str] = ("-m", "pytest"),
    variables: Mapping[str, str] | None = None,
) -> Count:
    """Runs one folder of tests/ and counts from its journal. name: the job's."""
    folder = ROOT / "tests" / layer
    if not any(folder.glob("test_*.py")):
        return Count(notes=[f"{name}: no tests yet"])
    home = site.homes / re.sub(r"\W+", "-", name)
    environments.record_for_clients(_base(site), home)
    with tempfile.TemporaryDirectory(prefix="backlot-report-") as place:
        written = Path(place) / "journal"
        set_here = {"BACKLOT_HOME": str(home), journal.VARIABLE: str(written), **(variables or {})}
        command = [str(python), *start, *_arguments(site, layer, folder)]
        try:
            code, cpu_s = site.processes.run(command, output, {**site.variables, **set_here}, SILENCE_S, written)
        except subprocess.TimeoutExpired:
            return _broken(journal.read(written), f"{name}: stopped after {SILENCE_S:.0f} s without a test that ended")
        seen = journal.read(written)
    if code == NO_TESTS_COLLECTED:
        return Count(cpu_s=cpu_s)
    if code != 0 and (seen.failed == 0 or seen.running):
        # A crash, or a failure beside the tests, must not pass as "no failures".
        return _broken(seen, f"{name}: pytest {describe_exit(code)}", cpu_s)
    return Count(seen.passed, seen.failed, seen.skipped, [f"{name}: {test}" for test in seen.failures], cpu_s)


def _arguments(site: Site, layer: str, folder: Path) -> list[str]:
    found = [str(folder), "-q", "-p", "build_steps.journal", "-o", f"faulthandler_timeout={HANG_S}", "--durations=5"]
    found += ["--durations-min=5", *site.options.rest]
    if layer in SIDE_BY_SIDE and site.workers > 1:
        found += [f"--numprocesses={site.workers}", "--dist=loadfile"]
    if site.options.keyword:
        found += ["-k", site.options.keyword]
    return found


def _broken(seen: journal.Journal, what: str, cpu_s: float = 0.0) -> Count:
    """A run that did not end by itself: what was counted until then, one failure more, and where it was."""
    where = f" in {', '.join(seen.running)}" if seen.running else ""
    after = f" after {seen.passed} tests that passed" if seen.running else ""
    failures = [f"{what.split(':')[0]}: {test}" for test in seen.failures if test not in seen.running]
    passed = seen.passed
    return Count(passed, seen.failed + 1, seen.skipped, [*failures, f"{what}{where}{after}"], cpu_s)
