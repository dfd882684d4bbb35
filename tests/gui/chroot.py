"""A folder with a whole Debian and its Blender in it, so that tests can drive a real Blender window.

The bpy wheels have no window. Debian's Blender has one, but wants its own Python and libraries: so it is
installed into a folder (debootstrap), once, about 3 minutes and 2 GB, and entered by chroot inside a private mount
namespace. Nothing outside the folder changes. Needs Linux, root and debootstrap; the Debian mirror is the one
that this computer's apt uses.

    python3 build.py setup --gui

Standard library only: build.py imports this before anything is installed.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from build_steps import system
from build_steps.console import run_quietly, step
from build_steps.layout import BuildError

SUITE = "trixie"
"""Debian 13: Blender 4.3.2. A fixed release, so that the window does not change under the tests."""

PACKAGES = (
    "blender",
    "xvfb",
    "xdotool",
    "imagemagick",
    "libgl1-mesa-dri",
    "libegl1",
    "python3-numpy",
    "python3-requests",
    "python3-zstandard",
)
"""numpy, requests and zstandard: Blender's own extension manager and Debian's Blender import them."""

FOLDER_VARIABLE = "BACKLOT_GUI_CHROOT"
READY = ".backlot-ready"


def folder() -> Path:
    """Where it lies: outside any checkout, shared by all of them; `BACKLOT_GUI_CHROOT` overrides it."""
    override = os.environ.get(FOLDER_VARIABLE)
    if override:
        return Path(override)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "backlot" / f"blender-window-{SUITE}"


def is_ready() -> bool:
    return (folder() / READY).is_file()


def why_not() -> str:
    """Why the window cannot be used now, with what to do; empty when it can."""
    if sys.platform != "linux":
        return "a Blender window under a virtual display needs Linux"
    if os.geteuid() != 0:
        return "making and entering the folder with a real Blender needs root"
    if not is_ready():
        return "there is no Blender with a window here; `python3 build.py setup --gui` makes one (3 minutes, 2 GB)"
    return ""


def make(*, install_tools: bool = False) -> None:
    """Makes the folder unless it is there. A run that was cut short is begun anew.

    install_tools: install debootstrap through apt when it is missing. Raises `BuildError`.
    """
    if is_ready():
        return
    if sys.platform != "linux" or os.geteuid() != 0:
        raise BuildError(f"This cannot be done here: {why_not()}.")
    missing = system.missing_tools()
    if missing and install_tools:
        system.install_packages(sorted(missing.values()))
        missing = system.missing_tools()
    if missing:
        raise BuildError(
            f"Missing: {', '.join(missing)}. Install {' '.join(sorted(missing.values()))}, or add --system."
        )
    root = folder()
    if root.exists():
        shutil.rmtree(root)
    root.parent.mkdir(parents=True, exist_ok=True)
    with step(f"Debian {SUITE} in {root}"):
        path = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
        run_quietly(["debootstrap", "--variant=minbase", SUITE, str(root), mirror()], "debootstrap", environment=path)
    with step(f"Blender and a virtual display ({len(PACKAGES)} packages with what they need)"):
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        install = ["apt-get", "-o", "APT::Sandbox::User=root", "install", "-y", "--no-install-recommends", *PACKAGES]
        run_quietly(inside_command(["env", "DEBIAN_FRONTEND=noninteractive", *install]), "gui-packages")
        run_quietly(inside_command(["apt-get", "clean"]), "gui-clean")
    (root / READY).write_text("made by build.py setup --gui\n", encoding="utf-8")


def mirror() -> str:
    """The Debian mirror of this computer's apt. Raises `BuildError` where there is none."""
    sources = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for path in sources:
        if not path.is_file():
            continue
        found = find_mirror(path.read_text(encoding="utf-8", errors="replace"))
        if found:
            return found
    raise BuildError("No Debian mirror in /etc/apt: name a folder that is ready with BACKLOT_GUI_CHROOT.")


def find_mirror(text: str) -> str:
    """The first mirror of Debian's main archive in a sources file of either style; empty when none."""
    for line in text.splitlines():
        found = re.match(r"\s*(?:URIs:|deb(?:\s+\[[^\]]*\])?)\s+(\S*://\S+?/debian/?)(?:\s|$)", line)
        if found:
            return found[1]
    return ""


def inside_command(command: list[str], exchange: Path | None = None, seen: Sequence[Path] = ()) -> list[str]:
    """A command line that runs `command` inside the folder, in a mount namespace of its own.

    exchange: a folder of this computer that is seen inside under the same path, so that paths mean the same
    to a backend outside and a Blender inside. seen: more of them, for reading only. /tmp is a fresh one.
    """
    root = shlex.quote(str(folder()))
    mounts = [
        f"mount -t proc proc {root}/proc",
        f"mount --rbind /sys {root}/sys",
        f"mount --rbind /dev {root}/dev",
        f"mount -t tmpfs tmpfs {root}/tmp",
        f"chmod 1777 {root}/tmp",
    ]
    if exchange is not None:
        outside = shlex.quote(str(exchange.resolve()))
        mounts += [f"mkdir -p {root}{outside}", f"mount --bind {outside} {root}{outside}"]
    for path in seen:
        outside, inside = shlex.quote(str(path.resolve())), f"{root}{shlex.quote(str(path))}"
        mounts += [f"mkdir -p {inside}", f"mount --bind {outside} {inside}", f"mount -o remount,ro,bind {inside}"]
    script = " && ".join([*mounts, f"exec chroot {root} {shlex.join(command)}"])
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
