"""Fingerprints say the same in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_of_a_sequence_in_other_processes(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"frame_{number:04d}.png").write_bytes(bytes([number]))
    program = (
        "import sys; from pathlib import Path; from backend.pipeline.fingerprint import of_sequence; "
        "print(of_sequence(sorted(Path(sys.argv[1]).iterdir())))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)], env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True, timeout=600,
        ).stdout
        for seed in ("0", "1", "2", "3", "4")
    }  # fmt: skip
    assert len(said) == 1
