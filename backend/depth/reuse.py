"""Maps that lie in the shot already, when only what is built from them has changed: fusing takes seconds, they took
minutes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from backend.pipeline import manifest
from backend.pipeline.manifest import Manifest
from backend.pipeline.stage import Engine
from shared.depth_meta import DEPTH, DepthMeta, read_depth_meta
from shared.depth_params import DepthParams
from shared.errors import ArtifactMissing, ShotCorrupt
from shared.params import recorded_values, to_values
from shared.shot import ShotFolder

from .frame import FrameDepth
from .job import DepthJob
from .outputs import confidence_of, read_depth, read_grey
from .passes import FrameFiles

BUILT = ("dense", "mesh", "mesh_faces", "frame_meshes")
"""Parameters that change nothing in the maps."""


def earlier_maps(
    params: DepthParams, engine: Engine, inputs: Mapping[str, str], shot: ShotFolder
) -> tuple[Manifest, DepthMeta] | None:
    """The complete run whose maps are those that `params` ask for, if there is one that differs in what was built. A
    run with the very same parameters is none: whoever repeats it wants the maps made anew."""
    done = manifest.find(shot, "depth")
    if done is None or not manifest.is_complete(shot, done):
        return None
    asked, then = to_values(params), recorded_values(type(params), done.params)
    if then == asked:
        return None
    solved = manifest.find(shot, "solve")
    same_inputs = done.inputs == {**inputs, "stage:solve": solved.key if solved else ""}
    same_maps = all(name in BUILT or asked.get(name) == value for name, value in then.items())
    if not (same_inputs and same_maps and done.result.engine_version == engine.version):
        return None
    try:
        meta = read_depth_meta(shot.root)
    except (ArtifactMissing, ShotCorrupt):
        return None
    fits = meta.engine == done.result.engine and meta.world_revision == manifest.world_revision(shot)
    return (done, meta) if fits else None


def read_back(job: DepthJob, number: int) -> FrameDepth:
    """A map of the shot in working pixels. Raises `ShotCorrupt`."""
    files = FrameFiles(Path(job.shot.root / DEPTH))
    index = job.pictures.numbers.index(number)
    confidence = confidence_of(read_grey(files.confidence(number)))
    found = FrameDepth(number, read_depth(files.depth(number)), confidence)
    return job.pictures.working.from_plate(found, job.pictures.lens(index))
