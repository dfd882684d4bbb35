"""Another Blender that runs one headless script after the other: starting one for each takes a second."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from backend.export.blender_process import Blender, script_path

_ENDED = "=== the script has ended ==="
_LOOP = f"""
import runpy, sys
for line in sys.stdin:
    sys.argv = line.rstrip("\\n").split("\\t")
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit:
        pass
    print("\\n{_ENDED}", flush=True)
"""


class OneBlender:
    """A process of a Python that has bpy. Use as a context. folder: for the jobs."""

    def __init__(self, python: Path, folder: Path) -> None:
        self._python, self._folder, self._count = python, folder, 0

    def __enter__(self) -> OneBlender:
        command = [str(self._python), "-c", _LOOP]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def run_script(
        self, blender: Blender, script: str, job: dict[str, Any], check_cancelled: Callable[[], None]
    ) -> dict[str, Any]:
        """In place of `blender_process.run_script`. The script's result; fails the test when it has none."""
        self._count += 1
        request, result = (self._folder / f"{name} {self._count}.json" for name in ("job", "result"))
        request.write_text(json.dumps({**job, "result": str(result)}), encoding="utf-8")
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{script_path(script)}\t--\t{request}\n")
        self._process.stdin.flush()
        assert any(line.strip() == _ENDED for line in self._process.stdout), "the other Blender ended"
        answer: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        assert not {"lacks", "failed"} & answer.keys(), answer
        return answer
