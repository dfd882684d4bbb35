"""What the server and a worker say to each other, in the framing of `shared/codec.py`.

server -> worker
    request job.run(WorkOrder)          answered at the job's end: {"results": [StageResult]} or an error
    notification job.cancel {"job"}     the running job is to end
    the channel closes                  the worker ends at once

worker -> server, notifications
    worker.ready {"device"}             once, first of all
    worker.alive {}                     when a job begins and every few seconds while it runs
    job.progress Progress
    job.notice {"sentence"}
    job.stage StageResult               a stage has finished
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from shared.messages import JobRequest


@dataclass(frozen=True)
class WorkOrder:
    """A job as its worker gets it. log: file of JSON lines; output: file for what libraries print."""

    job: str
    request: JobRequest
    log: str
    output: str


def log_line(level: str, stage: str, message: str, when: float | None = None) -> str:
    """One line of a job's log, with its end. when: seconds since the epoch, now by default."""
    line = {"time": round(when or time.time(), 3), "level": level, "stage": stage, "message": message}
    return json.dumps(line, ensure_ascii=False) + "\n"
