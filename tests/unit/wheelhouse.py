"""A folder of wheels as small as can be, one for every pin of some locks: what `--offline` installs from."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path

_MODULES = {"opencv-python-headless": "cv2", "openexr": "OpenEXR"}


def fill(folder: Path, locks: Iterable[Path]) -> Path:
    """Writes the wheels; each holds one module that only says its version."""
    folder.mkdir(parents=True, exist_ok=True)
    for lock in locks:
        for line in lock.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                project, version = line.split("==")
                write_wheel(folder, project, version)
    return folder


def write_wheel(folder: Path, project: str, version: str) -> None:
    distribution = project.replace("-", "_").replace(".", "_")
    module = _MODULES.get(project.lower(), distribution)
    info = f"{distribution}-{version}.dist-info"
    files = {
        f"{module}.py": f'__version__ = "{version}"\n',
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [f"{name},{_digest(text)},{len(text)}" for name, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]) + "\n"
    with zipfile.ZipFile(folder / f"{distribution}-{version}-py3-none-any.whl", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def _digest(text: str) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
