"""From what the artist set to what the backend is asked: one frozen request, after which nothing reads the
interface."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from . import declared, preferences
from .properties import clip_path, folder_path
from .shared.depth_params import DepthParams
from .shared.errors import FootageNotFound, InvalidParameter
from .shared.matte_params import MatteParams
from .shared.messages import JobRequest
from .shared.mocap_params import MocapParams
from .shared.params import specs
from .shared.roto_params import RotoParams
from .shared.shot import ShotFolder
from .shared.stages import STAGES, ExportParams, IngestParams, SolveParams, stage_info, stage_params
from .stage_states import read_records
from .trouble.shot_place import clip_exists


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
        "solve": _with_models(settings.solve, SolveParams),
    }
    for stage, values in params.items():
        stage_params(stage, values)
    is_there = bool(settings.clip) and (clip_exists(clip_path(settings)) or not has_plate(folder))
    footage = str(clip_path(settings)) if is_there else ""  # while it is away, the plate stands for it
    return JobRequest(
        shot=str(folder), footage=footage, stages=("ingest", "solve"), params=params, device=preferences.device()
    )


def wanted_values(scene: bpy.types.Scene, stage: str) -> dict[str, Any]:
    """What the scene's panels say of a stage, as far as it is not the default."""
    settings, params = scene.backlot, stage_info(stage).params
    values = _with_models(getattr(settings, stage), params)
    if stage == "export":
        values["formats"] = "auto" if settings.export_all else ",".join(sorted(settings.export_formats))
        values["blender"] = values.get("blender") or own_blender()
    return values


def whole_request(scene: bpy.types.Scene) -> JobRequest:
    """The job that Run All starts: the camera, the masks if the shot has hints, and every stage that it has had. The
    backend leaves out what is up to date. Raises as `solve_request` does."""
    solve = solve_request(scene)
    shot = ShotFolder(Path(solve.shot))
    had = {"ingest", "solve", *read_records(shot.root), *(["roto"] if shot.prompts.is_file() else [])}
    stages = tuple(info.name for info in STAGES if info.name in had)
    params = {stage: wanted_values(scene, stage) for stage in stages}
    for stage, values in params.items():
        stage_params(stage, values)
    return replace(solve, stages=stages, params=params)


def ingest_request(scene: bpy.types.Scene) -> JobRequest:
    """The job that reads the scene's clip into its shot, and no more. Raises as `solve_request` does."""
    whole = solve_request(scene)
    return replace(whole, stages=("ingest",), params={"ingest": whole.params["ingest"]})


def export_request(scene: bpy.types.Scene, folder: Path, formats: str = "") -> JobRequest:
    """The job that exports a shot's camera. formats: instead of the panel's choice.

    The stages before it get the parameters that they last ran with: what the panel says about the next solve must
    not start it. Raises `InvalidParameter`."""
    settings = scene.backlot
    wanted = declared.values(settings.export, ExportParams)
    wanted["formats"] = formats or ("auto" if settings.export_all else ",".join(sorted(settings.export_formats)))
    if not wanted["formats"]:
        raise InvalidParameter("No format is chosen.", "Choose one in the Export Camera panel.")
    wanted["blender"] = wanted.get("blender") or own_blender()
    params = {stage: _recorded(folder, stage) for stage in ("ingest", "solve")} | {"export": wanted}
    for stage, values in params.items():
        stage_params(stage, values)
    return JobRequest(shot=str(folder), stages=("export",), params=params, device=preferences.device())


def depth_request(scene: bpy.types.Scene) -> JobRequest:
    """The job that Estimate Depth starts. Stages before it keep the parameters that they last ran with. Raises
    `InvalidParameter`."""
    settings = scene.backlot
    folder = folder_path(settings)
    if folder is None:
        raise InvalidParameter("No shot folder is chosen.", "Choose a shot folder in the Shot panel.")
    wanted = _with_models(settings.depth, DepthParams)
    stage_params("depth", wanted)
    return JobRequest(shot=str(folder), stages=("depth",), params={"depth": wanted}, device=preferences.device())


def mocap_request(scene: bpy.types.Scene) -> JobRequest:
    """The job that Capture Motion starts. Stages before it keep the parameters that they last ran with. Raises
    `InvalidParameter`."""
    settings = scene.backlot
    folder = folder_path(settings)
    if folder is None:
        raise InvalidParameter("No shot folder is chosen.", "Choose a shot folder in the Shot panel.")
    wanted = _with_models(settings.mocap, MocapParams)
    stage_params("mocap", wanted)
    return JobRequest(shot=str(folder), stages=("mocap",), params={"mocap": wanted}, device=preferences.device())


def roto_request(scene: bpy.types.Scene, frames: tuple[int | None, int | None] = (None, None)) -> JobRequest:
    """The job that Propagate starts. frames: the first and the last plate frame that get new masks, None for the
    panel's. Raises `InvalidParameter`."""
    settings = scene.backlot
    folder = folder_path(settings)
    if folder is None:
        raise InvalidParameter("No shot folder is chosen.", "Choose a shot folder in the Shot panel.")
    given = {
        name: number for name, number in zip(("frame_start", "frame_end"), frames, strict=True) if number is not None
    }
    wanted = _with_models(settings.roto, RotoParams) | given
    stage_params("roto", wanted)
    params = {"ingest": _recorded(folder, "ingest"), "roto": wanted}
    return JobRequest(shot=str(folder), stages=("roto",), params=params, device=preferences.device())


def matte_request(scene: bpy.types.Scene) -> JobRequest:
    """The job that Make Mattes starts. Roto keeps the parameters that it last ran with. Raises `InvalidParameter`."""
    settings = scene.backlot
    folder = folder_path(settings)
    if folder is None:
        raise InvalidParameter("No shot folder is chosen.", "Choose a shot folder in the Shot panel.")
    params = {stage: _recorded(folder, stage) for stage in ("ingest", "roto")}
    params["matte"] = _with_models(settings.matte, MatteParams)
    for stage, values in params.items():
        stage_params(stage, values)
    return JobRequest(shot=str(folder), stages=("matte",), params=params, device=preferences.device())


def _with_models(group: bpy.types.PropertyGroup, params: type) -> dict[str, Any]:
    """The stage's parameters; what it does not say itself of weights and licences, the preferences say."""
    known = {spec.name for spec in specs(params)}
    usual = {name: value for name, value in preferences.model_values().items() if name in known}
    return usual | declared.values(group, params)


def own_blender() -> str | None:
    """This Blender, for what the backend lets Blender do; None when it was built without Alembic, and the backend
    may find a better one."""
    if not bpy.app.build_options.alembic:
        return None
    return bpy.app.binary_path or sys.executable  # a Python that has bpy has no binary of Blender


def _recorded(folder: Path, stage: str) -> dict[str, Any]:
    """The parameters in a stage's manifest; those of another version that are unknown here are left out."""
    try:
        text = (ShotFolder(folder).manifests_dir / f"{stage}.json").read_text(encoding="utf-8")
        params = json.loads(text)["params"]
        known = {spec.name for spec in specs(stage_info(stage).params)}
        return {name: value for name, value in params.items() if name in known}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def has_plate(folder: Path | None) -> bool:
    """Whether a shot folder has been ingested, so that it needs no clip."""
    return folder is not None and (folder / "shot.json").is_file()
