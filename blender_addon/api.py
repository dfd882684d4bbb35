"""Backlot for scripts, also without a window.

    from bl_ext.user_default.backlot import api
    shot = api.solve("clip.mp4", quality="high")
    print(shot.summary)

Everything here waits until it is done and raises the errors of `shared/errors.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from . import preferences, runtime
from .depth.choice import chosen_parts
from .depth.parts import DepthParts
from .importers.options import ImportOptions
from .properties import folder_path, import_options
from .requests import depth_request, export_request, has_plate, ingest_request, mocap_request, solve_request
from .shared import connection
from .shared.backend_process import start_backend
from .shared.client import Client
from .shared.errors import InvalidParameter
from .shared.messages import JobEvent, JobRequest, JobStatus
from .shared.shot import default_shot_folder
from .shared.wire import pack, unpack

if TYPE_CHECKING:
    from .importers.shot_import import ImportedShot
    from .mocap.scene_import import ImportedMocap
    from .roto.scene_import import ImportedRoto
    from .shared.footage_messages import ProbeReply
    from .shared.import_messages import CameraImport
    from .shared.world_messages import WorldReply, WorldRequest, WorldSuggestion

OnEvent = Callable[[JobEvent], None]
_CHANGE_S = 3600.0
"""A change of the world rewrites every depth frame of the shot."""


def solve(
    clip: str | Path,
    *,
    shot: str | Path | None = None,
    scene: bpy.types.Scene | None = None,
    ingest: dict[str, Any] | None = None,
    options: ImportOptions | None = None,
    on_event: OnEvent | None = None,
    timeout_s: float | None = None,
    **params: Any,
) -> ImportedShot:
    """Solves the camera of a clip and imports it into the scene (the current one by default).

    shot: the shot folder, beside the clip by default. ingest: parameters of the ingest stage. timeout_s: cancel what
    is not done then; what was finished is kept. params: those of the solve (quality, focal_mm, sensor, ...). Starts
    the backend when none runs.
    """
    footage = Path(clip).expanduser().absolute()
    folder = Path(shot).expanduser().absolute() if shot is not None else default_shot_folder(footage)
    request = JobRequest(
        shot=str(folder),
        footage=str(footage),
        params={"ingest": dict(ingest or {}), "solve": params},
        device=preferences.device(),
    )
    run(request, on_event, timeout_s)
    target = scene or bpy.context.scene
    target.backlot.clip = str(footage)
    target.backlot.folder = "" if folder == default_shot_folder(footage) else str(folder)
    return import_shot(folder, scene=target, options=options)


def solve_scene(scene: bpy.types.Scene, on_event: OnEvent | None = None) -> ImportedShot | None:
    """Solves the clip that the scene's Backlot settings name; imports it if they say so."""
    from .importers.shot_import import import_shot as _import_shot

    request = solve_request(scene)
    run(request, on_event)
    settings = scene.backlot
    if not settings.import_when_done:
        return None
    return _import_shot(scene, Path(request.shot), import_options(settings))


def import_shot(
    shot: str | Path, *, scene: bpy.types.Scene | None = None, options: ImportOptions | None = None
) -> ImportedShot:
    """Imports a solved shot folder, or updates what was imported from it before."""
    from .importers.shot_import import import_shot as _import_shot

    return _import_shot(scene or bpy.context.scene, Path(shot).expanduser().absolute(), options)


def import_depth(
    shot: str | Path,
    *,
    scene: bpy.types.Scene | None = None,
    mesh: bool = True,
    cloud: bool = True,
    grid: bool = True,
    options: ImportOptions | None = None,
) -> ImportedShot:
    """Imports a shot with its depth, or updates what was imported: the fused mesh and cloud, as far as the shot has
    them, and the depth of every frame as a surface before the camera."""
    wanted = replace(options or ImportOptions(), depth=DepthParts(mesh=mesh, cloud=cloud, grid=grid, sequence=True))
    return import_shot(shot, scene=scene, options=wanted)


def depth(shot: str | Path, *, on_event: OnEvent | None = None, **params: Any) -> JobStatus:
    """Finds the depth of a solved shot. params: those of the depth stage (engine, mesh, dense, ...)."""
    return _run_stage("depth", shot, params, on_event)


def depth_of_scene(scene: bpy.types.Scene, on_event: OnEvent | None = None) -> ImportedShot | None:
    """Finds depth as the scene's Backlot settings say; imports it if they say so."""
    from .importers.shot_import import import_shot as _import_shot

    request = depth_request(scene)
    run(request, on_event)
    settings = scene.backlot
    if not settings.import_when_done:
        return None
    options = replace(import_options(settings), depth=chosen_parts(settings.depth_parts))
    return _import_shot(scene, Path(request.shot), options)


def roto(shot: str | Path, *, on_event: OnEvent | None = None, **params: Any) -> JobStatus:
    """Finds the masks of a shot's objects from its `roto/prompts.json`. params: those of the roto stage (engine,
    splines, ...)."""
    return _run_stage("roto", shot, params, on_event)


def matte(shot: str | Path, *, on_event: OnEvent | None = None, **params: Any) -> JobStatus:
    """Turns a shot's masks into mattes. params: those of the matte stage."""
    return _run_stage("matte", shot, params, on_event)


def import_roto(shot: str | Path, *, scene: bpy.types.Scene | None = None) -> ImportedRoto:
    """Imports a shot's masks, mattes and splines, or updates what was imported; the scene takes the shot as its own."""
    from .roto.scene_import import import_roto as _import_roto

    target, folder = scene or bpy.context.scene, Path(shot).expanduser().absolute()
    if folder_path(target.backlot) != folder:
        target.backlot.folder = str(folder)
    return _import_roto(target, folder)


def mocap(shot: str | Path, *, on_event: OnEvent | None = None, **params: Any) -> JobStatus:
    """Captures the people of a solved shot. params: those of the mocap stage (engine, height_m, labels, mesh, ...)."""
    return _run_stage("mocap", shot, params, on_event)


def mocap_of_scene(scene: bpy.types.Scene, on_event: OnEvent | None = None) -> ImportedMocap | None:
    """Captures people as the scene's Backlot settings say; imports them if they say so."""
    request = mocap_request(scene)
    run(request, on_event)
    return import_mocap(request.shot, scene=scene) if scene.backlot.import_when_done else None


def import_mocap(
    shot: str | Path, *, scene: bpy.types.Scene | None = None, labels: tuple[str, ...] = ()
) -> ImportedMocap:
    """Imports the people of a shot as armatures, or updates what was imported: all of them unless some are named."""
    from .importers.shot_import import import_shot as _import_shot
    from .mocap.scene_import import import_mocap as _import_mocap
    from .mocap.scene_import import is_behind

    target, folder = scene or bpy.context.scene, Path(shot).expanduser().absolute()
    if is_behind(target, folder):
        _import_shot(target, folder)
    return _import_mocap(target, folder, labels)


def export(
    shot: str | Path | None = None, *, scene: bpy.types.Scene | None = None, formats: str = "", **params: Any
) -> JobStatus:
    """Exports a solved shot (the scene's own by default). formats: separated by commas, the panel's choice when
    empty. params: those of the export stage."""
    target = scene or bpy.context.scene
    folder = Path(shot).expanduser().absolute() if shot is not None else folder_path(target.backlot)
    if folder is None:
        raise InvalidParameter("There is no shot to export.", "Name its folder.")
    request = export_request(target, folder, formats)
    return run(replace(request, params={**request.params, "export": {**request.params["export"], **params}}))


def import_camera(scene: bpy.types.Scene, wanted: CameraImport) -> ImportedShot:
    """Brings another program's camera into the scene's shot, and then into the scene. Reads the clip first if that
    has not been done."""
    from .importers.shot_import import import_shot as _import_shot

    if not has_plate(Path(wanted.shot)):
        run(ingest_request(scene))
    with _client() as client:
        client.call("camera.import", pack(wanted), timeout_s=_CHANGE_S)
    return _import_shot(scene, Path(wanted.shot), import_options(scene.backlot))


def probe_clip(footage: str | Path) -> ProbeReply:
    """What is known of a clip before a shot is made of it: facts, and what is unusual. footage: a file, a folder of
    frames, or a pattern such as `name.####.exr`."""
    from .shared.footage_messages import ProbeReply

    with _client() as client:
        path = str(Path(footage).expanduser().absolute())
        return unpack(ProbeReply, client.call("clip.probe", {"footage": path}, timeout_s=_CHANGE_S))


def change_world(request: WorldRequest) -> WorldReply:
    """Sets origin, up, heading or scale of a shot and moves what was imported from it. `WorldRequest.shot` is the
    absolute path of its folder. Starts the backend when none runs."""
    from .shared.world_messages import WorldReply

    with _client() as client:
        reply = unpack(WorldReply, client.call("world.change", pack(request), timeout_s=_CHANGE_S))
    runtime.pump().worlds.apply(request.shot, reply)
    return reply


def suggest_world(shot: str | Path) -> WorldSuggestion:
    """Where the ground of a solved shot seems to be."""
    from .shared.world_messages import WorldSuggestion

    with _client() as client:
        folder = str(Path(shot).expanduser().absolute())
        return unpack(WorldSuggestion, client.call("world.suggest", {"shot": folder}, timeout_s=_CHANGE_S))


def run(request: JobRequest, on_event: OnEvent | None = None, timeout_s: float | None = None) -> JobStatus:
    """Runs a job and waits for its end, or cancels it after `timeout_s`. No thread lives on afterwards: Blender waits
    for threads at exit."""
    with _client() as client:
        return client.wait(client.submit(request).id, on_event, timeout_s=timeout_s)


def _run_stage(stage: str, shot: str | Path, params: dict[str, Any], on_event: OnEvent | None) -> JobStatus:
    folder = str(Path(shot).expanduser().absolute())
    return run(JobRequest(folder, stages=(stage,), params={stage: params}, device=preferences.device()), on_event)


def _client() -> Client:
    """A client of a backend that runs, and is started again once when it dies."""
    program = preferences.backend_program()

    def start() -> None:
        start_backend(connection.home_dir(), python=program.python, source=program.source)

    start()
    return Client(name="blender script", start=False, revive=start)
