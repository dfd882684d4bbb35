"""Runs of peers kept as JSON, so that minutes of COLMAP are spent once for a clip.

A run is found again by what it depends on: the peer and its version, its options, and the bytes of every frame and
mask. Its seconds are those of the machine and the moment that recorded them; every result that comes from here says
so (`Run.recorded`).
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.runs import Run
from tests.benchmarks.scoring import Lens


def cache_key(peer: str, version: str, options: Iterable[str], files: Iterable[Path]) -> str:
    """Hex name of a run: everything that its result depends on."""
    digest = hashlib.sha256(json.dumps([peer, version, *options]).encode())
    for path in files:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:24]


def cached(folder: Path | None, name: str, key: str, run: Callable[[], Run]) -> Run:
    """The recorded run, or `run()`, which is then recorded. folder: of the cache, None for no cache. name: of the
    file, for people: the key alone identifies the run."""
    if folder is None:
        return run()
    known = sorted(folder.glob(f"*.{key}.json"))
    if known:
        return replace(_from_json(json.loads(known[0].read_text(encoding="utf-8"))))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    found = run()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.{key}.json"
    beside = path.with_suffix(".partial")
    beside.write_text(json.dumps(_to_json(found, load)), encoding="utf-8")
    beside.replace(path)
    return found


def _to_json(run: Run, load: float) -> dict[str, Any]:
    lens = None if run.lens is None else {"K": run.lens.K.tolist(), "distortion": list(run.lens.distortion)}
    return {
        "solver": run.solver, "seconds": run.seconds, "cpu_seconds": run.cpu_seconds, "failure": run.failure,
        "poses": {str(t): pose.tolist() for t, pose in run.poses.items()}, "lens": lens, "motion": run.motion,
        "load": load, "cores": os.cpu_count(), "recorded": time.strftime("%Y-%m-%d %H:%M"),
    }  # fmt: skip


def _from_json(entry: dict[str, Any]) -> Run:
    lens = entry["lens"]
    return Run(
        entry["solver"], entry["seconds"], entry["cpu_seconds"],
        {int(t): np.array(pose) for t, pose in entry["poses"].items()},
        None if lens is None else Lens(np.array(lens["K"]), tuple(lens["distortion"])),
        entry["failure"], motion=entry["motion"],
        recorded=f"{entry['recorded']}, {entry['cores']} cores, load {entry['load']:.1f}",
    )  # fmt: skip
