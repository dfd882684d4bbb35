"""`build.py doctor`: what is set up, what is missing, what to do; then the backend's own report."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path

from . import environments, layout, pythons, system
from .console import say
from .layout import BuildError

NEEDED_GB = 3.0
TESTS_GB = 6.0
"""For all test environments beside each other."""


def run() -> int:
    """Prints the report. Returns 1 when something keeps Backlot from running."""
    say(f"Backlot {layout.version()} in {layout.ROOT}")
    say(f"  state: {layout.home()}")
    fine = _python()
    fine = _libraries() and fine
    _programs()
    fine = _disk() and fine
    say("environments:")
    base = environments.base_plan()
    fine = _environment(base, "setup") and fine
    _parts(base)
    for path in sorted(layout.REQUIREMENTS.glob("bpy-[0-9]*.lock")):
        version = path.stem[4:]
        _environment(environments.bpy_plan(version), f"setup --bpy {version}")
    _environment(environments.mocap_plan(), "setup --extra mocap")
    if not layout.is_extension():
        from tests.gui import chroot

        say(f"  Blender with a window, for tests: {chroot.why_not() or 'ready'}")
    if environments.is_ready(base):
        say("\nbackend:")
        python = layout.environment_python(base.folder)
        code = subprocess.run([str(python), "-m", "backend", "doctor"], cwd=layout.ROOT, check=False).returncode
        fine = fine and code == 0
    return 0 if fine else 1


def _python() -> bool:
    say(f"python: {platform.python_version()} ({sys.executable}) on {platform.platform()}")
    fine = True
    for purpose, versions in (("backend", layout.PYTHONS), ("bpy (demo, tests)", layout.BPY_PYTHONS)):
        try:
            say(f"  for {purpose}: {pythons.find(versions, purpose)}")
        except BuildError as missing:
            say(f"  for {purpose}: MISSING. {missing}")
            fine = False
    return fine


def _libraries() -> bool:
    missing = system.missing_libraries()
    if not missing:
        say("system libraries for bpy: all there")
        return True
    packages = " ".join(sorted(set(missing.values())))
    say(f"system libraries for bpy: MISSING {', '.join(missing)}: apt-get install {packages}")
    return False


def _programs() -> None:
    missing = system.missing_helpful()
    say("system programs: " + ("some are not there, and Backlot works without" if missing else "all there"))
    for program, (package, left_out) in missing.items():
        say(f"  {program}: apt-get install {package}; without it is left out: {left_out}")


def _disk() -> bool:
    free = shutil.disk_usage(layout.ROOT).free / 1e9
    low = free < NEEDED_GB
    wanted = f"set-up and demo want about {NEEDED_GB:g} GB, all tests {TESTS_GB:g} GB"
    say(f"disk: {free:.0f} GB free; {wanted}" + (": LOW" if low else ""))
    return not low


def _environment(plan: environments.Plan, command: str) -> bool:
    """Says how an environment is; True when it is ready. command: what of build.py makes it."""
    if environments.is_ready(plan):
        locks = environments.read_stamp(plan.folder)["locks"]
        say(f"  {plan.folder.name}: ready, {_size_gb(plan.folder):.2f} GB ({', '.join(locks)})")
        return True
    how = "incomplete or out of date" if plan.folder.exists() else "not set up"
    say(f"  {plan.folder.name}: {how}: {layout.command(command)}")
    return False


def _parts(base: environments.Plan) -> None:
    """The optional parts of the backend's environment."""
    if not environments.is_ready(base):
        return
    for extra, command in (
        ("torch", "setup"),
        ("learned", "setup --extra learned"),
        ("cluster", "setup --extra cluster"),
    ):
        ready = environments.is_ready(environments.base_plan((extra,)))
        say(f"    {extra}: {'ready' if ready else f'not installed: {layout.command(command)}'}")


def _size_gb(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink()) / 1e9
