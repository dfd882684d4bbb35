"""What a solve gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from shared.camera_files import ARBITRARY, Gauge
from shared.solve_report import Problem

from .frames import Flags, Floats, Picture
from .scene import Lens
from .track_table import TrackTable
from .tracks import Tracks


@dataclass(frozen=True)
class FrameSolve:
    """One frame. number: of the plate. state: solved | interpolated | failed. world_from_camera: [4, 4], OpenCV
    camera axes, None when failed. error_px: mean reprojection error over `points` points, None without.
    motion: full | nodal | locked. cause: why it is weak or failed, "" otherwise. rotation_sd_deg, position_sd
    (world units), coverage and confidence (0..1): as `shared.camera_files.FramePose` has them, None when unknown."""

    number: int
    state: str
    world_from_camera: Floats | None
    error_px: float | None
    points: int
    motion: str = "full"
    cause: str = ""
    rotation_sd_deg: float | None = None
    position_sd: float | None = None
    coverage: float | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class PointCloud:
    """xyz [P, 3] world; rgb uint8 [P, 3]; error_px [P] mean reprojection error; length [P] frames that see it.
    at_infinity bool [P]: has a direction and no depth; it lies on a sphere about the centre that sees it."""

    xyz: Floats
    rgb: Picture
    error_px: Floats
    length: NDArray[np.int64]
    at_infinity: Flags


@dataclass(frozen=True)
class CameraSolve:
    """A solved camera in a right-handed, z-up world of arbitrary scale (see gauge.py).

    lens: of all frames, px of the plate; its focal length is the mean one when the lens zooms. focals: float64 [F],
    focal length of every frame, px; all equal to lens.focal, bit by bit, when the lens does not zoom. model: PINHOLE
    without distortion, else BROWN. focal_source: solved, metadata or user. observations: what the cloud's points were
    seen as, numbered as its rows; frame indices into `frames`. mean_error_px: over all observations. tracks: all
    there were, used or not. moving: of every frame, in order, uint8 [H, W] 0 static .. 255 moving, or None where
    nothing moves; read once, one at a time; None when nobody looked. gauge: what is true of the solve's own world.
    problems: ranges of weak and failed frames. facts: more that was found, by name: focal_sd_px, k1_sd, readout_ms ...
    seconds: wall time by step. motion_evidence: what the kind of motion was chosen by (motion_model.py), and how still
    a locked camera stood.
    """

    width: int
    height: int
    lens: Lens
    focal_source: str
    frames: tuple[FrameSolve, ...]
    cloud: PointCloud
    observations: Tracks
    mean_error_px: float
    focals: Floats
    tracks: TrackTable | None = None
    moving: Iterable[Picture | None] | None = None
    gauge: Gauge = ARBITRARY
    problems: tuple[Problem, ...] = ()
    facts: dict[str, float] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    motion_evidence: Mapping[str, object] = field(default_factory=dict)

    @property
    def zooms(self) -> bool:
        """Whether the focal length changes."""
        return bool((self.focals != self.focals[0]).any())

    @property
    def lenses(self) -> tuple[Lens, ...]:
        """The lens of every frame."""
        return tuple(replace(self.lens, focal=float(focal)) for focal in self.focals)

    @property
    def model(self) -> str:
        return "PINHOLE" if self.lens.distortion.nothing else "BROWN"

    @property
    def solved(self) -> int:
        """Frames with a pose."""
        return sum(frame.world_from_camera is not None for frame in self.frames)
