"""`build.py bench matching`: frames a second of the learned matchers, by device, size and batch.

With weights in the weights folder it runs the real models; without, networks of the real size with random weights,
which cost the same to run but for LightGlue's early stop. Prints what ran on what.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil

from backend.inference.device import torch_device
from backend.sfm.frames import WorkingFrame
from backend.sfm_learned.engine import ENGINE, Chosen, load
from backend.weights.folder import state_of, weights_dir
from backend.weights.models import Model, models_of

NEEDS_MODELS = True
_PAIRS = 12


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench matching", description=__doc__)
    parser.add_argument("--device", action="append", help="cpu, cuda:0, ... (default: cpu and the first GPU)")
    parser.add_argument("--longest", type=int, action="append", help="px of the longer side (default 640 and 832)")
    parser.add_argument("--pairs", type=int, default=_PAIRS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    import torch

    devices = options.device or ["cpu", *(["cuda:0"] if torch.cuda.is_available() else [])]
    rows = [
        _measure(model, device, longest, options.pairs)
        for model in models_of(ENGINE)
        for device in devices
        for longest in options.longest or (640, 832)
    ]
    if options.json:
        print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), "rows": rows}, indent=1))
        return 0
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; {options.pairs} pairs each")
    if "cuda:0" not in devices:
        print("no CUDA device on this computer: the GPU was not measured")
    for row in rows:
        print(
            f"{row['model']:<22} {row['weights']:<7} {row['device']:<7} {row['size']:<9} batch {row['batch']}: "
            f"describe {row['describe_ms']:7.1f} ms a frame, match {row['match_ms']:7.1f} ms a pair, "
            f"memory {row['memory_mb']:.0f} MB"
        )
    return 0


def _measure(model: Model, device: str, longest: int, pairs: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="backlot-bench-") as place:
        state = state_of(model, weights_dir())
        folder = state.folder if state.ready else _random_weights(model, Path(place))
        matcher = load(Chosen(model, folder), device, 2048)
        size = (longest, round(longest * 9 / 16))
        frames = [_frame(index, size) for index in range(pairs + 1)]
        _run(matcher, frames[:2], device)  # warm
        describe_s, match_s = _run(matcher, frames, device)
        return {
            "model": model.name,
            "weights": "real" if state.ready else "random",
            "device": device,
            "size": f"{size[0]}x{size[1]}",
            "batch": matcher.batch,
            "describe_ms": 1e3 * describe_s / len(frames),
            "match_ms": 1e3 * match_s / pairs,
            "memory_mb": _memory_mb(device),
        }


def _run(matcher: Any, frames: list[WorkingFrame], device: str) -> tuple[float, float]:
    """Seconds to describe the frames and to match each with the next."""
    start = _now(device)
    described = [matcher.describe(frame) for frame in frames]
    middle = _now(device)
    couples = list(itertools.pairwise(described))
    for at in range(0, len(couples), matcher.batch):
        matcher.match(couples[at : at + matcher.batch])
    return middle - start, _now(device) - middle


def _now(device: str) -> float:
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize()
    return time.perf_counter()


def _memory_mb(device: str) -> float:
    """The most that was used of a GPU; what the process has now on the processor."""
    if device.startswith("cuda"):
        import torch

        return float(torch.cuda.max_memory_allocated()) / 1e6
    return float(psutil.Process().memory_info().rss) / 1e6


def _frame(index: int, size: tuple[int, int]) -> WorkingFrame:
    """Texture of several scales that moves by 3 px a frame."""
    rng = np.random.default_rng(0)
    total = np.zeros((size[1], size[0] + 600), np.float32)
    for cells in (12, 40, 120):
        total += cv2.resize(rng.random((cells, 2 * cells)).astype(np.float32), total.shape[::-1])
    picture = np.clip(total[:, 3 * index : 3 * index + size[0]] * 85, 0, 255).astype(np.uint8)
    return WorkingFrame(index, np.ascontiguousarray(picture), None)


def _random_weights(model: Model, place: Path) -> Path:
    """A checkpoint of the real architecture."""
    import torch
    import transformers

    torch.manual_seed(0)
    torch_device("cpu")
    if model.name == "lightglue-superpoint":
        network: Any = transformers.LightGlueForKeypointMatching(transformers.LightGlueConfig())
    else:
        network = transformers.EfficientLoFTRForKeypointMatching(transformers.EfficientLoFTRConfig())
    network.save_pretrained(place / model.name)
    return place / model.name


if __name__ == "__main__":
    sys.exit(main())
