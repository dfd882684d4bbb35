"""System libraries that no wheel carries: which ones, whether they are here, how to get them."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys

from .console import run_quietly, say
from .layout import BuildError, command

BLENDER_LIBRARIES = {
    "libX11.so.6": "libx11-6",
    "libXi.so.6": "libxi6",
    "libXxf86vm.so.1": "libxxf86vm1",
    "libXfixes.so.3": "libxfixes3",
    "libXrender.so.1": "libxrender1",
    "libXext.so.6": "libxext6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libGL.so.1": "libgl1",
    "libgomp.so.1": "libgomp1",
    "libstdc++.so.6": "libstdc++6",
}
"""What `import bpy` loads on Linux, with the Debian and Ubuntu package of each."""

BLENDER_WINDOW_TOOLS = {"debootstrap": "debootstrap", "unshare": "util-linux", "chroot": "coreutils"}
"""Programs that make and enter the folder with a real Blender, for the tests of its window."""

HELPFUL_PROGRAMS = {
    "notify-send": ("libnotify-bin", "the desktop's notice that a job has ended"),
    "node": ("nodejs", "tests that run the scripts for After Effects"),
    "mount": ("mount", "tests of disks that are full or may not be written to"),
    "nsenter": ("util-linux", "a test of a disk that gets space again"),
    **{tool: (package, "tests of Blender's window") for tool, package in BLENDER_WINDOW_TOOLS.items()},
}
"""What works without, but for one thing: program -> (package of Debian and Ubuntu, what is left out)."""

_OTHER_NAMES = {"node": "nodejs"}
_ADMINISTRATORS = ("/usr/sbin", "/sbin")


def missing_libraries() -> dict[str, str]:
    """Libraries of `BLENDER_LIBRARIES` that cannot be loaded, with their packages."""
    if sys.platform != "linux":
        return {}
    missing = {}
    for library, package in BLENDER_LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing[library] = package
    return missing


def missing_tools() -> dict[str, str]:
    """Programs of `BLENDER_WINDOW_TOOLS` that are not installed, with their packages."""
    return {tool: package for tool, package in BLENDER_WINDOW_TOOLS.items() if not _is_there(tool)}


def missing_helpful() -> dict[str, tuple[str, str]]:
    """Programs of `HELPFUL_PROGRAMS` that are not installed, with their packages and what is left out without them."""
    if sys.platform != "linux":
        return {}
    return {program: what for program, what in HELPFUL_PROGRAMS.items() if not _is_there(program)}


def _is_there(program: str) -> bool:
    places = os.pathsep.join([os.environ.get("PATH", ""), *_ADMINISTRATORS])
    names = (program, _OTHER_NAMES.get(program, program))
    return any(shutil.which(name, path=places) is not None for name in names)


def require_libraries(*, install: bool) -> None:
    """Makes sure that bpy can be imported. Raises `BuildError` that names the packages, unless `install`."""
    missing = missing_libraries()
    if not missing:
        return
    if install:
        install_packages(sorted(set(missing.values())))
        missing = missing_libraries()
    if missing:
        packages = " ".join(sorted(set(missing.values())))
        raise BuildError(
            f"Blender needs system libraries that are not installed: {', '.join(missing)}.\n"
            f"On Debian or Ubuntu: sudo apt-get install {packages}\n"
            f"or let build.py do it: {command('COMMAND --system')}"
        )


def install_packages(packages: list[str]) -> None:
    """Installs Debian packages. Raises `BuildError` where there is no apt or no right to use it."""
    if shutil.which("apt-get") is None:
        raise BuildError(
            f"--system needs apt-get. Install by hand what these Debian packages hold: {' '.join(packages)}"
        )
    prefix: list[str] = []
    if os.geteuid() != 0:
        if shutil.which("sudo") is None:
            raise BuildError(f"--system needs root: apt-get install {' '.join(packages)}")
        prefix = ["sudo"]
    say(f"- installing system packages: {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run_quietly([*prefix, "apt-get", "update"], "apt-update", environment=environment)
    install = [*prefix, "apt-get", "install", "-y", "--no-install-recommends", *packages]
    run_quietly(install, "apt-install", environment=environment)
