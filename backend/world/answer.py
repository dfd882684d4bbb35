"""A client's request about the world, answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from shared.camera_files import SCALE_SOURCES, UP_SOURCES, Gauge, Similarity, SolvedCamera, World, read_camera
from shared.errors import InvalidRequest
from shared.shot import ShotFolder
from shared.similarity import checked, compose, inverse
from shared.world_messages import AXES, Pick, WorldReply, WorldRequest

from .change import CheckCancelled, WorldStep, back_to_solve, change_world, finish_interrupted, gauge_of, no_cancel
from .constraints import Axis, Constraints, Distance, Factor, Plane, camera_places, fit_floor, solve_constraints
from .person import captured_factor, person_factor, standing_height
from .picks import Picker
from .suggest import found_ground, ground_constraints

_UNEVEN = 0.01
"""Of the distance to the cameras: places on a floor that miss it by more deserve a word."""


def answer(request: WorldRequest, check_cancelled: CheckCancelled = no_cancel) -> WorldReply:
    """Changes the shot's world as asked, or says what the change would be. Raises `InvalidRequest`, `SolveError`
    when no ground is found, and what `change_world` raises."""
    _require_whole(request)
    notices: list[str] = []

    def decide(camera: SolvedCamera) -> WorldStep:
        _require_revision(request, camera)
        return _step(request, camera, notices)

    root = Path(request.shot)
    if not request.preview:
        moved = change_world(root, decide, check_cancelled)
        notices += _left_behind(root)
        return _reply(moved.world, True, moved.by, moved.gauge, notices)
    finish_interrupted(ShotFolder(root))
    camera = read_camera(root)
    step = decide(camera)
    by = checked(step.by)
    world = replace(camera.world, world_from_solve=compose(by, camera.world.world_from_solve))
    return _reply(world, False, by, step.gauge, notices)


def _reply(world: World, changed: bool, by: Similarity, gauge: Gauge, notices: list[str]) -> WorldReply:
    return WorldReply(
        world.revision, changed, by, world.world_from_solve, gauge.up_source, gauge.scale_source, gauge.units,
        tuple(notices),
    )  # fmt: skip


def _left_behind(root: Path) -> list[str]:
    """Files of motion capture that Blender writes, or that need a licensed model."""
    remedies = {
        "motion.fbx": "write it again with `python -m backend motion {motion} --to fbx`",
        "mesh_sequence/body.abc": "run motion capture again, with --force",
        "smpl.npz": "run motion capture again, with --force",
    }
    return [
        f"{path.relative_to(root).as_posix()} still shows the world as it was: "
        f"{remedy.format(motion=path.parent / 'motion.npz')}."
        for name, remedy in remedies.items()
        for path in sorted((root / "mocap").glob(f"*/{name}"))
    ]


def _require_whole(request: WorldRequest) -> None:
    """Refuses what can be seen to be wrong without the shot."""
    if not Path(request.shot).is_absolute():
        raise InvalidRequest(f"The shot folder {request.shot!r} is not an absolute path.", "Give its whole path.")
    if request.scale_source and request.scale_source not in SCALE_SOURCES:
        raise InvalidRequest(f"{request.scale_source!r} is no source of scale.", f"It is one of {SCALE_SOURCES}.")
    if request.up_source and request.up_source not in UP_SOURCES:
        raise InvalidRequest(f"{request.up_source!r} is no source of up.", f"It is one of {UP_SOURCES}.")
    if request.axis and request.axis not in AXES:
        raise InvalidRequest(f"{request.axis!r} is not an axis.", f"It is one of {', '.join(AXES)}.")
    if bool(request.axis) != bool(request.axis_points) or len(request.axis_points) not in (0, 2):
        raise InvalidRequest("An axis needs its name and two places.", "Pick two places.")
    if (request.distance is None) == bool(request.distance_points) or len(request.distance_points) not in (0, 2):
        raise InvalidRequest("A distance needs two places and a length.", "Pick two places and enter the metres.")
    _require_whole_person(request)
    if request.scale is not None and not request.scale_source:
        raise InvalidRequest("A scale needs to say where it comes from.", "Give scale_source.")
    if request.floor and request.auto_ground:
        raise InvalidRequest("Picked places and the automatic ground both say what up is.", "Give one of them.")
    _require_alone(request)


def _require_whole_person(request: WorldRequest) -> None:
    if request.person_height is None:
        if request.person or request.person_points:
            raise InvalidRequest("A person gives no scale without a height.", "Give person_height in metres.")
        return
    if bool(request.person) == bool(request.person_points) or len(request.person_points) not in (0, 2):
        raise InvalidRequest(
            "A person's height needs the head and the foot in a frame, or the label of motion capture.",
            "Pick the head, then the foot.",
        )
    if len({pick.frame for pick in request.person_points}) > 1:
        raise InvalidRequest("Head and foot were picked in different frames.", "Pick both in one: people move.")


def _require_alone(request: WorldRequest) -> None:
    given = _constraints_given(request)
    whole = [name for name, is_given in (("reset", request.reset), ("world_from_solve", request.world_from_solve))
             if is_given]  # fmt: skip
    if len(whole) > 1 or (whole and given):
        raise InvalidRequest(f"{whole[0]} goes with nothing else.", "Ask for one after the other.")
    if not whole and not given:
        raise InvalidRequest("Nothing was said about the world.", "Give an origin, a floor, an axis or a size.")


def _constraints_given(request: WorldRequest) -> bool:
    return bool(
        request.origin or request.floor or request.auto_ground or request.axis or request.scale is not None
        or request.distance is not None or request.camera_height is not None or request.person_height is not None
    )  # fmt: skip


def _require_revision(request: WorldRequest, camera: SolvedCamera) -> None:
    if request.revision is not None and request.revision != camera.world.revision:
        raise InvalidRequest(
            f"The places were picked in world revision {request.revision}, the shot is at {camera.world.revision}.",
            "Import the camera again, then pick again.",
        )


def _step(request: WorldRequest, camera: SolvedCamera, notices: list[str]) -> WorldStep:
    if request.reset:
        return back_to_solve(camera)
    if request.world_from_solve is not None:
        return _exactly(request, camera, request.world_from_solve)
    return solve_constraints(camera, _constraints(request, camera, notices))


def _exactly(request: WorldRequest, camera: SolvedCamera, wanted: Similarity) -> WorldStep:
    now = gauge_of(camera.extrinsics)
    up, scale = request.up_source or now.up_source, request.scale_source or now.scale_source
    by = compose(checked(wanted), inverse(camera.world.world_from_solve))
    return WorldStep(by, up, scale, "metres" if scale != "none" else "arbitrary")


def _constraints(request: WorldRequest, camera: SolvedCamera, notices: list[str]) -> Constraints:
    shot = ShotFolder(Path(request.shot))
    picker = Picker(shot, camera)
    said = ground_constraints(found_ground(shot, camera)) if request.auto_ground else Constraints()
    return replace(
        said,
        origin=None if request.origin is None else picker.place(request.origin),
        floor=_floor(picker, request.floor, camera, notices) if request.floor else None,
        axis=Axis(request.axis, *picker.places(request.axis_points)) if request.axis else None,
        distance=_distance(request, picker),
        camera_height=request.camera_height,
        person=_person(request, picker, shot),
        factor=None if request.scale is None else Factor(request.scale, request.scale_source),
    )


def _person(request: WorldRequest, picker: Picker, shot: ShotFolder) -> Callable[[Plane], Factor] | None:
    metres = request.person_height
    if metres is None:
        return None
    if request.person:
        captured = captured_factor(shot, request.person, metres)
        return lambda floor: captured
    head, foot = (picker.ray(pick) for pick in request.person_points)
    return lambda floor: person_factor(metres, standing_height(floor, head, foot))


def _distance(request: WorldRequest, picker: Picker) -> Distance | None:
    if request.distance is None:
        return None
    first, second = picker.places(request.distance_points)
    return Distance(first, second, request.distance, "object" if request.of_object else "two-points")


def _floor(picker: Picker, picks: tuple[Pick, ...], camera: SolvedCamera, notices: list[str]) -> Plane:
    cameras = camera_places(camera)
    places = picker.places(picks)
    plane = fit_floor(places, cameras)
    away = np.abs(plane.height(np.array(places)))
    reach = abs(float(np.median(plane.height(cameras))))
    uneven = [str(i + 1) for i in np.nonzero(away > _UNEVEN * max(reach, 1e-12))[0]]
    if uneven:
        notices.append(f"Picked places off the floor that the others agree on: number {', '.join(uneven)}.")
    return plane
