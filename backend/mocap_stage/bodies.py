"""The body around a person's skeleton, when one is wanted."""

from __future__ import annotations

from pathlib import Path

from backend.body_mesh import BodyJob, BodyResult, make_body
from backend.matte.job import mask_labels
from backend.media.plate import PlateReader
from backend.pipeline.context import StageContext
from backend.weights.folder import non_commercial_allowed
from shared.camera_files import read_camera
from shared.motion_arrays import Motion

from .job import MocapJob
from .people import mask_reader


def body_of(label: str, motion: Motion, job: MocapJob, folder: Path, context: StageContext) -> BodyResult | None:
    """Makes the body's files in `folder`; None when no mesh was asked for. motion: in the world as it is now. Raises as
    `make_body`."""
    params = job.params
    if params.mesh == "none":
        return None
    camera = read_camera(job.shot.root)
    masks = mask_reader(job.shot, (camera.intrinsics.width, camera.intrinsics.height))

    def say(what: str, done: int, total: int) -> None:
        context.check_cancelled()
        context.log.debug("%s: %d of %d", what, done, total)

    with PlateReader(job.shot, use_masks=False) as plate:
        index = {number: i for i, number in enumerate(plate.numbers)}
        made = make_body(
            BodyJob(
                label=label,
                motion=motion,
                intrinsics=camera.intrinsics,
                extrinsics=camera.extrinsics,
                folder=folder,
                picture=lambda number: plate.rgb(index[number]),
                mask=masks,
                others=tuple(other for other in mask_labels(job.shot) if other not in (label, "mask")),
                kind=params.mesh,
                model=Path(params.body_model).expanduser() if params.body_model else None,
                non_commercial=non_commercial_allowed(params.allow_non_commercial),
                texture=params.textures,
                sequence=("usd", "abc") if params.mesh_sequence else (),
                blender=params.blender,
                checkpoint=say,
            )
        )
    for sentence in made.notices:
        context.notice(sentence)
    return made
