"""What a run of the mocap stage works on, and what it depends on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from backend.frame_ranges import chosen_frames
from backend.pipeline import manifest
from backend.pipeline.fingerprint import of_files, of_sequence
from shared.camera_files import SolvedCamera, World, read_camera
from shared.errors import ArtifactMissing, ShotCorrupt
from shared.mocap_params import MocapParams
from shared.shot import ShotFolder, read_document

from .cameras import ShotCameras, cameras_of
from .engines import weights_fingerprint
from .people import asked_labels, masked_people
from .views import ShotView, open_views, view_folders

PERSON = "person-height"
UNSCALED = ("none", PERSON)
"""Sources of a scale that does not bind: none, or people as this stage measures them."""

_REMEDY = "Solve the camera first: run with -s solve,mocap, or press Solve Camera."


@dataclass(frozen=True)
class MocapJob:
    """numbers: plate numbers that are captured; a sequence may lack some between the first and the last. cameras: of
    all of them, without a pose where the plate has no frame: motion goes on in time. fps: exact fraction. masked:
    labels with masks that are captured; () when people are found. asked: labels that the user named. views: further
    shots of the same moments."""

    params: MocapParams
    shot: ShotFolder
    camera: SolvedCamera
    cameras: ShotCameras
    numbers: tuple[int, ...]
    fps: str
    masked: tuple[str, ...]
    asked: tuple[str, ...]
    views: tuple[ShotView, ...] = ()

    @property
    def rate(self) -> float:
        return float(Fraction(self.fps))

    @property
    def metric(self) -> bool:
        """Whether the world's size holds. One that came from somebody's height does not bind whoever now gives that
        height."""
        said, params = self.camera.extrinsics, self.params
        corrected = said.scale_source == PERSON and params.height_m is not None and params.set_scale != "off"
        return said.units == "metres" and not (corrected and not self.views)


def make_job(params: MocapParams, shot: ShotFolder) -> MocapJob:
    """Raises `ArtifactMissing` without a solved camera, `FootageEmpty` for a range without frames, `InvalidRequest` for
    labels that are not there, `ShotCorrupt`."""
    numbers = _chosen(params, shot.frame_numbers())
    try:
        camera = read_camera(shot.root)
    except ArtifactMissing as missing:
        raise ArtifactMissing(f"The shot {shot.root} has no solved camera to place people in.", _REMEDY) from missing
    cameras = cameras_of(camera, range(numbers[0], numbers[-1] + 1))
    masked, fps = masked_people(params, shot), shot.read().facts.fps
    views = open_views(params, shot, camera, fps, numbers)
    return MocapJob(params, shot, camera, cameras, numbers, fps, masked, asked_labels(params), views)


def _chosen(params: MocapParams, numbers: Sequence[int]) -> tuple[int, ...]:
    if not numbers:
        raise ArtifactMissing("The shot has no plate.", "Run ingest on the clip first.")
    return chosen_frames(numbers, params.frame_start, params.frame_end, "--mocap-start and --mocap-end")


WORLD = "world"
"""The input that only files of other programs depend on."""


def fingerprint(params: MocapParams, shot: ShotFolder) -> dict[str, str]:
    """What the stage reads. A move of the world moves the motion with it, and only files of other programs are written
    anew, unless it says something new about the floor or the scale."""
    camera = [path for path in (shot.intrinsics, shot.report) if path.is_file()]
    floor, world = _places(shot)
    views = {f"view:{folder}": _of_view(params, ShotFolder(folder)) for folder in view_folders(params, shot)}
    seen = seen_fingerprint(params, shot)
    return {"camera": of_files(camera, shot.root), "floor": floor, WORLD: world, "seen": seen, **views}


def _of_view(params: MocapParams, view: ShotFolder) -> str:
    """What is read of a further shot, as far as it is there."""
    camera = [path for path in (view.intrinsics, view.extrinsics) if path.is_file()]
    return f"{seen_fingerprint(replace(params, labels=None), view)}:{of_files(camera, view.root)}" if camera else ""


def seen_fingerprint(params: MocapParams, shot: ShotFolder) -> str:
    """The plate, the masks as far as people are looked at in them, and the weights of what looks."""
    ingested = manifest.find(shot, "ingest")
    labels = masked_people(params, shot)
    masks = [path for label in labels for path in sorted((shot.roto_dir / label).glob("frame_*.png"))]
    weights = weights_fingerprint(params)
    return f"{ingested.key if ingested else ''}:{','.join(labels)}:{of_sequence(masks)}:{weights}"


def _places(shot: ShotFolder) -> tuple[str, str]:
    """Where the floor is in the solver's own world, and how large that is, as far as somebody said so; and where the
    shot's world is. A scale that this stage has set itself is in neither."""
    try:
        camera = read_camera(shot.root)
        world = read_document(shot.world, World).world_from_solve
    except (ArtifactMissing, ShotCorrupt):
        return "", ""
    said = camera.extrinsics
    floor = "" if said.up_source == "none" else _rounded(*world.rotation[2], -world.translation[2] / world.scale)
    scale = "" if said.scale_source in UNSCALED else _rounded(world.scale)
    place = _rounded(*(value / world.scale for value in world.translation), *(v for row in world.rotation for v in row))
    return f"{said.up_source}:{floor}:{said.scale_source if scale else ''}:{scale}", f"{place}:{scale}"


def _rounded(*values: float) -> str:
    return " ".join(f"{round(value, 6) + 0.0:.6f}" for value in values)  # no -0.0
