"""Ingest against bare PyAV decoding: CPU and wall time a frame, and peak memory at 100 and 1000 frames.

    python -m tests.benchmarks.ingest [--clip VIDEO] [--json]

Every run is a process of its own that imports first and measures then; the kinds of run take turns, so that a
busy machine slows all of them alike. `naive` is what a short script would do: decode, and `cv2.imwrite`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT = 1920, 1080
SHORT, LONG = 100, 1000
ROUNDS = 3
KINDS = ("decode", "naive", "ingest")


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    if arguments.child:
        print(json.dumps(_measure(*arguments.child)))
        return 0
    with tempfile.TemporaryDirectory(prefix="backlot-bench-") as folder:
        report = _bench(arguments.clip, Path(folder), arguments.rounds, memory=not arguments.no_memory)
    print(json.dumps(report, indent=1) if arguments.json else _as_text(report))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench ingest", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clip", type=Path, help="a video to use in place of the made 1080p H.264 one")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="runs of each kind (default %(default)s)")
    parser.add_argument("--no-memory", action="store_true", help="leave out the 1000-frame memory runs")
    parser.add_argument("--child", nargs=3, metavar=("KIND", "CLIP", "FOLDER"), help=argparse.SUPPRESS)
    return parser


def _bench(clip: Path | None, folder: Path, rounds: int, *, memory: bool) -> dict[str, Any]:
    short = clip or write_clip(folder / "short.mp4", SHORT)
    runs: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    for _ in range(rounds):
        for kind in KINDS:
            runs[kind].append(_run(kind, short, folder))
    report: dict[str, Any] = {"clip": str(clip or f"{WIDTH}x{HEIGHT} H.264"), "frames": runs["decode"][0]["frames"]}
    for kind, results in runs.items():
        for name in ("cpu_ms", "wall_ms"):
            report[f"{kind}_{name}_per_frame"] = round(statistics.median(r[name] / r["frames"] for r in results), 2)
    for name in ("cpu", "wall"):
        for kind in ("ingest", "naive"):
            ratio = report[f"{kind}_{name}_ms_per_frame"] / report[f"decode_{name}_ms_per_frame"]
            report[f"{kind}_{name}_ratio_to_decode"] = round(ratio, 2)
    report["plate_mb_per_frame"] = round(runs["ingest"][0]["plate_mb"] / runs["ingest"][0]["frames"], 2)
    if memory:
        report |= _memory(clip, folder, runs["ingest"][0])
    return report


def _memory(clip: Path | None, folder: Path, short_run: dict[str, float]) -> dict[str, Any]:
    report = {f"ingest_peak_rss_mb_{int(short_run['frames'])}_frames": short_run["peak_mb"]}
    if clip is None:
        long_run = _run("ingest", write_clip(folder / "long.mp4", LONG), folder)
        report[f"ingest_peak_rss_mb_{LONG}_frames"] = long_run["peak_mb"]
    report["imports_rss_mb"] = short_run["before_mb"]
    return report


def write_clip(path: Path, count: int) -> Path:
    """1080p H.264 of a textured wall with grain, seen by a moving camera: 50 frames coded once, then
    repeated as whole groups of pictures."""
    import av
    import numpy as np

    rng = np.random.default_rng(0)
    wall = _texture(rng)
    grain = rng.normal(0.0, 4.0, (2 * HEIGHT, 2 * WIDTH, 1))
    coded = min(count, 50)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", Fraction(24))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "20", "g": "25", "x264-params": "open-gop=0"}
        packets = []
        for index in range(coded):
            left, top = 4 * index, index
            gx, gy = rng.integers(0, WIDTH), rng.integers(0, HEIGHT)
            image = wall[top : top + HEIGHT, left : left + WIDTH] + grain[gy : gy + HEIGHT, gx : gx + WIDTH]
            frame = av.VideoFrame.from_ndarray(np.clip(image, 0, 255).astype(np.uint8), "rgb24")
            packets += [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in stream.encode(frame)]
        packets += [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in stream.encode()]
        for turn in range(-(-count // coded)):
            for data, pts, dts, key in packets:
                packet = av.Packet(data)
                packet.stream, packet.time_base = stream, stream.codec_context.time_base
                packet.pts, packet.dts, packet.is_keyframe = pts + turn * coded, dts + turn * coded, key
                container.mux(packet)
    return path


def _texture(rng: Any) -> Any:
    """[H,W,3] float: noise at several scales."""
    import cv2
    import numpy as np

    height, width = HEIGHT + 100, WIDTH + 300
    wall = np.full((height, width, 3), 110.0)
    for cells, strength in ((6, 60.0), (24, 40.0), (120, 25.0), (480, 15.0)):
        coarse = rng.normal(0.0, strength, (cells * height // width + 2, cells + 2, 3)).astype(np.float32)
        wall += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return wall


def _run(kind: str, clip: Path, folder: Path) -> dict[str, float]:
    work = folder / "work"
    command = [sys.executable, "-m", "tests.benchmarks.ingest", "--child", kind, str(clip), str(work)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
    shutil.rmtree(work, ignore_errors=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _measure(kind: str, clip: str, folder: str) -> dict[str, float]:
    """One run, in this process: milliseconds and megabytes."""
    import av
    import cv2  # noqa: F401 - imported before the clock starts, for every kind alike

    from backend.stages import ingest  # noqa: F401

    av.open(clip).close()
    Path(folder).mkdir(parents=True, exist_ok=True)
    before, cpu, wall = _peak_mb(), time.process_time(), time.perf_counter()
    frames = {"decode": _decode, "naive": _naive, "ingest": _ingest}[kind](clip, Path(folder))
    return {
        "frames": frames,
        "cpu_ms": (time.process_time() - cpu) * 1e3,
        "wall_ms": (time.perf_counter() - wall) * 1e3,
        "before_mb": before,
        "peak_mb": _peak_mb(),
        "plate_mb": sum(p.stat().st_size for p in Path(folder).rglob("*.png")) / 1e6,
    }


def _decode(clip: str, folder: Path) -> int:
    import av

    with av.open(clip) as container:
        container.streams.video[0].thread_type = "AUTO"
        return sum(1 for _ in container.decode(video=0))


def _naive(clip: str, folder: Path) -> int:
    import av
    import cv2

    count = 0
    with av.open(clip) as container:
        container.streams.video[0].thread_type = "AUTO"
        for count, frame in enumerate(container.decode(video=0), 1):
            cv2.imwrite(str(folder / f"frame_{count:04d}.png"), frame.to_ndarray(format="bgr24"))
    return count


def _ingest(clip: str, folder: Path) -> int:
    from backend.pipeline.runner import run_job
    from shared.messages import JobRequest

    (result,) = run_job(JobRequest(shot=str(folder), footage=clip, stages=("ingest",)), _Silent())
    return int(result.facts["frames"])


class _Silent:
    """A job's observer that hears nothing."""

    def progress(self, progress: Any) -> None: ...

    def notice(self, sentence: str) -> None: ...

    def stage_done(self, result: Any) -> None: ...

    def is_cancelled(self) -> bool:
        return False


def _peak_mb() -> float:
    """The most memory this process has used so far, in MB (2^20 bytes)."""
    if sys.platform == "linux":
        # Not getrusage: its peak is inherited from the parent across fork and exec.
        line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        return round(int(line.split()[1]) / 1024, 1)
    if sys.platform == "win32":
        import psutil

        return round(float(psutil.Process().memory_info().peak_wset) / 2**20, 1)
    import resource

    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 1)


def _as_text(report: dict[str, Any]) -> str:
    width = max(len(name) for name in report)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in report.items())


if __name__ == "__main__":
    raise SystemExit(main())
