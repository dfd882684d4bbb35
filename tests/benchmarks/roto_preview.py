"""How long an artist waits for the mask of a click: `roto.preview` through the socket, at 960x540.

    python -m tests.benchmarks.roto_preview [--clip FOLDER] [--count 50] [--json]

Half of the requests are about a place that was not asked about before (a click, a box, a stroke anywhere); the other
half are what follows, one more click on the same object. The previewer's libraries run on one core; on a machine that
is busy otherwise its processor time tells more than the wait.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
from numpy.typing import NDArray

from shared.messages import DONE, JobRequest
from shared.roto_messages import PreviewReply, PreviewRequest, packed_rows
from shared.roto_prompts import FramePrompt, Stroke
from shared.wire import pack, unpack
from tests.contract.backend_process import BackendProcess
from tests.contract.clips import travelling
from tests.contract.wire_client import WireClient

WIDTH, HEIGHT = 960, 540
LIMIT_MS = 200.0
_ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1")
_INGEST_LIMIT_S = 120.0


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench roto_preview", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clip", type=Path, help="folder with frames/, in place of a made picture")
    parser.add_argument("--count", type=int, default=50, help="requests of each kind")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    arguments = parser.parse_args(argv)
    os.environ.update(_ONE_CORE)  # the server and its children take it over
    with tempfile.TemporaryDirectory(prefix="backlot-bench-") as folder:
        report = _bench(arguments.clip, arguments.count, Path(folder))
    print(json.dumps(report, indent=1) if arguments.json else _as_text(report))
    return 0 if report["p95_of_limit"] <= 1 else 1


class Asker:
    """Asks and keeps the time: `waits` in the client, `work` of the previewer's processor, ms each."""

    def __init__(self, client: WireClient, shot: str, frame: int) -> None:
        self._client, self._shot, self._frame = client, shot, frame
        self._previewer: psutil.Process | None = None

    def ask(self, prompt: FramePrompt) -> tuple[float, float]:
        """Milliseconds from the request to the mask in the client's memory, and of the processor."""
        before = self._busy_ms()
        started = time.perf_counter()
        params = pack(PreviewRequest(self._shot, self._frame, "object", prompt, "bench"))
        packed_rows(unpack(PreviewReply, self._client.call("roto.preview", **params)))
        wait = (time.perf_counter() - started) * 1e3
        return wait, self._busy_ms() - before

    def find_previewer(self, backend: BackendProcess) -> None:
        self._previewer = next(child for child in backend.children() if "backend.roto.cut.process" in child.cmdline())

    def _busy_ms(self) -> float:
        if self._previewer is None:
            return 0.0
        times = self._previewer.cpu_times()
        return float(times.user + times.system) * 1e3


def _bench(clip: Path | None, count: int, folder: Path) -> dict[str, Any]:
    footage = _footage(clip, folder / "footage")
    shot = str(folder / "shot")
    with BackendProcess(folder / "home") as backend, backend.client() as client:
        asker = Asker(client, shot, _ingested(client, shot, footage))
        prompts = list(_prompts(count))
        first, _ = asker.ask(prompts[0][0])
        asker.find_previewer(backend)
        asked = [(asker.ask(prompt), asker.ask(more)) for prompt, more in prompts[1:]]
    new, more = [pair[0] for pair in asked], [pair[1] for pair in asked]
    everything = _summary([*new, *more])
    return {
        "footage": str(clip or "made"), "size": [WIDTH, HEIGHT], "unit": "ms", "limit": LIMIT_MS,
        "first (the process starts)": round(first, 1),
        "new place": _summary(new), "same object": _summary(more), "all": everything,
        "p95_of_limit": round(everything["p95"] / LIMIT_MS, 3),
        "processor_p95_of_limit": round(everything["processor p95"] / LIMIT_MS, 3),
    }  # fmt: skip


def _footage(clip: Path | None, folder: Path) -> Path:
    """Two pictures: the second tells how things move."""
    folder.mkdir(parents=True)
    pictures = _frames_of(clip) if clip else [image[..., ::-1] for image in travelling(2)]
    for number, picture in enumerate(pictures, 1):
        large = cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"clip.{number:04d}.png"), large)
    return folder


def _frames_of(clip: Path) -> Sequence[NDArray[Any]]:
    paths = sorted(path for path in (clip / "frames").iterdir() if path.suffix in (".png", ".jpg"))[:2]
    return [np.asarray(cv2.imread(str(path))) for path in paths]


def _ingested(client: WireClient, shot: str, footage: Path) -> int:
    """The number of the plate's first frame."""
    client.watch()
    job = client.submit(JobRequest(shot, str(footage), ("ingest",))).id
    client.wait(job, DONE, _INGEST_LIMIT_S)
    return min(int(path.stem.split("_")[1]) for path in (Path(shot) / "source" / "frames").iterdir())


def _prompts(count: int) -> Iterator[tuple[FramePrompt, FramePrompt]]:
    """What is said of an object anywhere, and the same with one more click."""
    rng = np.random.default_rng(0)
    for index in range(count):
        wide, high = rng.uniform(0.05, 0.5) * WIDTH, rng.uniform(0.08, 0.8) * HEIGHT
        x, y = rng.uniform(0, WIDTH - wide), rng.uniform(0, HEIGHT - high)
        middle = (x + wide / 2, y + high / 2)
        line = ((x + 0.3 * wide, middle[1]), (x + 0.7 * wide, middle[1]))
        prompt = (
            FramePrompt(boxes=((x, y, x + wide, y + high),)),
            FramePrompt(include=(middle,)),
            FramePrompt(strokes=(Stroke(line, 4.0),)),
        )[index % 3]
        yield prompt, replace(prompt, exclude=((x + 0.1 * wide, y + 0.1 * high),))


def _summary(times: list[tuple[float, float]]) -> dict[str, float]:
    waits, work = np.array(times).T
    p50, p95 = np.percentile(waits, (50, 95))
    work50, work95 = np.percentile(work, (50, 95))
    return {
        "count": len(waits), "p50": round(float(p50), 1), "p95": round(float(p95), 1), "max": round(max(waits), 1),
        "processor p50": round(float(work50), 1), "processor p95": round(float(work95), 1),
    }  # fmt: skip


def _as_text(report: dict[str, Any]) -> str:
    lines = [f"footage: {report['footage']}, {WIDTH}x{HEIGHT}, limit {LIMIT_MS:g} ms"]
    first = "first (the process starts)"
    lines.append(f"{first}: {report[first]:.0f} ms")
    for kind in ("new place", "same object", "all"):
        part = report[kind]
        lines.append(
            f"{kind:<12} p50 {part['p50']:6.1f}  p95 {part['p95']:6.1f}  max {part['max']:6.1f} ms, "
            f"processor p50 {part['processor p50']:6.1f}  p95 {part['processor p95']:6.1f} ms, of {part['count']}"
        )
    lines.append(
        f"p95 of all is {report['p95_of_limit']:.2f} of the limit, of the processor's time "
        f"{report['processor_p95_of_limit']:.2f}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
