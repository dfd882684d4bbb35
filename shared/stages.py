"""The stages and their parameters: the one place where both are declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .axes import ROTATION_ORDERS
from .depth_params import DepthParams
from .errors import UnknownStage
from .matte_params import MatteParams
from .mocap_params import MocapParams
from .params import Choice, param
from .roto_params import RotoParams
from .sensors import SENSORS


@dataclass(frozen=True)
class IngestParams:
    """What is taken from the footage. Frame numbers are the plate's: videos count from 1, sequences
    keep their own."""

    frame_start: int | None = param(
        None, label="First frame", unit="frame", minimum=0, help="First frame to use; empty for the clip's first."
    )
    frame_end: int | None = param(
        None, label="Last frame", unit="frame", minimum=0, help="Last frame to use; empty for the clip's last."
    )
    fps: str | None = param(
        None,
        label="Frame rate",
        unit="fps",
        flags=("--fps", "-f"),
        help="Rate to resample the clip to, a number or a fraction such as 24000/1001; empty keeps the clip's own.",
    )
    rotation: str = param(
        "auto",
        folded=True,
        choices=(
            Choice("auto", "From the file", "Apply the rotation that the file's metadata asks for"),
            Choice("0", "None", "Use the frames as they are stored"),
            Choice("90", "90° clockwise", "Turn each frame by 90 degrees clockwise"),
            Choice("180", "180°", "Turn each frame upside down"),
            Choice("270", "90° counter-clockwise", "Turn each frame by 90 degrees counter-clockwise"),
        ),
        help="Rotation applied to make the plate upright.",
    )
    encoding: str = param(
        "auto",
        label="Encoding",
        folded=True,
        choices=(
            Choice("auto", "From the file", "As the file says"),
            Choice("sdr", "Standard", "Neither HDR nor log: code values for an ordinary screen"),
            Choice("pq", "HDR (PQ)", "SMPTE ST 2084 code values"),
            Choice("hlg", "HDR (HLG)", "ARIB STD-B67 code values"),
            Choice("log", "Log", "A camera's log code values"),
        ),
        help="What the code values mean, where the file says it wrongly or not at all; carried to every output.",
    )
    pixel_aspect: float | None = param(
        None, folded=True, minimum=0.1, maximum=10.0,
        help="Width of a pixel over its height (2.0 for a 2x anamorphic lens); empty takes the file's.",
    )  # fmt: skip


QUALITIES = (
    Choice("low", "Low", "Half resolution, few features: a quick look"),
    Choice("medium", "Medium", "Full resolution up to 1080p: most shots"),
    Choice("high", "High", "More features and more refinement: the final camera"),
    Choice("slow", "Slow", "For shots with little camera movement: densest features, longest tracks"),
    Choice("fast", "Fast", "At most 640 pixels wide, one refinement: is this shot solvable at all?"),
    Choice("balanced", "Balanced", "At most 1280 pixels wide: for long clips and small machines"),
    Choice("best", "Best", "The plate's own resolution up to 4K, lost points sought twice as often, most refinement"),
)


@dataclass(frozen=True)
class SolveParams:
    """How the camera is solved."""

    engine: str = param(
        "auto",
        folded=True,
        choices=(
            Choice("auto", "Automatic", "The best engine that is ready"),
            Choice("sfm", "Structure from motion", "Feature tracks and bundle adjustment: no model weights, no GPU"),
            Choice("sfm-learned", "Learned matches", "Matches of a neural network, then the same adjustment: weights"),
        ),
        flags=("--solve-engine",),
        help="Method that solves the camera.",
    )
    matcher: str = param(
        "auto",
        folded=True,
        choices=(
            Choice("auto", "Automatic", "The first of these whose weights are there and allowed"),
            Choice("efficientloftr", "EfficientLoFTR", "Semi-dense matches: Apache-2.0"),
            Choice("lightglue-superpoint", "SuperPoint + LightGlue", "Matched corners: not for commercial work"),
        ),
        help="Network that finds learned matches.",
    )
    weights: str | None = param(
        None, label="Weights folder", folded=True,
        help="Folder with model weights; empty takes BACKLOT_WEIGHTS, or your own data folder.",
    )  # fmt: skip
    allow_non_commercial: bool = param(
        False, label="Allow non-commercial", folded=True,
        help="Allow models whose licence forbids commercial work.",
    )  # fmt: skip
    quality: str = param("medium", flags=("--quality", "-q"), choices=QUALITIES, help="Time against accuracy.")
    focal_mm: float | None = param(
        None, label="Focal length", unit="mm", minimum=1.0, maximum=5000.0,
        help="Focal length of the lens; needs the sensor's width too. Empty: from the file, otherwise solved.",
    )  # fmt: skip
    sensor_mm: float | None = param(
        None,
        label="Sensor width",
        unit="mm",
        minimum=1.0,
        maximum=200.0,
        help="Width of the recorded part of the sensor.",
    )
    sensor: str = param(
        "custom",
        label="Camera model",
        choices=(
            Choice("custom", "Custom", "Enter the sensor's width"),
            *(Choice(s.key, s.label, f"Sensor {s.width_mm:g} mm wide") for s in SENSORS),
        ),
        help="Camera whose sensor width is used.",
    )
    focal_px: float | None = param(
        None, label="Focal length in pixels", unit="px", folded=True, minimum=1.0, maximum=1e6,
        help="Focal length in pixels of the plate's width; wins over millimetres.",
    )  # fmt: skip
    fix_focal: bool = param(
        False, label="Keep focal length", flags=("--fix-focal", "--no-optimize-focal"),
        off_flags=("--optimize-focal",), help="Trust the given focal length exactly instead of refining it.",
    )  # fmt: skip
    focal_min_mm: float | None = param(
        None, label="Shortest focal length", unit="mm", folded=True, minimum=1.0, maximum=5000.0,
        help="The focal length is looked for from here; needs the sensor's width too.",
    )  # fmt: skip
    focal_max_mm: float | None = param(
        None, label="Longest focal length", unit="mm", folded=True, minimum=1.0, maximum=5000.0,
        help="The focal length is looked for up to here; needs the sensor's width too.",
    )  # fmt: skip
    focal_min_px: float | None = param(
        None, label="Shortest focal length in pixels", unit="px", folded=True, minimum=1.0, maximum=1e6,
        help="As in millimetres, in pixels of the plate's width; wins over millimetres.",
    )  # fmt: skip
    focal_max_px: float | None = param(
        None, label="Longest focal length in pixels", unit="px", folded=True, minimum=1.0, maximum=1e6,
        help="As in millimetres, in pixels of the plate's width; wins over millimetres.",
    )  # fmt: skip
    zoom: str = param(
        "auto",
        choices=(
            Choice("auto", "Automatic", "One focal length unless the shot gives evidence of a zoom"),
            Choice("fixed", "Fixed", "One focal length for all frames"),
            Choice("free", "Zooms", "A focal length for every frame, changing smoothly"),
        ),
        help="Whether the focal length changes during the shot.",
    )
    motion: str = param(
        "auto",
        label="Camera motion",
        choices=(
            Choice("auto", "Automatic", "Found out for every part of the shot"),
            Choice("full", "Travels", "The camera changes its place"),
            Choice("nodal", "Pans on the spot", "The camera only turns: a tripod head"),
            Choice("locked", "Locked off", "The camera does not move at all"),
        ),
        help="What the camera does during the shot.",
    )
    distortion: str = param(
        "auto",
        folded=True,
        choices=(
            Choice("auto", "Automatic", "Solve lens distortion when the shot gives evidence of it"),
            Choice("none", "None", "The plate has no lens distortion"),
            Choice("radial", "Radial", "Always solve k1 and k2"),
            Choice("tangential", "Radial and tangential", "Always solve k1, k2, p1 and p2: a lens off its axis"),
        ),
        help="Lens distortion model.",
    )
    rolling_shutter: str = param(
        "off",
        folded=True,
        choices=(
            Choice("off", "Off", "All rows of a frame are exposed at once"),
            Choice("auto", "Estimate", "Solve the readout time with the camera; wants fast motion"),
            Choice("known", "Known", "Use the given readout time"),
        ),
        help="Correction for sensors that expose their rows one after the other.",
    )
    readout_ms: float | None = param(
        None, label="Readout time", unit="ms", folded=True, minimum=0.0, maximum=1000.0,
        help="Time from the first to the last row of a frame; used when the rolling shutter is known.",
    )  # fmt: skip
    no_masks: bool = param(
        False, label="Ignore masks", flags=("--no-masks", "-M"), folded=True,
        help="Track everywhere, also inside the masks of moving objects.",
    )  # fmt: skip
    no_movers: bool = param(
        False, label="Nothing moves", flags=("--no-movers",), folded=True,
        help="Do not look for moving things in the picture; no motion masks are written.",
    )  # fmt: skip
    depth_prior: str = param(
        "auto",
        folded=True,
        choices=(
            Choice("auto", "Automatic", "Where the camera hardly travels, a network's depth maps hold the points"),
            Choice("off", "Off", "The camera comes from the tracks alone"),
        ),
        help="Use of depth maps that a network made without the solved camera.",
    )
    seed: int = param(
        0,
        folded=True,
        minimum=0,
        maximum=2**31 - 1,
        help="Seed of every random choice: the same seed gives the same camera.",
    )


@dataclass(frozen=True)
class ExportParams:
    """How the camera is written for other programs. Numbers and names of the formats: docs/exports.md."""

    formats: str = param(
        "auto",
        help="What to write, separated by commas: abc, usda, usdc, fbx, chan, csv, jsx, clip, nk, colmap, stmap, "
        "undistorted, analysis; auto writes everything that this computer can.",
    )
    axes: str = param(
        "auto",
        label="World axes",
        choices=(
            Choice("auto", "Of each format", "Each file in the axes of the program that it is for"),
            Choice("blender", "Blender", "z up"),
            Choice("maya", "Maya", "y up"),
            Choice("houdini", "Houdini", "y up"),
            Choice("nuke", "Nuke", "y up"),
            Choice("usd", "USD", "z up"),
            Choice("opencv", "OpenCV", "y down, z forward"),
        ),
        help="Axes of the world in the written files.",
    )
    rotation_order: str = param(
        "auto",
        folded=True,
        choices=(
            Choice("auto", "Of each format", "ZXY for Nuke, XYZ otherwise"),
            *(
                Choice(order, order.upper(), f"Turns about {', '.join(order)}, in this order")
                for order in ROTATION_ORDERS
            ),
        ),
        help="Order of rotations in chan, csv, clip and nk files.",
    )
    frame_offset: int = param(
        0, folded=True, unit="frame", minimum=-1000000, maximum=1000000, help="Added to every frame number."
    )
    fps: str | None = param(
        None, label="Frame rate", unit="fps", folded=True, flags=("--export-fps",),
        help="Rate written into the files, a number or a fraction; frames stay as they are. Empty: the plate's.",
    )  # fmt: skip
    scale: float = param(
        1.0, folded=True, flags=("--export-scale",), minimum=1e-6, maximum=1e6,
        help="Multiplies every length: positions of the camera and of the points.",
    )  # fmt: skip
    film_back_mm: float | None = param(
        None, label="Film back", unit="mm", folded=True, flags=("--film-back",), minimum=1.0, maximum=200.0,
        help="Width of the film back; empty takes the sensor's width from the solve, or 36 mm.",
    )  # fmt: skip
    overscan: str = param(
        "on",
        folded=True,
        choices=(
            Choice("on", "On", "Wide enough to keep every pixel of a distorted plate"),
            Choice("off", "Off", "The plate's own size"),
        ),
        help="Size of the undistorted picture that the exported camera films.",
    )
    blender: str | None = param(
        None, label="Blender for export", folded=True,
        help="Blender, or a Python that has bpy, to write Alembic and FBX with; empty finds one.",
    )  # fmt: skip


@dataclass(frozen=True)
class StageInfo:
    """A stage as clients see it. `needs` are the stages whose files it reads; `aliases` are other names
    that the command line accepts for it."""

    name: str
    label: str
    help: str
    params: type
    needs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


STAGES: tuple[StageInfo, ...] = (
    StageInfo("ingest", "Ingest", "Read the footage into the shot's plate", IngestParams),
    StageInfo("roto", "Roto", "Find the masks of the prompted objects", RotoParams, ("ingest",), ("interactive",)),
    StageInfo("matte", "Matte", "Turn masks into mattes with hair and motion blur", MatteParams, ("roto",), ("mama",)),
    StageInfo("solve", "Solve Camera", "Find the camera that filmed the plate", SolveParams, ("ingest",), ("colmap",)),
    StageInfo("depth", "Depth", "Find the depth of every frame, and fuse it", DepthParams, ("solve",)),
    StageInfo("mocap", "Mocap", "Bring people into the scene as moving skeletons", MocapParams, ("solve",), ("pose",)),
    StageInfo("export", "Export Camera", "Write the camera for other programs", ExportParams, ("solve",), ("camera",)),
)

PLANNED_ALIASES = {"gsir": "materials"}
"""Names that other pipelines use for stages this version does not have yet."""


def stage_info(name: str) -> StageInfo:
    """The stage of that name or alias. Raises `UnknownStage`."""
    for info in STAGES:
        if name == info.name or name in info.aliases:
            return info
    known = ", ".join(info.name for info in STAGES)
    wanted = PLANNED_ALIASES.get(name, name)
    raise UnknownStage(f"This version of Backlot has no stage named {wanted!r}.", f"It has: {known}.")


def in_order(names: tuple[str, ...]) -> tuple[StageInfo, ...]:
    """The named stages and everything they need, each once, in the order they run."""
    wanted: set[str] = set()

    def add(name: str) -> None:
        info = stage_info(name)
        for needed in info.needs:
            add(needed)
        wanted.add(info.name)

    for name in names:
        add(name)
    return tuple(info for info in STAGES if info.name in wanted)


def stage_params(stage: str, values: dict[str, Any]) -> Any:
    """Validated parameters of a stage. Raises `UnknownStage` or `InvalidParameter`."""
    from .params import validate

    return validate(stage_info(stage).params, values)
