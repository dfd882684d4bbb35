"""Further shots of the same moments: cameras that stood elsewhere in the same world, and what they saw.

A frame's number says which moment it is, in all of them. Who is whom follows from geometry: the lines of sight of one
person's joints meet in space (Hartley & Zisserman, "Multiple View Geometry", 2004, chapter 12).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from backend.mocap.evidence import Cameras, Evidence
from backend.mocap.footage import CHUNK, Footage, Seen
from backend.mocap.skeleton import Floats
from backend.mocap_external import ENGINES as RESEARCH
from shared.camera_files import SolvedCamera, read_camera
from shared.errors import ArtifactMissing, InvalidRequest
from shared.mocap_params import MocapParams
from shared.shot import ShotFolder

from .cameras import ShotCameras, cameras_of, reprojection_px

_APART = 0.06
"""Of the distance from the cameras: by how much lines of sight of one person's joints miss each other at the most, in
the middle."""

_FEWEST = 8
"""Joints and frames that both cameras must see of a person to tell who it is."""

_WORLD = "Bring both cameras into one world, with the same origin and in metres, or leave the view out (--mocap-views)."


@dataclass(frozen=True)
class ShotView:
    """name: of the shot's folder, or all of its path where two are called so. cameras: of the captured frames."""

    name: str
    shot: ShotFolder
    cameras: ShotCameras


def view_folders(params: MocapParams, shot: ShotFolder) -> tuple[Path, ...]:
    """Of the further shots that were named: from the root, or from the folder in which the shot lies."""
    named = [one.strip() for one in (params.views or "").split(",")]
    return tuple(dict.fromkeys(shot.root.parent / Path(one).expanduser() for one in named if one))


def open_views(
    params: MocapParams, shot: ShotFolder, camera: SolvedCamera, fps: str, numbers: tuple[int, ...]
) -> tuple[ShotView, ...]:
    """camera, fps: of the shot itself; numbers: its frames that are captured. Raises `InvalidRequest` and
    `ArtifactMissing` for a view that cannot be used, and say why."""
    folders = view_folders(params, shot)
    if folders and params.engine in RESEARCH:
        raise InvalidRequest(
            f"Engine {params.engine} looks at one camera only.",
            "Choose an engine that sees joints (mediapipe, dwpose, rtmpose, vitpose), or leave --mocap-views out.",
        )
    if folders and camera.extrinsics.units != "metres":
        raise InvalidRequest(f"The world of {shot.root} has no size yet, so that no other camera stands in it.", _WORLD)
    names = [folder.name for folder in folders]
    found = [_opened(folder, shot, fps, numbers) for folder in folders]
    return tuple(
        one if names.count(one.name) == 1 else replace(one, name=str(one.shot.root)) for one in found
    )  # fmt: skip


def _opened(folder: Path, shot: ShotFolder, fps: str, numbers: tuple[int, ...]) -> ShotView:
    if folder.resolve() == shot.root.resolve():
        raise InvalidRequest(f"{folder} is the shot itself.", "Name other shots of the same moments (--mocap-views).")
    view = ShotFolder(folder)
    try:
        facts, there, camera = view.read().facts, set(view.frame_numbers()), read_camera(folder)
    except ArtifactMissing as missing:
        raise ArtifactMissing(
            f"{folder} is no shot with a solved camera: {missing.message}",
            "Ingest that clip and solve or import its camera first, or leave the view out (--mocap-views).",
        ) from missing
    if facts.fps != fps:
        raise InvalidRequest(
            f"{folder} has {facts.fps} frames a second, {shot.root} has {fps}.",
            "Conform the clips to one rate first: the same frame number must be the same moment.",
        )
    lacks = [number for number in numbers if number not in there]
    if lacks:
        raise InvalidRequest(_lacking(folder, numbers, there, lacks), _trim(numbers, there))
    if camera.extrinsics.units != "metres":
        raise InvalidRequest(f"The world of {folder} has no size, so that it is not the one of {shot.root}.", _WORLD)
    return ShotView(folder.name, view, cameras_of(camera, range(numbers[0], numbers[-1] + 1)))


def _lacking(folder: Path, numbers: tuple[int, ...], there: set[int], lacks: list[int]) -> str:
    asked = f"frames {numbers[0]} to {numbers[-1]}"
    if len(lacks) == len(numbers):
        has = f"frames {min(there)} to {max(there)}" if there else "none"
        return f"{folder} shares no frame with what is captured ({asked}): it has {has}."
    return f"{folder} lacks {len(lacks)} of {asked}, the first of them {lacks[0]}: the clips differ in length."


def _trim(numbers: tuple[int, ...], there: set[int]) -> str:
    both = [number for number in numbers if number in there]
    if not both:
        return "Number the frames of both clips alike: the same number must be the same moment."
    return f"Capture what both have (--mocap-start {both[0]} --mocap-end {both[-1]}), or ingest the missing frames."


PersonViews = Mapping[str, Footage]
"""Name of a view -> what it saw of one person."""


def views_of(
    seen: Mapping[str, Seen], cameras: ShotCameras, views: Sequence[ShotView], elsewhere: Sequence[Mapping[str, Seen]]
) -> dict[str, PersonViews]:
    """label -> what each view saw of that person. seen: label -> what the shot's cameras did. elsewhere: of each view,
    by its own labels. Raises as `matched_view`."""
    found: dict[str, dict[str, Footage]] = {label: {} for label in seen}
    for view, there in zip(views, elsewhere, strict=True):
        for label, footage in matched_view(seen, cameras, view, there).items():
            found[label][view.name] = footage
    return dict(found)


def view_reprojections(joints: Floats, mine: PersonViews, views: Sequence[ShotView]) -> dict[str, float]:
    """Name of a view -> median distance in undistorted px of world joints [T,J,3] from where they were seen there."""
    cameras = {view.name: view.cameras for view in views}
    return {name: round(reprojection_px(joints, one.seen, cameras[name]), 3) for name, one in mine.items()}


def matched_view(
    seen: Mapping[str, Seen], cameras: ShotCameras, view: ShotView, there: Mapping[str, Seen]
) -> dict[str, Footage]:
    """What the view saw of the people of the shot, by their labels; people who are not in both are left out. there: by
    the view's own labels. Raises `InvalidRequest` when it shows nobody where the shot does: another world."""
    ours, theirs = list(seen), list(there)
    apart = np.array([[_apart(seen[a], cameras, there[b], view.cameras) for b in theirs] for a in ours])
    apart = apart.reshape(len(ours), len(theirs))
    rows, columns = linear_sum_assignment(np.where(np.isfinite(apart), apart, 1e3))
    pairs = [(ours[r], theirs[c]) for r, c in zip(rows, columns, strict=True) if apart[r, c] <= _APART]
    if not pairs and np.isfinite(apart).any():
        raise InvalidRequest(
            f"Nobody in {view.name} is where this shot's camera sees people: lines of sight do not meet. Its camera "
            "stands in another world, or its frames show other moments.",
            _WORLD,
        )
    return {a: Footage(view.cameras.cameras, there[b]) for a, b in pairs}


def _apart(one: Seen, near: ShotCameras, other: Seen, far: ShotCameras) -> float:
    """The middle of the distances of the joints' lines of sight, in distances from the cameras; inf where too few
    joints are seen in both."""
    found: list[Floats] = []
    for start in range(0, len(one), CHUNK):
        stop = min(start + CHUNK, len(one))
        a, b = one.part(start, stop), other.part(start, stop)
        use = a.seen & b.seen & (near.posed & far.posed)[start:stop, None]
        found.append(_gaps(a, near.cameras.part(start, stop), b, far.cameras.part(start, stop))[use])
    gaps = np.concatenate([np.zeros(0), *found])
    return float(np.median(gaps)) if len(gaps) >= _FEWEST else float("inf")


def _gaps(a: Evidence, near: Cameras, b: Evidence, far: Cameras) -> Floats:
    """[T,J]: how far lines of sight miss each other, over the mean distance at which they come closest; inf where that
    is behind a camera."""
    (p, u), (q, v) = _rays(a, near), _rays(b, far)
    across = (q - p)[:, None]
    along = (u * v).sum(-1)
    left, right = (across * u).sum(-1), (across * v).sum(-1)
    bend = np.maximum(1.0 - along**2, 1e-9)
    s, t = (left - along * right) / bend, (along * left - right) / bend
    gap = np.linalg.norm(across + t[..., None] * v - s[..., None] * u, axis=-1)
    found: Floats = np.where((s > 0.0) & (t > 0.0), gap / np.maximum(0.5 * (s + t), 1e-9), 1e3)
    return found


def _rays(seen: Evidence, cameras: Cameras) -> tuple[Floats, Floats]:
    """Centres [T,3], unit directions [T,J,3] of the joints, world."""
    matrix = cameras.matrix
    focal = np.stack([matrix[:, 0, 0], matrix[:, 1, 1]], 1)[:, None]
    flat = (seen.xy - matrix[:, None, :2, 2]) / focal
    ahead = np.concatenate([flat, np.ones((*flat.shape[:2], 1))], -1)
    turned = np.einsum("tji,tkj->tki", cameras.rotation, ahead)
    centres = -np.einsum("tji,tj->ti", cameras.rotation, cameras.translation)
    return centres, turned / np.linalg.norm(turned, axis=-1, keepdims=True)
