"""Finding a Python of a suitable version on this computer."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import fetched_python, python_places
from .layout import BuildError

_PROBE = (
    "import ensurepip, venv, sys, struct; "
    "print('%d.%d' % sys.version_info[:2], struct.calcsize('P') * 8, sys.executable, sep='|')"
)


_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


class NoPython(BuildError):
    """None of the wanted versions is on this computer."""


def find(versions: Sequence[str], purpose: str, chosen: Path | None = None) -> Path:
    """An interpreter of one of `versions` that can make virtual environments; the chosen or this one if it fits.

    Raises `NoPython` with what to install.
    """
    without_venv: list[str] = []
    for candidate in (*([chosen] if chosen is not None else []), *_candidates(versions)):
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
    raise NoPython(f"{purpose} needs Python {wanted} (64 bit), and none was found. {hint}")


def require(chosen: Path, versions: Sequence[str], purpose: str) -> None:
    """Raises `NoPython` for a chosen interpreter that the purpose cannot use, with why."""
    wanted = f"{purpose} needs Python {' or '.join(versions)} (64 bit)"
    answer = _probe(chosen)
    if answer is None:
        why = "lacks its part venv" if _run(chosen, _VERSION) else "is no Python"
        raise NoPython(f"{wanted}, and {chosen} {why}. Choose another one.")
    version, bits, executable = answer
    if is_blenders(Path(executable)):
        raise NoPython(f"{chosen} is Blender's own Python, which an update of Blender removes. Choose another one.")
    if version not in versions or bits != "64":
        raise NoPython(f"{wanted}, and {chosen} is {version} ({bits} bit). Choose another one.")


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
        yield from python_places.usual(version)
    yield fetched_python.interpreter()


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
