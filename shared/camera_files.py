"""`camera/intrinsics.json`, `camera/extrinsics.json`, `camera/world.json`: a solved camera on disk.

Pixels: edges at integers, so the centre of the top-left pixel is (0.5, 0.5) and the principal point of a
centred lens is (width/2, height/2). Camera axes are OpenCV's: x right, y down, z forward. The world is
right-handed, z up. Distortion is COLMAP's OPENCV model in normalised coordinates:
x_d = x_u (1 + k1 r^2 + k2 r^4) + tangential(p1, p2).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .shot import ShotFolder, read_document

Matrix4 = tuple[
    tuple[float, float, float, float],
    tuple[float, float, float, float],
    tuple[float, float, float, float],
    tuple[float, float, float, float],
]
"""Row-major 4x4 matrix acting on column vectors."""

IDENTITY: Matrix4 = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))

FOCAL_SOURCES = ("solved", "metadata", "user", "assumed")
MODELS = ("PINHOLE", "BROWN")
UP_SOURCES = ("none", "points", "picked", "imported")
SCALE_SOURCES = ("none", "two-points", "camera-height", "object", "metric-depth", "person-height", "imported")
STATES = ("solved", "interpolated", "failed")
MOTIONS = ("full", "nodal", "locked")


@dataclass(frozen=True)
class FrameIntrinsics:
    """fx, fy, cx, cy in px of the plate."""

    frame: int
    fx: float
    fy: float
    cx: float
    cy: float


@dataclass(frozen=True)
class Intrinsics:
    """K of every frame, for the plate's (distorted, not desqueezed) pixels. fps is an exact fraction."""

    version: int
    width: int
    height: int
    fps: str
    pixel_aspect: float
    model: str
    k1: float
    k2: float
    p1: float
    p2: float
    focal_source: str
    frames: tuple[FrameIntrinsics, ...]


@dataclass(frozen=True)
class FramePose:
    """One frame's pose. A frame that could not be solved has `state` "failed" and no pose.
    reprojection_error_px: mean over the frame's points; None without points.

    What follows may be missing (None, "" for cause) in files of other programs and of earlier versions.
    rotation_sd_deg, position_sd: one standard deviation of the pose, degrees and world units. coverage: share
    0..1 of the picture, as a grid, in which points were seen. confidence: 0..1 (docs/solve.md has the formula).
    cause: why the frame is weak or failed, a sentence without a full stop; "" when it is neither."""

    frame: int
    world_from_camera: Matrix4 | None
    state: str
    motion: str
    reprojection_error_px: float | None
    points: int
    rotation_sd_deg: float | None = None
    position_sd: float | None = None
    coverage: float | None = None
    confidence: float | None = None
    cause: str = ""


@dataclass(frozen=True)
class Extrinsics:
    version: int
    world: str
    camera: str
    units: str
    up_source: str
    scale_source: str
    engine: str
    frames: tuple[FramePose, ...]
    world_revision: int = 0


@dataclass(frozen=True)
class Similarity:
    """x -> scale * rotation @ x + translation; rotation row-major 3x3."""

    scale: float
    rotation: tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
    translation: tuple[float, float, float]


@dataclass(frozen=True)
class Gauge:
    """What `extrinsics.json` says of a world: where its up, its scale and its unit come from."""

    up_source: str
    scale_source: str
    units: str


ARBITRARY = Gauge("none", "none", "arbitrary")


@dataclass(frozen=True)
class World:
    """`world_from_solve` takes the solver's own gauge to the shot's world; every change raises
    `revision`, and files that carry another revision must not be mixed with it. solve_gauge: what was said of
    the solver's own world, for going back to it; None while that is still the shot's world."""

    version: int
    revision: int
    world_from_solve: Similarity
    solve_gauge: Gauge | None = None


UNCHANGED = Similarity(1.0, ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), (0.0, 0.0, 0.0))

WORLD_AXES = "right-handed, z-up"
CAMERA_AXES = "opencv: x right, y down, z forward"


@dataclass(frozen=True)
class SolvedCamera:
    """The three documents of one solve, checked against each other."""

    intrinsics: Intrinsics
    extrinsics: Extrinsics
    world: World


def read_camera(root: Path) -> SolvedCamera:
    """The camera of a shot. Raises `ArtifactMissing`, `ShotCorrupt`."""
    shot = ShotFolder(root)
    camera = SolvedCamera(
        read_document(shot.intrinsics, Intrinsics),
        read_document(shot.extrinsics, Extrinsics),
        read_document(shot.world, World),
    )
    _check(camera, shot)
    return camera


def _check(camera: SolvedCamera, shot: ShotFolder) -> None:
    from .errors import ShotCorrupt

    inner = [f.frame for f in camera.intrinsics.frames]
    outer = [f.frame for f in camera.extrinsics.frames]
    if inner != outer:
        raise ShotCorrupt(f"{shot.intrinsics} and {shot.extrinsics} list different frames.", "Run Solve Camera again.")
    if camera.extrinsics.world_revision != camera.world.revision:
        raise ShotCorrupt(
            f"{shot.extrinsics} belongs to world revision {camera.extrinsics.world_revision}, "
            f"but {shot.world} is at {camera.world.revision}: a change of the world is under way or was interrupted.",
            "Try again in a moment; any job on the shot finishes an interrupted change.",
        )
