"""`build.py test`: the layers side by side, and one count over all of them. `build.py bench`: a benchmark."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from . import environments, lanes, layers, layout, system
from .console import say
from .layers import LAYERS, Options
from .layout import ROOT, BuildError
from .preparation import Preparation, steps_for

__all__ = ["LAYERS", "Options", "bench", "run"]

MOST_WORKERS = 4


def run(options: Options) -> int:
    """Runs the layers; the last line printed is `N passed, N failed, N skipped`. Returns the exit code."""
    started = time.monotonic()
    cores: int = layout.shared_module("processors").usable_processors()
    processes = lanes.Processes()
    with (
        _ended_like_interrupted(),
        tempfile.TemporaryDirectory(prefix="backlot-test-", ignore_cleanup_errors=True) as homes,
        Preparation(_steps(options)) as prepared,
    ):
        count_of_jobs = len(options.layers) + ("blender" in options.layers) * (len(options.bpy) - 1)
        at_once = max(1, min(lanes.LANES, cores, count_of_jobs))
        workers = max(1, min(MOST_WORKERS, cores // at_once))
        # The user's own wish wins.
        variables = {name: os.environ.get(name, value) for name, value in layers.ONE_THREAD.items()}
        site = layers.Site(options, prepared, processes, Path(homes), workers, variables)
        total = lanes.run_jobs(layers.jobs(site), at_once, processes)
    say()
    for note in total.notes:
        say(f"note: {note}")
    say(f"{time.monotonic() - started:.0f} s, {total.cpu_s:.0f} s of processor time in tests")
    say(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed or not total.passed else 0


@contextlib.contextmanager
def _ended_like_interrupted() -> Iterator[None]:
    """Within it, being asked to end (a run that is cancelled) is like Ctrl-C: no test process is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _steps(options: Options) -> dict[str, Callable[[], Path]]:
    """What is prepared, in the order in which the jobs need it."""
    plans = [layers.base_plan(options.layers)]
    bpy = layers.bpy_plans(options)
    steps = steps_for(plans, bpy=bpy, offline=options.offline, install_system=options.system)
    if options.gui and "gui" in options.layers:
        from tests.gui import chroot

        def make() -> Path:
            chroot.make(install_tools=options.system)
            return chroot.folder()

        steps["gui"] = make
    return steps


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
