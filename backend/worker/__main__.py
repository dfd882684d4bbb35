"""The worker of a device: `python -m backend.worker --device cpu --parent-pid N`, started by the server.

It takes jobs on its standard input and reports on its standard output (`protocol.py`). Stages run on the
main thread; a thread reads what the server says meanwhile.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from shared.codec import Notification, Request
from shared.errors import BacklotError, InternalError, MalformedMessage, OutOfMemory
from shared.messages import JobRequest
from shared.wire import pack, unpack

from ..devices import check_device
from . import lifeline
from .channel import Channel
from .job_output import job_output
from .observer import JobVoice
from .protocol import WorkOrder

LOG = logging.getLogger("backlot.worker")

Program = Callable[[JobRequest, JobVoice, str], object]
"""Runs a request on a device and returns its tuple of `StageResult`. Raises `BacklotError`s."""

_Work = tuple[int, WorkOrder, JobVoice]


class Worker:
    """Runs jobs one after another. program: what a job is."""

    def __init__(self, channel: Channel, device: str, program: Program) -> None:
        self._channel, self._device, self._program = channel, device, program
        self._work: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        self._voices: dict[str, JobVoice] = {}

    def run(self) -> None:
        """Until the server closes the channel, which ends this process."""
        threading.Thread(target=self._listen, name="server", daemon=True).start()
        while True:
            number, order, voice = self._work.get()
            self._do(number, order, voice)
            self._voices.pop(order.job, None)
            gc.collect()

    def _listen(self) -> None:
        try:
            for message in self._channel.messages():
                self._hear(message)
        finally:
            lifeline.end()

    def _hear(self, message: object) -> None:
        if isinstance(message, Request) and message.method == "job.run":
            order = unpack(WorkOrder, message.params)
            voice = self._voices[order.job] = JobVoice(self._channel.send)
            self._work.put((message.id, order, voice))
        elif isinstance(message, Notification) and message.method == "job.cancel":
            voice_of_job = self._voices.get(str(message.params.get("job")))
            if voice_of_job is not None:
                voice_of_job.cancel()
        else:
            raise MalformedMessage(f"The server sent a message that a worker does not know: {message}.")

    def _do(self, number: int, order: WorkOrder, voice: JobVoice) -> None:
        try:
            with voice, job_output(Path(order.log), Path(order.output)):
                results = self._program(order.request, voice, self._device)
        except BacklotError as error:
            self._channel.refuse(number, error)
        except MemoryError:
            self._channel.refuse(number, OutOfMemory("This computer ran out of memory."))
        except Exception as error:  # the border of this process: a job must not end it
            LOG.exception("unexpected error")
            what = f"The worker met an unexpected error: {type(error).__name__}: {error}"
            self._channel.refuse(number, InternalError(what))
        else:
            self._channel.answer(number, {"results": pack(results)})


def run_stages(request: JobRequest, voice: JobVoice, device: str) -> object:
    """The results of the job's stages. Heavy libraries are imported now, not when the worker starts."""
    from ..pipeline.runner import run_job

    check_device(device)
    LOG.info("running on %s", device)
    return run_job(replace(request, device=device), voice)


def main() -> None:
    parser = argparse.ArgumentParser(prog="backend.worker")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--parent-pid", type=int, required=True)
    arguments = parser.parse_args()
    faulthandler.enable()
    lifeline.follow(arguments.parent_pid)
    lifeline.stand_back()
    channel = Channel.take_standard()
    logging.getLogger("backlot").setLevel(logging.INFO)
    logging.captureWarnings(True)
    channel.send(Notification("worker.ready", {"device": arguments.device}))
    Worker(channel, arguments.device, run_stages).run()


if __name__ == "__main__":
    main()
