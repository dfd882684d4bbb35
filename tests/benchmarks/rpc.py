"""The server's answers: round trips idle and while stages run, and 1080p plate frames to a client.

    python -m tests.benchmarks.rpc [--clip VIDEO] [--json]

The peer is a bare echo over TCP loopback, in a process of its own, asked in turns with the server so that a
busy machine slows both alike.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil

from shared.codec import Request, encode
from shared.messages import JobRequest
from tests.contract.backend_process import BackendProcess
from tests.contract.clips import travelling, write_clip
from tests.contract.wire_client import WireClient

SIZE = (1920, 1080)
FRAMES = 48
ROUND_TRIPS = 3000
LIMITS_MS = {"p50": 5.0, "p99": 50.0}
_STAGE_LIMIT_S = 900.0
_PACE_S = 0.002
"""Pause between round trips while a stage runs: a user interface asks now and then, it does not flood."""

_ECHO = """
import socket
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    peer, _ = listener.accept()
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while data := peer.recv(65536):
        peer.sendall(data)
"""


class Echo:
    """The peer: sends back what it gets."""

    def __enter__(self) -> Echo:
        self._process = subprocess.Popen([sys.executable, "-c", _ECHO], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._socket = socket.create_connection(("127.0.0.1", int(self._process.stdout.readline())))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._message = encode(Request(1, "ping", {}))
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._process.wait()

    def ask(self) -> None:
        self._socket.sendall(self._message)
        left = len(self._message)
        while left:
            left -= len(self._socket.recv(65536))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench rpc", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clip", type=Path, help="footage for the stages, in place of a made 1080p clip")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="backlot-bench-") as folder:
        report = _bench(arguments.clip, Path(folder))
    print(json.dumps(report, indent=1) if arguments.json else _as_text(report))
    return 0 if report["within_limits"] else 1


def _bench(clip: Path | None, folder: Path) -> dict[str, Any]:
    footage = clip.absolute() if clip else write_clip(folder / "clip.mp4", _frames())
    report: dict[str, Any] = {"footage": str(clip or f"{SIZE[0]}x{SIZE[1]}, {FRAMES} frames"), "unit": "ms"}
    with BackendProcess(folder / "home") as backend, backend.client() as client, Echo() as echo:
        report["idle"] = _in_turns(client, echo, range(ROUND_TRIPS))
        for stage in ("ingest", "solve"):
            job = JobRequest(str(folder / "shot"), str(footage), (stage,))
            report[f"during_{stage}"] = _while_running(client, echo, job)
        report["plate_frame"] = _plate_frames(client, folder / "shot")
        report["server_rss_mb"] = round(_resident_mb(backend), 1)
    report["limits"] = LIMITS_MS
    busy = [report[kind] for kind in report if kind.startswith("during")]
    report["within_limits"] = all(part["state"] == "done" and _within(part["backlot"]) for part in busy)
    return report


def _frames() -> Iterator[np.ndarray[Any, np.dtype[np.uint8]]]:
    for image in travelling(FRAMES):
        yield np.asarray(cv2.resize(image, SIZE, interpolation=cv2.INTER_CUBIC), np.uint8)


def _timed(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return (time.perf_counter() - started) * 1e3


def _in_turns(client: WireClient, echo: Echo, turns: Any) -> dict[str, Any]:
    ours, theirs = [], []
    for _ in turns:
        ours.append(_timed(lambda: client.call("ping")))
        theirs.append(_timed(echo.ask))
    return {"backlot": _summary(ours), "bare_echo": _summary(theirs)}


def _while_running(client: WireClient, echo: Echo, request: JobRequest) -> dict[str, Any]:
    """Round trips from the start of a job to its end; the client also gets the job's events meanwhile."""
    client.watch()
    job = client.submit(request).id

    def turns() -> Iterator[None]:
        deadline = time.monotonic() + _STAGE_LIMIT_S
        while not any(event.status.id == job and event.status.is_over for event in client.events):
            client.events.clear()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{request.stages} did not end")
            time.sleep(_PACE_S)
            yield

    report = _in_turns(client, echo, turns())
    end = next(event for event in client.events if event.status.is_over)
    assert end.status.started is not None and end.status.ended is not None
    seconds = round(end.status.ended - end.status.started, 2)
    return {**report, "state": end.kind, "seconds": seconds, "error": (end.status.error or {}).get("message", "")}


def _plate_frames(client: WireClient, shot: Path) -> dict[str, Any]:
    """From the request to the pixels in the client's memory. first: decoded for this request; again: from the
    reader's cache."""
    numbers = sorted(int(path.stem.split("_")[1]) for path in (shot / "source" / "frames").glob("frame_*.png"))[:40]

    def fetch(number: int) -> Any:
        path = client.call("plate.frame", shot=str(shot), frame=number)["path"]
        return np.array(np.load(path, mmap_mode="r"))

    started = _timed(lambda: fetch(numbers[0]))
    first = [_timed(lambda n=number: fetch(n)) for number in numbers[1:]]  # type: ignore[misc]
    again = [_timed(lambda n=number: fetch(n)) for number in numbers for _ in range(5)]  # type: ignore[misc]
    return {"size": list(fetch(numbers[0]).shape), "start_of_reader": round(started, 1),
            "first": _summary(first), "again": _summary(again)}  # fmt: skip


def _summary(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "count": len(ordered),
        "p50": round(statistics.median(ordered), 3),
        "p99": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 3),
        "max": round(ordered[-1], 3),
    }


def _within(summary: dict[str, float]) -> bool:
    return all(summary[name] <= limit for name, limit in LIMITS_MS.items())


def _resident_mb(backend: BackendProcess) -> float:
    return float(psutil.Process(backend.pid).memory_info().rss) / 1e6


def _as_text(report: dict[str, Any]) -> str:
    lines = [f"footage: {report['footage']}; limits {report['limits']} ms"]
    for kind in ("idle", "during_ingest", "during_solve"):
        for who in ("backlot", "bare_echo"):
            numbers = report[kind][who]
            lines.append(f"{kind:<14} {who:<10} p50 {numbers['p50']:7.3f}  p99 {numbers['p99']:7.3f} ms")
    for kind in ("first", "again"):
        numbers = report["plate_frame"][kind]
        lines.append(f"plate.frame    {kind:<10} p50 {numbers['p50']:7.3f}  p99 {numbers['p99']:7.3f} ms")
    lines += [report[kind]["error"] for kind in ("during_ingest", "during_solve") if report[kind]["error"]]
    lines.append("within limits" if report["within_limits"] else "NOT within limits")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
