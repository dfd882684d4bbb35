"""The number of the first frame that a job's plate will have."""

from __future__ import annotations

from shared.errors import FootageNotFound
from shared.messages import JobRequest
from shared.shot import ShotFolder
from shared.stages import IngestParams, stage_params


def first_plate_number(shot: ShotFolder, request: JobRequest) -> int:
    """From the plate where the job will leave it as it is, else from the footage as ingest will read it. Raises
    `FootageError`s, `InvalidParameter`, `ShotCorrupt`."""
    known = shot.find()
    numbers = shot.frame_numbers()
    if known is not None and numbers and request.footage in ("", known.footage) and "ingest" not in request.params:
        return numbers[0]
    footage = request.footage or (known.footage if known else "")
    if not footage:
        raise FootageNotFound(f"{shot.root} has no plate yet and no footage was given.", "Pick a clip.")
    from backend.media.probe import probe
    from backend.media.take import plan_take

    params = stage_params("ingest", request.params.get("ingest", {}))
    assert isinstance(params, IngestParams)
    return plan_take(probe(footage), params).numbers[0]
