"""The extension's zip: `blender_addon/` at its root, `shared/`, `backend/` and what sets the backend up inside.

The zip is the same byte for byte for the same sources. Its only wheel is msgpack without its compiled part, so
that one zip serves every Blender's Python.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import shutil
import subprocess
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from . import environments, layout
from .console import say
from .layout import ROOT, BuildError

TIMESTAMP = (2020, 1, 1, 0, 0, 0)
MANIFEST = "blender_manifest.toml"
CARRIED = ("shared", "backend", "build_steps", "requirements")
"""Folders copied beside the extension's own modules."""
CARRIED_FILES = ("build.py", "LICENSE")
SKIPPED = {"__pycache__", ".mypy_cache", ".ruff_cache"}
REQUIRED = (
    "schema_version",
    "id",
    "version",
    "name",
    "tagline",
    "maintainer",
    "type",
    "blender_version_min",
    "license",
)
"""What Blender's extension manager demands of a manifest."""


def package(out: Path = layout.DIST) -> Path:
    """Writes OUT/backlot-VERSION.zip and returns its path. Raises `BuildError` when the manifest is wrong."""
    wheel_name, wheel = pure_msgpack_wheel()
    files = dict(_sources())
    if MANIFEST not in files or "__init__.py" not in files:
        raise BuildError("blender_addon/ has no __init__.py or no blender_manifest.toml: there is nothing to package.")
    files[MANIFEST] = filled_manifest(files[MANIFEST].decode("utf-8"), layout.version(), wheel_name).encode("utf-8")
    files[f"wheels/{wheel_name}"] = wheel
    check_manifest(files[MANIFEST].decode("utf-8"), files)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"backlot-{layout.version()}.zip"
    beside = path.with_suffix(f".{os.getpid()}.part")
    beside.write_bytes(deterministic_zip(files))
    beside.replace(path)
    _validate_with_blender(path)
    return path


def deterministic_zip(files: Mapping[str, bytes]) -> bytes:
    """A zip whose bytes depend on names and contents only: sorted, one fixed time, one mode."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, TIMESTAMP)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            archive.writestr(entry, files[name], compresslevel=9)
    return buffer.getvalue()


def _sources() -> Iterator[tuple[str, bytes]]:
    yield from _tree(ROOT / "blender_addon", PurePosixPath())
    for name in CARRIED:
        yield from _tree(ROOT / name, PurePosixPath(name))
    for name in CARRIED_FILES:
        yield name, (ROOT / name).read_bytes()


def _tree(folder: Path, inside: PurePosixPath) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part in SKIPPED or part.startswith(".") for part in parts)
        if path.is_file() and not hidden and path.suffix not in (".pyc", ".whl"):
            yield str(inside.joinpath(*parts)), path.read_bytes()


def filled_manifest(text: str, version: str, wheel_name: str) -> str:
    """The manifest with this release's version and the wheel that is really inside."""
    text, found = re.subn(r'^version\s*=\s*"[^"]*"', f'version = "{version}"', text, count=1, flags=re.MULTILINE)
    if not found:
        raise BuildError("blender_manifest.toml has no line `version = ...`.")
    text, found = re.subn(r"^wheels\s*=\s*\[[^\]]*\]", f'wheels = ["./wheels/{wheel_name}"]', text, flags=re.MULTILINE)
    if found != 1:
        raise BuildError("blender_manifest.toml has no line `wheels = [...]`.")
    return text


def check_manifest(text: str, files: Mapping[str, bytes]) -> None:
    """Raises `BuildError` for what Blender would refuse: missing fields, wheels that are not in the zip."""
    try:
        manifest = tomllib.loads(text)
    except tomllib.TOMLDecodeError as bad:
        raise BuildError(f"blender_manifest.toml cannot be read: {bad}.") from bad
    missing = [name for name in REQUIRED if not manifest.get(name)]
    if missing:
        raise BuildError(f"blender_manifest.toml lacks {', '.join(missing)}.")
    if manifest["tagline"].endswith(".") or len(manifest["tagline"]) > 64:
        raise BuildError("The manifest's tagline must have at most 64 characters and no full stop at its end.")
    for reason in manifest.get("permissions", {}).values():
        if reason.endswith(".") or len(reason) > 64:
            raise BuildError(f"A permission's reason must have at most 64 characters and no full stop: {reason!r}.")
    for wheel in manifest.get("wheels", []):
        if wheel.removeprefix("./") not in files:
            raise BuildError(f"The manifest names {wheel}, which is not in the zip.")
        if not wheel.endswith("-none-any.whl"):
            raise BuildError(f"{wheel} is compiled for one Python: only pure-Python wheels may be bundled.")


def _validate_with_blender(path: Path) -> None:
    """Blender's own verdict, where there is a Blender."""
    blender = shutil.which("blender")
    if blender is None:
        return
    command = [blender, "--command", "extension", "validate", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise BuildError(f"Blender refuses the package:\n{done.stdout}{done.stderr}")
    say("  Blender's own check: passed")


def pure_msgpack_wheel() -> tuple[str, bytes]:
    """File name and contents of msgpack as a `py3-none-any` wheel.

    msgpack's distribution holds a complete Python version beside its compiled one; taken out of the backend's
    environment without the compiled part it is what MSGPACK_PUREPYTHON=1 builds, without a compiler.
    """
    library = _site_packages()
    metadata = next(iter(sorted(library.glob("msgpack-*.dist-info"))), None)
    if metadata is None:
        raise BuildError(f"The backend's environment has no msgpack: run {layout.command('setup')}.")
    version = metadata.name.removeprefix("msgpack-").removesuffix(".dist-info")
    files = {f"msgpack/{path.name}": path.read_bytes() for path in (library / "msgpack").glob("*.py")}
    info = metadata.name
    for path in metadata.rglob("*"):
        name = path.relative_to(metadata).as_posix()
        if path.is_file() and (name == "METADATA" or name.startswith("licenses/")):
            files[f"{info}/{name}"] = path.read_bytes()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: backlot\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/RECORD"] = _wheel_record(files, f"{info}/RECORD")
    return f"msgpack-{version}-py3-none-any.whl", deterministic_zip(files)


def _site_packages() -> Path:
    folder = environments.ensure(environments.base_plan()).parents[1]
    return next(iter(sorted(folder.glob("lib/python3*/site-packages"))), folder / "Lib" / "site-packages")


def _wheel_record(files: Mapping[str, bytes], own_name: str) -> bytes:
    """RECORD of the wheel format: name, unpadded URL-safe base64 of the SHA-256, size."""
    lines = []
    for name in sorted(files):
        digest = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(files[name])}")
    return "\n".join([*lines, f"{own_name},,", ""]).encode()
