"""Where programs that bring Pythons put them: a Blender that was started by a click has a short PATH."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

_UNIX_FOLDERS = ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/local/bin")
_CONDAS = ("miniconda3", "miniforge3", "anaconda3", "mambaforge", "micromamba")


def usual(version: str) -> Iterator[Path]:
    """Interpreters of a version, such as "3.11", that may be there; the newest of each place first."""
    yield from _managed(version)
    if sys.platform == "win32":
        yield from _windows(version)
    else:
        yield from (Path(folder) / f"python{version}" for folder in _UNIX_FOLDERS)
        yield from _mac(version)
    yield from _condas(version)


def _managed(version: str) -> Iterator[Path]:
    """By pyenv, uv, asdf and mise."""
    home = Path.home()
    roots = [
        Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions",
        home / ".pyenv/pyenv-win/versions",
        home / ".asdf/installs/python",
        home / ".local/share/mise/installs/python",
    ]
    for root in roots:
        for found in _newest_first(root, f"{version}.*"):
            yield _python_in(found, "python")
    uv = [home / ".local/share/uv/python", Path(os.environ.get("APPDATA", home)) / "uv/python"]
    named = os.environ.get("UV_PYTHON_INSTALL_DIR")
    for root in [Path(named)] if named else uv:
        for found in _newest_first(root, f"cpython-{version}.*"):
            yield _python_in(found, f"python{version}")


def _mac(version: str) -> Iterator[Path]:
    yield Path(f"/Library/Frameworks/Python.framework/Versions/{version}/bin/python{version}")
    for brew in ("/opt/homebrew", "/usr/local", "/home/linuxbrew/.linuxbrew"):
        yield Path(brew) / f"opt/python@{version}/bin/python{version}"


def _condas(version: str) -> Iterator[Path]:
    roots = [Path.home() / name for name in _CONDAS] + [Path("/opt") / name for name in (*_CONDAS, "conda")]
    program = os.environ.get("CONDA_EXE")
    if program:
        roots.insert(0, Path(program).parents[1])
    for root in roots:
        for folder in (root, *_newest_first(root / "envs", "*")):
            yield _python_in(folder, f"python{version}")


def _windows(version: str) -> Iterator[Path]:
    yield from _registered(version)
    short = version.replace(".", "")
    yield Path(os.environ.get("LOCALAPPDATA", "")) / f"Programs/Python/Python{short}/python.exe"
    yield Path(os.environ.get("PROGRAMFILES", "")) / f"Python{short}/python.exe"


def _registered(version: str) -> Iterator[Path]:
    """What installers wrote into the registry (PEP 514), which the launcher `py` reads too."""
    import winreg as registry

    for root in (registry.HKEY_CURRENT_USER, registry.HKEY_LOCAL_MACHINE):  # type: ignore[attr-defined,unused-ignore]
        place = rf"Software\Python\PythonCore\{version}\InstallPath"
        try:
            with registry.OpenKey(root, place) as key:  # type: ignore[attr-defined,unused-ignore]
                yield Path(registry.QueryValueEx(key, "")[0]) / "python.exe"  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            continue


def _newest_first(root: Path, pattern: str) -> list[Path]:
    def number(path: Path) -> tuple[int, ...]:
        return tuple(int(part) for part in path.name.replace("-", ".").split(".") if part.isdigit())

    return sorted(root.glob(pattern), key=number, reverse=True)


def _python_in(folder: Path, name: str) -> Path:
    return folder / "python.exe" if sys.platform == "win32" else folder / "bin" / name
