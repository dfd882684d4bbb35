"""Motion that lies in the shot already, when only what is made from it is out of date: the world has moved, and the
files of other programs have not moved with it; or a body is wanted now."""

from __future__ import annotations

from collections.abc import Mapping

from backend.pipeline import manifest
from backend.pipeline.manifest import Manifest
from backend.pipeline.stage import Engine
from shared.artifacts import Artifact
from shared.errors import ArtifactMissing, ShotCorrupt
from shared.mocap_params import MocapParams
from shared.motion_arrays import Motion, read_motion
from shared.params import recorded_values, to_values
from shared.shot import ShotFolder

from .job import WORLD
from .publish import MOTION_KIND

BUILT = ("mesh", "textures", "mesh_sequence", "body_model", "blender")
"""Parameters that change nothing in the motion."""


def earlier_motion(
    params: MocapParams, engine: Engine, inputs: Mapping[str, str], shot: ShotFolder
) -> tuple[Manifest, dict[str, Motion]] | None:
    """The complete run whose motion is what `params` ask for, and that motion by label, in the world as it is now. A
    run with the very same parameters and inputs is none: whoever repeats it wants all anew."""
    done = manifest.find(shot, "mocap")
    if done is None or not manifest.is_complete(shot, done):
        return None
    solved = manifest.find(shot, "solve")
    now = {**inputs, "stage:solve": solved.key if solved else ""}
    values, then = to_values(params), recorded_values(MocapParams, done.params)
    repeated = then == values and done.inputs == now
    if repeated or _without(done.inputs, WORLD) != _without(now, WORLD) or not _same(done, engine):
        return None
    if _without(then, *BUILT) != _without(values, *BUILT):
        return None
    try:
        found = {_label(artifact.path): read_motion(shot.root / artifact.path) for artifact in _motions(done)}
    except (ArtifactMissing, ShotCorrupt):
        return None
    revision = manifest.world_revision(shot)
    return (done, found) if found and all(one.world_revision == revision for one in found.values()) else None


def _same(done: Manifest, engine: Engine) -> bool:
    return (done.result.engine, done.result.engine_version) == (engine.name, engine.version)


def _motions(done: Manifest) -> list[Artifact]:
    return [artifact for artifact in done.result.artifacts if artifact.kind == MOTION_KIND]


def _label(path: str) -> str:
    return path.split("/")[1]


def _without(values: Mapping[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in values.items() if name not in names}
