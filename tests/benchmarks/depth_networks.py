"""`build.py bench depth_networks`: frames a second and memory of the depth networks, by device and chunk.

With weights in the weights folder it runs the real models; without, Depth Anything of the real Small size with random
weights, which costs the same to run. Prints what ran on what.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from backend.depth_learned.choice import ENGINE, family_of
from backend.depth_learned.networks import load_network
from backend.inference.device import torch_device
from backend.weights.folder import state_of, weights_dir
from backend.weights.models import models_of

NEEDS_MODELS = True
_SMALL = "depth-anything-v2-small"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench depth_networks", description=__doc__)
    parser.add_argument("--device", action="append", help="cpu, cuda:0, ... (default: cpu and the first GPU)")
    parser.add_argument("--batch", type=int, action="append", help="frames at once (default: the model's own)")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--size", default="640x360", help="of the plate")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    import torch

    devices = options.device or ["cpu", *(["cuda:0"] if torch.cuda.is_available() else [])]
    width, height = map(int, options.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        places = _folders(Path(folder))
        rows = [
            _measure(name, place, kind, device, batch, options.frames, (height, width))
            for name, (place, kind) in places.items()
            for device in devices
            for batch in options.batch or (0,)
        ]
    if options.json:
        print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), "rows": rows}, indent=1))
        return 0
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; {options.frames} frames of {options.size}")
    if "cuda:0" not in devices:
        print("no CUDA device on this computer: the GPU was not measured")
    for row in rows:
        print(
            f"{row['model']:<40} {row['weights']:<7} {row['device']:<7} batch {row['batch']}: "
            f"{row['ms_a_frame']:.0f} ms a frame ({row['fps']:.2f} fps), memory {row['memory_mb']:.0f} MB"
        )
    return 0


def _folders(scratch: Path) -> dict[str, tuple[Path, str]]:
    """Checkpoints by model: those that are there, or a random one."""
    place = weights_dir()
    there = [state_of(model, place) for model in models_of(ENGINE)]
    found = {state.model.name: (state.folder, "real") for state in there if state.ready}
    return found or {_SMALL: (_random_small(scratch), "random")}


def _random_small(folder: Path) -> Path:
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation

    backbone = {
        "model_type": "dinov2", "hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6,
        "image_size": 518, "out_indices": [3, 6, 9, 12], "reshape_hidden_states": False, "apply_layernorm": True,
    }  # fmt: skip
    DepthAnythingForDepthEstimation(DepthAnythingConfig(backbone_config=backbone)).save_pretrained(folder)
    return folder


def _measure(
    name: str, folder: Path, weights: str, device: str, batch: int, frames: int, size: tuple[int, int]
) -> dict[str, Any]:
    import torch

    family = family_of(next(model for model in models_of(ENGINE) if model.name == name))
    network = load_network(name, family, folder, torch_device(device))
    chunk = batch or network.batch
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (*size, 3)).astype(np.uint8) for _ in range(chunk)]
    network.predict(pictures)  # warm
    on_gpu = device.startswith("cuda")
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    done, started = 0, time.perf_counter()
    while done < frames:
        for raw in network.predict(pictures):
            network.resized(raw, size)
        done += chunk
    seconds = (time.perf_counter() - started) / done
    memory = torch.cuda.max_memory_allocated() if on_gpu else psutil.Process().memory_info().rss
    return {
        "model": name, "weights": weights, "device": device, "batch": chunk, "ms_a_frame": 1000.0 * seconds,
        "fps": 1.0 / seconds, "memory_mb": memory / 2**20,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
