"""What is built from all frames together: the dense cloud, the mesh, and a mesh of every frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from backend.fusion.frame_mesh import frame_mesh
from backend.fusion.fuse import fuse
from backend.fusion.ply import write_ply
from backend.fusion.settings import FusionSettings
from backend.fusion.shapes import FusionFrame
from shared.artifacts import frame_name

from .engines import LEARNED
from .frame import FrameDepth
from .job import DepthJob
from .passes import Final, Step

_ESTIMATED = 0.25
"""Confidence from which a network's depth is fused, little of which counts as measured: an expected error of 10 %."""


def fused_geometry(job: DepthJob, numbers: Sequence[int], final: Final, cloud: Path, mesh: Path, step: Step) -> None:
    """Writes the fused cloud and, when it is asked for, the mesh. Raises `ArtifactMissing` when no surface was seen
    often enough."""
    params = job.params
    settings = FusionSettings(cloud=params.dense, mesh=params.mesh, mesh_faces=params.mesh_faces)
    if params.engine == LEARNED.name:
        settings = replace(settings, least_confidence=_ESTIMATED)
    found = fuse(_frames(job, numbers, final, step), settings, job.checkpoint)
    for sentence in found.notices:
        job.notice(sentence)
    if found.cloud is not None:
        write_ply(cloud, found.cloud)
    if found.mesh is not None:
        write_ply(mesh, found.mesh)


def frame_meshes(job: DepthJob, numbers: Sequence[int], final: Final, folder: Path, step: Step) -> None:
    """A mesh of every frame that has none yet in `folder`."""
    indices = {number: index for index, number in enumerate(job.pictures.numbers)}
    for number in numbers:
        path = folder / frame_name(number, "ply")
        if not path.is_file():
            write_ply(path, frame_mesh(_frame(job, indices[number], final(number))))
        step(number)


def _frames(job: DepthJob, numbers: Sequence[int], final: Final, step: Step) -> Iterator[FusionFrame]:
    indices = {number: index for index, number in enumerate(job.pictures.numbers)}
    for number in numbers:
        yield _frame(job, indices[number], final(number))
        step(number)


def _frame(job: DepthJob, index: int, found: FrameDepth) -> FusionFrame:
    pose = job.poses[index]
    assert pose is not None
    moving = job.pictures.moving(index)
    return FusionFrame(pose, found.depth, found.confidence, job.pictures.rgb(index), moving)
