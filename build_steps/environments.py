"""Virtual environments from lock files: made once, repaired when broken, brought up to date when a lock changes.

Each environment holds a stamp with the hash of every lock that is fully installed in it. An install
that was cut short leaves no stamp for its lock, so the next run repeats it; pip's cache keeps what was
downloaded before.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import layout, pythons
from .console import Heard, run_quietly, say, step, warn
from .layout import BuildError

Watch = Callable[[float, str], None]
"""Told the share of an environment that is done, 0..1, and what is at work."""

STAMP = "backlot-environment.json"
ATTEMPTS = 3
RETRY_PAUSE_S = 5.0
RESOLVED_AT_INSTALL = {"torch.lock"}
"""Locks that leave something to pip: torch's GPU libraries, which differ by platform and which torch itself
pins exactly."""
TEST_LOCKS = {"test.lock", "bpy-test.lock"}
"""Of environments that tests run in: their modules are compiled as they are imported. Compiling all of them at once
takes longer than unpacking them, and most are never imported."""
FOREIGN_SETTINGS = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PYTHONPATH", "PYTHONHOME", "PIP_REQUIRE_VIRTUALENV")
"""Variables of the caller that would send packages elsewhere."""


@dataclass(frozen=True)
class Plan:
    """An environment to have. locks: file names in requirements/, each installed on top of those before.
    check: a statement that must run in it. python: the interpreter to make it of, None for any that fits."""

    folder: Path
    pythons: tuple[str, ...]
    locks: tuple[str, ...]
    purpose: str
    check: str = "pass"
    python: Path | None = None


def base_plan(extras: Sequence[str] = (), *, tests: bool = False) -> Plan:
    """The backend's environment, with optional parts and the test tools. What loads weights needs torch."""
    wanted = {*extras, *(("torch",) if "learned" in extras else ())}
    chosen = [extra for extra in layout.EXTRAS if extra in wanted]
    locks = ("base.lock", *(f"{extra}.lock" for extra in chosen), *(("test.lock",) if tests else ()))
    check = "import numpy, scipy, cv2, av, OpenEXR, pycolmap, msgpack, psutil"
    for extra in chosen:
        check += {"torch": "; import torch", "learned": "; import transformers, safetensors"}.get(extra, "")
    return Plan(layout.base_environment(), layout.PYTHONS, locks, "The backend", check)


def bpy_plan(version: str = layout.DEFAULT_BPY, *, tests: bool = False) -> Plan:
    """Blender as a Python module, of one version."""
    lock = f"bpy-{version}.lock"
    if not (layout.REQUIREMENTS / lock).is_file():
        known = ", ".join(sorted(path.stem[4:] for path in layout.REQUIREMENTS.glob("bpy-[0-9]*.lock")))
        raise BuildError(f"There is no lock for bpy {version}; there is one for {known}.")
    locks = (lock, *(("bpy-test.lock",) if tests else ()))
    return Plan(
        layout.bpy_environment(version), layout.BPY_PYTHONS, locks, f"Blender's module bpy {version}", "import bpy"
    )


def mocap_plan() -> Plan:
    return Plan(
        layout.mocap_environment(), layout.MOCAP_PYTHONS, ("mocap.lock",), "Motion capture", "import mediapipe, msgpack"
    )


def docs_plan() -> Plan:
    return Plan(
        layout.docs_environment(),
        layout.PYTHONS,
        ("docs.lock",),
        "The documentation",
        "import sphinx, myst_parser, furo",
    )


def ensure(plan: Plan, *, offline: Path | None = None, watch: Watch | None = None) -> Path:
    """The interpreter of an environment that has everything the plan names. Does nothing when it is so already.

    offline: a folder of wheels to use instead of the network (see `download`). watch: told how far it is.
    """
    if not is_ready(plan):
        with step(f"{plan.purpose}: {plan.folder.name} ({', '.join(plan.locks)})"):
            _make(plan)
            _install(plan, offline, watch)
    return layout.environment_python(plan.folder)


def replace_safely(plan: Plan, *, offline: Path | None = None, watch: Watch | None = None) -> Path:
    """As `ensure`, but an environment that works with older locks stays as it is until the new one is whole: what
    fails or is broken off leaves the old one in use. The new one is made beside it, and goes on where it was."""
    old = plan.folder.with_name(f"{plan.folder.name}.old")
    if old.exists() and not plan.folder.exists():  # broken off between the two renames below
        old.rename(plan.folder)
    if is_ready(plan) or not read_stamp(plan.folder):
        return ensure(plan, offline=offline, watch=watch)
    beside = plan.folder.with_name(f"{plan.folder.name}.next")
    locks = (*plan.locks, *(lock for lock in _locks_seen(plan.folder) if lock not in plan.locks))
    ensure(dataclasses.replace(plan, folder=beside, locks=locks), offline=offline, watch=watch)
    shutil.rmtree(old, ignore_errors=True)
    plan.folder.rename(old)
    # Everything in it is started as `python -m`, and pyvenv.cfg names the base by its whole path: it may be renamed.
    beside.rename(plan.folder)
    shutil.rmtree(old, ignore_errors=True)
    return layout.environment_python(plan.folder)


def is_ready(plan: Plan) -> bool:
    """True when every lock of the plan is installed as it is now and the interpreter still exists."""
    stamp = read_stamp(plan.folder)
    installed = stamp.get("locks", {})
    return (
        layout.environment_python(plan.folder).exists()
        and stamp.get("python") in plan.pythons
        and all(installed.get(lock) == _hash(lock) for lock in plan.locks)
    )


def runs(plan: Plan) -> bool:
    """Whether what the plan needs can be imported in its environment; takes seconds."""
    command = [str(layout.environment_python(plan.folder)), "-c", plan.check]
    try:
        return subprocess.run(command, capture_output=True, env=_environment(), check=False).returncode == 0
    except OSError:
        return False


def read_stamp(folder: Path) -> dict[str, Any]:
    """What is fully installed: {"python": "3.11", "locks": {file: sha256}}; empty when unknown."""
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def download(plan: Plan, folder: Path) -> None:
    """Fills `folder` with the wheels of a plan, for `--offline` on another computer of this kind."""
    folder.mkdir(parents=True, exist_ok=True)
    python = pythons.find(plan.pythons, plan.purpose)
    with step(f"{plan.purpose}: wheels to {folder}"):
        command = [str(python), "-m", "pip", "download", "--only-binary=:all:", "--dest", str(folder)]
        command += _dependency_flags(plan.locks)
        _with_retries([*command, *_requirement_flags(plan.locks)], f"download-{plan.folder.name}")


def _make(plan: Plan) -> None:
    """A working virtual environment of a suitable Python, made anew when what is there does not run."""
    python = layout.environment_python(plan.folder)
    if plan.folder.exists():
        if _version_of(python) in plan.pythons:
            return
        warn(f"{plan.folder.name} is broken or of another Python: making it again.")
        shutil.rmtree(plan.folder)
    base = pythons.find(plan.pythons, plan.purpose, plan.python)
    run_quietly([str(base), "-m", "venv", str(plan.folder)], f"venv-{plan.folder.name}", environment=_environment())


def _install(plan: Plan, offline: Path | None, watch: Watch | None = None) -> None:
    python = layout.environment_python(plan.folder)
    (plan.folder / STAMP).unlink(missing_ok=True)
    kept = [lock for lock in _locks_seen(plan.folder) if lock not in plan.locks]
    locks = (*plan.locks, *kept)
    command = [str(python), "-m", "pip", "install", *_dependency_flags(locks), *_requirement_flags(locks)]
    if TEST_LOCKS.intersection(plan.locks):
        command.append("--no-compile")
    if offline is not None:
        command += ["--no-index", "--find-links", str(offline.resolve())]
    heard = None if watch is None else _listening(locks, watch)
    _with_retries(command, f"install-{plan.folder.name}", attempts=1 if offline else ATTEMPTS, heard=heard)
    run_quietly([str(python), "-c", plan.check], f"check-{plan.folder.name}", environment=_environment())
    stamp = {"python": _version_of(python), "locks": {lock: _hash(lock) for lock in locks}}
    (plan.folder / "backlot-locks.txt").write_text("\n".join(locks), encoding="utf-8")
    beside = plan.folder / f"{STAMP}.new"
    beside.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    beside.replace(plan.folder / STAMP)


def _locks_seen(folder: Path) -> list[str]:
    """Locks installed earlier that still exist: an extra stays when only the base is asked for."""
    try:
        names = (folder / "backlot-locks.txt").read_text(encoding="utf-8").split()
    except OSError:
        return []
    return [name for name in names if (layout.REQUIREMENTS / name).is_file()]


_FETCHED = 0.8
"""Share of an installation that is over when every package is there and they begin to be unpacked."""


def _listening(locks: Sequence[str], watch: Watch) -> Heard:
    """Tells `watch` how far pip is by what it prints: it names each package as it turns to it."""
    wanted = sum(len(_pins(lock)) for lock in locks)
    turned_to: set[str] = set()

    def heard(line: str) -> None:
        word, _, rest = line.strip().partition(" ")
        if word in ("Collecting", "Processing"):  # from an index, from a folder
            package = Path(rest.split(" (from")[0]).name
            turned_to.add(package)
            watch(_FETCHED * min(1.0, len(turned_to) / max(1, wanted)), f"Fetching {package}")
        elif line.startswith("Installing collected"):
            watch(_FETCHED, f"Unpacking {wanted} packages")

    return heard


def _pins(lock: str) -> list[str]:
    lines = (layout.REQUIREMENTS / lock).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _with_retries(command: Sequence[str], name: str, attempts: int = ATTEMPTS, heard: Heard | None = None) -> None:
    """Runs pip until it succeeds: what was downloaded before a failure comes from pip's cache."""
    for attempt in range(1, attempts + 1):
        try:
            run_quietly(command, name, environment=_environment(), heard=heard)
            return
        except BuildError as failed:
            if attempt == attempts:
                raise BuildError(
                    f"{failed}\n\nNothing is lost: run the same command again to continue. Without a network, use "
                    f"--offline with a folder of wheels ({layout.command('setup --download FOLDER')} makes one)."
                ) from None
            say(f"  the download broke off; trying again ({attempt + 1} of {attempts}) ...")
            time.sleep(RETRY_PAUSE_S * attempt)


def _requirement_flags(locks: Sequence[str]) -> list[str]:
    return [flag for lock in locks for flag in ("--requirement", str(layout.REQUIREMENTS / lock))]


def _dependency_flags(locks: Sequence[str]) -> list[str]:
    """The locks name everything, so pip need not look for more."""
    return [] if RESOLVED_AT_INSTALL.intersection(locks) else ["--no-deps"]


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN_SETTINGS}
    return kept | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_RETRIES": "8", "PYTHONUTF8": "1"}


def _hash(lock: str) -> str:
    return hashlib.sha256((layout.REQUIREMENTS / lock).read_bytes()).hexdigest()


def _version_of(python: Path) -> str:
    """ "3.11" and the like; empty when it does not run."""
    if not python.exists():
        return ""
    try:
        done = subprocess.run(
            [str(python), "-c", "import sys, pip; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def record_for_clients(python: Path, home: Path | None = None) -> Path:
    """Tells the extension and other clients which Python runs the backend; returns the record's path. home: another
    state folder than the user's."""
    home = home or layout.home()
    home.mkdir(parents=True, exist_ok=True)
    if sys.platform != "win32":
        home.chmod(0o700)
    record = {"python": str(python.absolute()), "source": str(layout.ROOT), "version": layout.version()}
    path = home / "environment.json"
    text = json.dumps(record, indent=1)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        beside = path.with_suffix(f".{os.getpid()}")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    return path
