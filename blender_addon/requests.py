"""From what the artist set to what the backend is asked: one frozen request, after which nothing reads the
interface."""

from __future__ import annotations

from pathlib import Path

import bpy

from . import declared, preferences
from .properties import clip_path, folder_path
from .shared.errors import FootageNotFound, InvalidParameter
from .shared.messages import JobRequest
from .shared.stages import IngestParams, SolveParams, stage_params


def solve_request(scene: bpy.types.Scene) -> JobRequest:
    """The job that Solve Camera starts. Raises `FootageNotFound`, `InvalidParameter`."""
    settings = scene.backlot
    if not settings.clip and not has_plate(folder_path(settings)):
        raise FootageNotFound("No clip is chosen.", "Choose a clip in the Shot panel.")
    folder = folder_path(settings)
    if folder is None:
        raise InvalidParameter("No shot folder is chosen.", "Choose a shot folder in the Shot panel.")
    params = {
        "ingest": declared.values(settings.ingest, IngestParams),
        "solve": declared.values(settings.solve, SolveParams),
    }
    for stage, values in params.items():
        stage_params(stage, values)
    footage = str(clip_path(settings)) if settings.clip else ""
    return JobRequest(
        shot=str(folder), footage=footage, stages=("ingest", "solve"), params=params, device=preferences.device()
    )


def has_plate(folder: Path | None) -> bool:
    """Whether a shot folder has been ingested, so that it needs no clip."""
    return folder is not None and (folder / "shot.json").is_file()
