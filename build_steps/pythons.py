"""Finding a Python of a suitable version on this computer."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from .layout import BuildError

_PROBE = (
    "import ensurepip, venv, sys, struct; "
    "print('%d.%d' % sys.version_info[:2], struct.calcsize('P') * 8, sys.executable, sep='|')"
)


_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


def find(versions: Sequence[str], purpose: str) -> Path:
    """An interpreter of one of `versions` that can make virtual environments; this one if it fits.

    Raises `BuildError` with what to install.
    """
    without_venv: list[str] = []
    for candidate in _candidates(versions):
        answer = _probe(candidate)
        if answer is None:
            if _run(candidate, _VERSION) in versions:
                without_venv.append(str(candidate))
            continue
        version, bits, executable = answer
        if version in versions and bits == "64" and not is_blenders(Path(executable)):
            return Path(executable)
    wanted = " or ".join(versions)
    hint = f"Install Python {versions[0]}, for example from python.org."
    if without_venv:
        hint = f"{without_venv[0]} lacks its part venv: `apt install python3-venv` adds it on Debian and Ubuntu."
    raise BuildError(f"{purpose} needs Python {wanted} (64 bit), and none was found. {hint}")


def is_blenders(executable: Path) -> bool:
    """Whether an interpreter is the one in Blender's own folder, X.Y/python/bin: an update of Blender removes it, and
    environments made of it would break."""
    folders = [folder.name for folder in executable.parents]
    return folders[:2] == ["bin", "python"] and len(folders) > 2 and re.fullmatch(r"\d+\.\d+", folders[2]) is not None


def _candidates(versions: Sequence[str]) -> Iterator[Path]:
    yield Path(sys.executable)
    yield Path(getattr(sys, "_base_executable", sys.executable))
    for version in versions:
        for name in (f"python{version}", "python3", "python"):
            found = shutil.which(name)
            if found:
                yield Path(found)
        yield from _usual_places(version)


def _usual_places(version: str) -> Iterator[Path]:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", Path.home() / ".local/share/uv/python"))
    yield from sorted(uv.glob(f"cpython-{version}.*/bin/python{version}"), reverse=True)
    for folder in ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/local/bin"):
        yield Path(folder) / f"python{version}"
    if sys.platform == "win32":
        short = version.replace(".", "")
        yield Path(os.environ.get("LOCALAPPDATA", "")) / f"Programs/Python/Python{short}/python.exe"
        yield Path(os.environ.get("PROGRAMFILES", "")) / f"Python{short}/python.exe"


def _probe(candidate: Path) -> tuple[str, str, str] | None:
    """(version, bits, executable) of an interpreter; None when it is none, or has no venv."""
    printed = _run(candidate, _PROBE)
    if printed is None:
        return None
    parts = printed.split("|")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else None


def _run(candidate: Path, code: str) -> str | None:
    if not candidate.is_file():
        return None
    try:
        done = subprocess.run(
            [str(candidate), "-c", code],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
