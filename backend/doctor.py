"""What this computer has for Backlot, what is missing, and what to do: `python -m backend doctor`.

It imports heavy libraries to see whether they load, so the server runs it as a process of its own:
`python -m backend.doctor --json` prints `{"text", "facts", "engines"}`.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared import PROTOCOL, VERSION, connection
from shared.build_command import build_command
from shared.errors import BackendNotRunning
from shared.wire import pack

from .devices import gpus
from .engines import WEIGHT_FREE, statuses
from .weights.folder import get_command, non_commercial_allowed, states, weights_dir

PACKAGES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "cv2": "opencv-python-headless",
    "av": "av",
    "OpenEXR": "OpenEXR",
    "pycolmap": "pycolmap",
    "isal": "isal",
    "pxr": "usd-core",
    "psutil": "psutil",
    "msgpack": "msgpack",
}
"""Modules that the base needs, with the packages they come from."""

LEARNED_PACKAGES = ("torch", "transformers", "safetensors")
"""What engines with public weights need besides; an optional part of the environment."""

LOW_DISK_BYTES = 5 * 10**9
_SUPPORTED = ((3, 11), (3, 13))
_GIB = 2**30


def facts(home: Path) -> dict[str, Any]:
    """Everything found, as plain values. `problems` is a list of {"problem", "remedy"}."""
    found: dict[str, Any] = {
        "backlot": {"version": VERSION, "protocol": PROTOCOL, "source": str(Path(__file__).resolve().parents[1])},
        "python": _python(),
        "system": _system(),
        "gpus": [pack(gpu) for gpu in gpus()],
        "packages": {package: _package(module, package) for module, package in PACKAGES.items()},
        "learned_packages": {package: _version(package) for package in LEARNED_PACKAGES},
        "engines": [pack(status) for status in statuses()],
        "weights": _weights(),
        "home": _home(home),
        "server": _server(home),
    }
    found["problems"] = _problems(found)
    return found


def _python() -> dict[str, Any]:
    low, high = _SUPPORTED
    return {
        "version": platform.python_version(),
        "executable": sys.executable,
        "supported": low <= sys.version_info[:2] <= high,
    }


def _system() -> dict[str, Any]:
    return {
        "os": platform.platform(),
        "machine": platform.machine(),
        "processor": _processor_name(),
        "processors": os.cpu_count() or 1,
        "memory_bytes": _memory_bytes(),
    }


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return platform.processor()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _memory_bytes() -> int | None:
    """Of the whole computer; None where the system does not say without a further package."""
    if importlib.util.find_spec("psutil") is not None:
        return int(importlib.import_module("psutil").virtual_memory().total)
    if sys.platform != "win32" and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _package(module: str, package: str) -> dict[str, Any]:
    """Whether a package loads, its version and its licence as its authors declare it."""
    try:
        importlib.import_module(module)
        about = importlib.metadata.metadata(package)
    except ImportError as error:
        return {"ready": False, "version": "", "licence": "", "reason": str(error)}
    return {"ready": True, "version": about["Version"] or "", "licence": _licence(about), "reason": ""}


def _version(package: str) -> str:
    """Of an installed package, "" without it. Loading torch to see whether it loads would take seconds."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _weights() -> dict[str, Any]:
    """The weights folder and the models that Backlot knows."""
    place = weights_dir()
    models = [
        {
            "name": state.model.name,
            "engine": state.model.engine,
            "licence": state.model.weights_licence,
            "commercial": state.model.commercial,
            "missing": list(state.missing),
            "get": get_command(state.model),
        }
        for state in states(place)
    ]
    return {"folder": str(place), "non_commercial_allowed": non_commercial_allowed(), "models": models}


def _licence(about: Any) -> str:
    declared = about["License-Expression"] or about["License"] or ""
    if declared and "\n" not in declared and len(declared) < 80 and "Copyright" not in declared:
        return str(declared)
    classified = [c.rsplit(" :: ", 1)[-1] for c in about.get_all("Classifier") or [] if c.startswith("License ::")]
    return ", ".join(classified) or "see the package"


def _home(home: Path) -> dict[str, Any]:
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    usage = shutil.disk_usage(existing)
    return {
        "path": str(home),
        "writable": os.access(existing, os.W_OK),
        "disk_bytes": usage.total,
        "free_bytes": usage.free,
    }


def _server(home: Path) -> dict[str, Any]:
    try:
        found = connection.read(home)
    except BackendNotRunning as error:
        return {"running": False, "reason": error.message}
    return {"running": True, "pid": found.pid, "port": found.port, "version": found.version}


def _problems(found: Mapping[str, Any]) -> list[dict[str, str]]:
    problems: list[dict[str, str]] = []

    def add(problem: str, remedy: str) -> None:
        problems.append({"problem": problem, "remedy": remedy})

    if not found["python"]["supported"]:
        add(f"Python {found['python']['version']} is not supported.", "Use Python 3.11, 3.12 or 3.13.")
    for name, package in found["packages"].items():
        if not package["ready"]:
            add(f"The package {name} does not load: {package['reason']}", f"Run `{build_command('setup')}`.")
    for engine in found["engines"]:
        if not engine["ready"] and engine["kind"] == WEIGHT_FREE:
            add(f"Engine {engine['engine']} of {engine['stage']} is not ready: {engine['reason']}", engine["remedy"])
    if not found["home"]["writable"]:
        add(f"{found['home']['path']} cannot be written to.", "Set BACKLOT_HOME to a folder that can.")
    if found["home"]["free_bytes"] < LOW_DISK_BYTES:
        add("There is less than 5 GB left on the disk of Backlot's folder.", "Free some space.")
    return problems


def report(found: Mapping[str, Any]) -> str:
    """The facts as a page for people."""
    made = (_about_lines, _gpu_lines, _package_lines, _engine_lines, _model_lines)
    sections = [lines(found) for lines in made]
    lines = [line for section in (*sections, _problem_lines(found)) for line in (*section, "")]
    return "\n".join(lines).rstrip() + "\n"


def _about_lines(found: Mapping[str, Any]) -> list[str]:
    python, system, home, server = found["python"], found["system"], found["home"], found["server"]
    memory = "unknown" if system["memory_bytes"] is None else _gib(system["memory_bytes"])
    running = f"running, pid {server['pid']}, port {server['port']}" if server["running"] else "not running"
    return [
        f"Backlot    {found['backlot']['version']} (protocol {found['backlot']['protocol']})",
        f"Python     {python['version']}  {python['executable']}",
        f"System     {system['os']}",
        f"Processor  {system['processor']}, {system['processors']} threads; memory {memory}",
        f"Folder     {home['path']}  ({_gib(home['free_bytes'])} of {_gib(home['disk_bytes'])} free)",
        f"Backend    {running}",
    ]


def _gpu_lines(found: Mapping[str, Any]) -> list[str]:
    if not found["gpus"]:
        return ["GPU        none found: every stage runs on the processor"]
    return [
        f"GPU        {gpu['name']} {gpu['model']}, {_gib(gpu['free_bytes'])} of {_gib(gpu['memory_bytes'])} free,"
        f" driver {gpu['driver']}"
        for gpu in found["gpus"]
    ]


def _package_lines(found: Mapping[str, Any]) -> list[str]:
    lines = ["Packages"]
    for name, package in found["packages"].items():
        state = (
            f"{package['version']:<12} {package['licence']}" if package["ready"] else f"MISSING: {package['reason']}"
        )
        lines.append(f"  {name:<24} {state}")
    for name, version in found["learned_packages"].items():
        lines.append(f"  {name:<24} {version or 'not installed: only engines with public weights need it'}")
    return lines


def _engine_lines(found: Mapping[str, Any]) -> list[str]:
    lines = ["Engines"]
    for engine in found["engines"]:
        state = "ready" if engine["ready"] else f"not ready: {engine['reason']} {engine['remedy']}"
        weights = engine["weights_licence"] or "no weights"
        use = "" if engine["commercial"] else "; NOT for commercial work"
        lines.append(f"  {engine['stage']:<8} {engine['engine']:<12} {engine['kind']:<12} {state}")
        lines.append(f"  {'':<34} code {engine['code_licence']}; {weights}{use}")
    return lines


def _model_lines(found: Mapping[str, Any]) -> list[str]:
    weights = found["weights"]
    lines = [f"Weights    {weights['folder']}"]
    for model in weights["models"]:
        state = f"missing {', '.join(model['missing'])}: {model['get']}" if model["missing"] else "ready"
        gate = "allowed by BACKLOT_ALLOW_NON_COMMERCIAL" if weights["non_commercial_allowed"] else "only if allowed"
        use = "" if model["commercial"] else f"; NOT for commercial work: {gate}"
        lines.append(f"  {model['name']:<24} {state}")
        lines.append(f"  {'':<24} {model['engine']}; {model['licence']}{use}")
    return lines


def _problem_lines(found: Mapping[str, Any]) -> list[str]:
    if not found["problems"]:
        return ["No problems found."]
    return ["Problems", *(f"  - {item['problem']} {item['remedy']}" for item in found["problems"])]


def _gib(count: int) -> str:
    return f"{count / _GIB:.1f} GiB"


def main() -> int:
    parser = argparse.ArgumentParser(prog="backend.doctor")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = facts(connection.home_dir())
    if arguments.json:
        print(json.dumps({"text": report(found), "facts": found, "engines": found["engines"]}, ensure_ascii=False))
    else:
        print(report(found), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
