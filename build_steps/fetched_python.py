"""A Python of Backlot's own, for a computer that has none that suits: fetched, checked and unpacked into the state
folder, where nothing else sees it.

It is a build of python-build-standalone (https://github.com/astral-sh/python-build-standalone): CPython under the
licence of the Python Software Foundation, with libraries under theirs, whose texts are in the archive. The hashes are
those that the project publishes with its release.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from . import layout
from .layout import BuildError

VERSION = "3.11.16"
RELEASE = "20260814"
MIRROR_VARIABLE = "BACKLOT_PYTHON_MIRROR"
"""Another address, or a folder's file:// address, that has the archives by their names."""

_ADDRESS = f"https://github.com/astral-sh/python-build-standalone/releases/download/{RELEASE}"
_HASHES = {
    "x86_64-unknown-linux-gnu": "3b437f08720d3ddd9c1904532476ec9fb373e800d1598c72c907dd6d5f29b79b",
    "aarch64-unknown-linux-gnu": "6a250f5c9326eebaa528d5d132cd66ebd1d7540cf45ac703f19e13f41d1be9b6",
    "x86_64-apple-darwin": "4d60589b702aff21379ddf6bd648e75c7023a257a078fdd71df4c148cf609cc2",
    "aarch64-apple-darwin": "a394f2bf78a48990fc88e7c5586c7e1be5e69f0c9bd027883211b68b768e11c5",
    "x86_64-pc-windows-msvc": "c6de1a7781580d13f68dece33ac10b7a608c7ac21fc08cf0f4e0678a7d134905",
}
"""SHA-256 of the release's install_only_stripped archives, by the system they are for."""
_MACHINES = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}
_SYSTEMS = {"linux": "unknown-linux-gnu", "darwin": "apple-darwin", "win32": "pc-windows-msvc"}

Watch = Callable[[str], None]
"""Told what is at work."""


@dataclass(frozen=True)
class Archive:
    """name: of its file. sha256: of its content."""

    name: str
    address: str
    sha256: str


def archive() -> Archive:
    """The one for this computer. Raises `BuildError` where there is none."""
    system = f"{_MACHINES.get(platform.machine().lower(), '?')}-{_SYSTEMS.get(sys.platform, '?')}"
    if system not in _HASHES:
        raise BuildError(f"There is no Python to fetch for {platform.machine()} and {sys.platform}: install one.")
    name = f"cpython-{VERSION}+{RELEASE}-{system}-install_only_stripped.tar.gz"
    address = os.environ.get(MIRROR_VARIABLE, _ADDRESS).rstrip("/")
    return Archive(name, f"{address}/{quote(name)}", _HASHES[system])


def folder() -> Path:
    """Where it lies; beside it the archive, while it is being fetched or when it was brought by hand."""
    return layout.home() / "python" / f"cpython-{VERSION}"


def interpreter() -> Path:
    """Of the fetched Python; it need not be there."""
    return folder() / ("python.exe" if sys.platform == "win32" else "bin/python3.11")


def fetch(watch: Watch) -> Path:
    """Its interpreter; fetches it when it is not there, and goes on with what an earlier try left. Raises
    `BuildError`."""
    if interpreter().is_file():
        return interpreter()
    wanted = archive()
    packed = folder().parent / wanted.name
    _download(wanted, packed, watch)
    watch(f"Unpacking Python {VERSION}")
    _unpack(packed)
    packed.unlink(missing_ok=True)
    return interpreter()


def _download(wanted: Archive, packed: Path, watch: Watch) -> None:
    from backend.weights.download import download
    from shared.errors import BacklotError

    def told(there: int, total: int | None) -> None:
        of_all = f" of {total / 1e6:.0f}" if total else ""
        watch(f"Fetching Python {VERSION}: {there / 1e6:.0f}{of_all} MB")

    try:
        download(wanted.address, packed, told, sha256=wanted.sha256)
    except BacklotError as error:
        raise BuildError(str(error)) from error


def _unpack(packed: Path) -> None:
    """Whole under its name, or not there. Raises `BuildError`."""
    beside = folder().with_name(f"{folder().name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        with tarfile.open(packed, "r:gz") as tar:
            # Before Python 3.11.4 there is no filter; the archive is the published one, by its hash, in any case.
            tar.extraction_filter = getattr(tarfile, "data_filter", None)
            tar.extractall(beside)
        unpacked = beside / "python"
        _try(unpacked / interpreter().relative_to(folder()))
        shutil.rmtree(folder(), ignore_errors=True)  # what is left of one that lost its program
        unpacked.rename(folder())
    except (OSError, tarfile.TarError) as error:
        raise BuildError(
            f"Python {VERSION} could not be unpacked into {folder().parent}: {error}. Make room on that disk, then set "
            "up again."
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _try(program: Path) -> None:
    """Raises `BuildError` for one that does not run here."""
    command = [str(program), "-c", "import ensurepip, ssl, venv"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=120, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError) as error:
        raise BuildError(f"The fetched Python does not run on this computer: {error}. Install Python 3.11.") from error
