"""A worker process that does what the job's footage says: `/script/VERB` or `/script/VERB/ARGUMENT`.

A real process on the real channel, so that tests can watch the server live through its deaths.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from backend.worker import __main__ as worker
from backend.worker import lifeline
from backend.worker.channel import Channel
from backend.worker.observer import JobVoice
from shared.artifacts import StageResult
from shared.codec import Notification
from shared.errors import JobCancelled, NoParallax
from shared.messages import JobRequest, Progress

Results = tuple[StageResult, ...]
RESULT = StageResult("solve", "scripted", 1, {"frames_solved": 3})


def quick(request: JobRequest, voice: JobVoice, argument: str) -> Results:
    voice.notice("quick")
    voice.stage_done(RESULT)
    return (RESULT,)


def steps(request: JobRequest, voice: JobVoice, argument: str) -> Results:
    """Works until cancelled, or for `argument` steps of 10 ms."""
    for step in range(int(argument or 10**6)):
        if voice.is_cancelled():
            raise JobCancelled("The script was cancelled.")
        voice.progress(Progress("solve", step, int(argument or 10**6), fraction=step / 10**6))
        time.sleep(0.01)
    return (RESULT,)


def gate(request: JobRequest, voice: JobVoice, argument: str) -> Results:
    """Works until the file `go` is in the shot's folder: the test says when the job ends."""
    while not Path(request.shot, "go").exists():
        if voice.is_cancelled():
            raise JobCancelled("The script was cancelled.")
        voice.progress(Progress("solve", 1, 2))
        time.sleep(0.01)
    return (RESULT,)


def fail(request: JobRequest, voice: JobVoice, argument: str) -> Results:
    raise NoParallax("The camera does not travel: tripod or pan.", frames=3)


def deaf(request: JobRequest, voice: JobVoice, argument: str) -> Results:
    """Ignores a cancel, with a child process and a half-written file."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    shot = Path(request.shot)
    shot.mkdir(parents=True, exist_ok=True)
    (shot / f"half.{os.getpid()}.partial.png").write_bytes(b"half")
    voice.progress(Progress("solve", 1, 2, note=f"child {child.pid}"))
    threading.Event().wait(600)
    return ()


def helper(request: JobRequest, voice: JobVoice, argument: str) -> Results:
    """Works through a program of its own, as the export through Blender, and crashes or waits."""
    child = subprocess.Popen(lifeline.tethered([sys.executable, "-c", "import time; time.sleep(600)"]))
    voice.progress(Progress("solve", 1, 2, note=f"child {child.pid}"))
    threading.Event().wait(600)
    return ()


def segfault(request: JobRequest, voice: JobVoice, argument: str) -> Results:
    voice.progress(Progress("solve", 1, 2))
    print("matrix is singular", flush=True)
    ctypes.string_at(0)
    return ()


def killed(request: JobRequest, voice: JobVoice, argument: str) -> Results:
    voice.progress(Progress("solve", 1, 2))
    os.kill(os.getpid(), 9)
    return ()


def leave(request: JobRequest, voice: JobVoice, argument: str) -> Results:
    voice.progress(Progress("ingest", 1, 2))
    os._exit(int(argument))


def memory(request: JobRequest, voice: JobVoice, argument: str) -> Results:
    raise MemoryError


def chatter(request: JobRequest, voice: JobVoice, argument: str) -> Results:
    """What a C++ library that prints does to descriptor 1."""
    for _ in range(200):
        os.write(1, b"\x93\x01\x02 Elapsed time: 0.012 [minutes]\n")
        voice.progress(Progress("solve", 1, 2))
    return (RESULT,)


def silent(request: JobRequest, voice: JobVoice, argument: str) -> Results:
    """One progress, then nothing until cancelled; even the heartbeat is held up, as by a library that keeps the
    interpreter's lock."""
    voice.__exit__(None, None, None)
    voice.progress(Progress("solve", 1, 2))
    while not voice.is_cancelled():
        time.sleep(0.01)
    raise JobCancelled("The script was cancelled.")


def nonsense(request: JobRequest, voice: JobVoice, argument: str) -> Results:
    voice._send(Notification("job.progress", {"stage": 7}))
    os.write(CHANNEL_OUT[0], b"\xc1\xc1\xc1 this is no message")
    time.sleep(600)
    return ()


VERBS: dict[str, Callable[[JobRequest, JobVoice, str], Results]] = {
    verb.__name__: verb
    for verb in (quick, steps, gate, fail, deaf, helper, segfault, killed, leave, memory, chatter, silent, nonsense)
}
CHANNEL_OUT: list[int] = []


def run_script(request: JobRequest, voice: JobVoice, device: str) -> object:
    _, _, verb, *arguments = request.footage.split("/")
    return VERBS[verb](request, voice, arguments[0] if arguments else "")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--parent-pid", type=int, required=True)
    arguments = parser.parse_args()
    lifeline.follow(arguments.parent_pid)
    channel = Channel.take_standard()
    CHANNEL_OUT.append(channel._outgoing.fileno())
    channel.send(Notification("worker.ready", {"device": arguments.device}))
    worker.Worker(channel, arguments.device, run_script).run()


if __name__ == "__main__":
    main()
