"""The parameters of the mocap stage; `stages.py` lists them with those of the other stages."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import InvalidParameter
from .params import Choice, param

LEAST_HEIGHT_M, MOST_HEIGHT_M = 0.4, 2.8
"""Of people, small children included."""


@dataclass(frozen=True)
class MocapParams:
    """How people of the plate become skeletons in the shot's world."""

    engine: str = param(
        "auto",
        choices=(
            Choice("auto", "Automatic", "The best engine that is ready: MediaPipe needs no model weights"),
            Choice("mediapipe", "MediaPipe", "Landmarks by the networks in MediaPipe's own package: no model weights"),
            Choice("rtmpose", "RTMPose", "Joints, hands and face by an ONNX network: weights"),
            Choice("dwpose", "DWPose", "Joints, hands and face by an ONNX network: weights"),
            Choice("vitpose", "ViTPose", "Joints by a network of transformers: weights"),
            Choice("gvhmr", "GVHMR", "Research code in an environment of your own; not for commercial work"),
            Choice("wham", "WHAM", "Research code in an environment of your own; not for commercial work"),
            Choice("sam-3d-body", "SAM 3D Body", "Research code in an environment of your own"),
        ),
        flags=("--mocap-engine",),
        help="What sees the people.",
    )
    labels: str | None = param(
        None, flags=("--mocap-labels",),
        help="Labels under roto/ of the people to capture, separated by commas. Empty: every label that is a "
        "person; without masks everybody who is found (person_00, person_01, ...).",
    )  # fmt: skip
    frame_start: int | None = param(
        None, label="First frame", unit="frame", minimum=0, flags=("--mocap-start",),
        help="First frame that is captured; empty for the plate's first.",
    )  # fmt: skip
    frame_end: int | None = param(
        None, label="Last frame", unit="frame", minimum=0, flags=("--mocap-end",),
        help="Last frame that is captured; empty for the plate's last.",
    )  # fmt: skip
    height_m: float | None = param(
        None, label="Person's height", unit="m", minimum=LEAST_HEIGHT_M, maximum=MOST_HEIGHT_M,
        flags=("--person-height",),
        help="How tall the people are, in shoes. Empty: found from the floor and the solve's scale, else as tall as "
        "people mostly are.",
    )  # fmt: skip
    set_scale: str = param(
        "auto", label="Shot's scale", flags=("--mocap-scale",),
        choices=(
            Choice("auto", "If unknown", "A solve of arbitrary size gets metres from the people's height"),
            Choice("off", "Leave", "The shot's world stays as it is; motion is in its units"),
        ),
        help="Whether people give the shot its scale when nothing else has.",
    )  # fmt: skip
    views: str | None = param(
        None, label="Other views", folded=True, flags=("--mocap-views",),
        help="Folders of other shots that show the same moments under the same frame numbers, from cameras in the same "
        "world, separated by commas: absolute, or beside this shot. They are fitted together.",
    )  # fmt: skip
    pose_mode: str = param(
        "balanced",
        choices=(
            Choice("lightweight", "Light", "The fewest looks at each person"),
            Choice("balanced", "Balanced", "Most shots"),
            Choice("performance", "Best", "Many looks at each person, of which the middle one counts"),
        ),
        flags=("--pose-mode",),
        help="Time against accuracy of what is seen in the picture.",
    )  # fmt: skip
    mesh: str = param(
        "none",
        label="Body mesh",
        flags=("--body-mesh",),
        choices=(
            Choice("none", "None", "A skeleton only"),
            Choice("proxy", "Free body", "A plain body scaled to the bones: no licence needed"),
            Choice("smpl", "SMPL", "Your own licensed SMPL or SMPL-X model, fitted to the joints"),
        ),
        help="Body that is made around the skeleton.",
    )
    textures: bool = param(
        False, label="Project texture", flags=("--body-texture",),
        help="Paint the body with the plate's pixels, from all frames.",
    )  # fmt: skip
    mesh_sequence: bool = param(
        False, label="Mesh sequence", folded=True, flags=("--mesh-sequence",),
        help="Write the body as one mesh that changes from frame to frame: mocap/LABEL/mesh_sequence.",
    )  # fmt: skip
    model: str = param(
        "auto", folded=True, flags=("--pose-model",),
        help="Network of the engine: a model's name, or auto for the first whose weights are there.",
    )  # fmt: skip
    weights: str | None = param(
        None, label="Weights folder", folded=True, flags=("--mocap-weights",),
        help="Folder with model weights; empty takes BACKLOT_WEIGHTS, or your own data folder.",
    )  # fmt: skip
    body_model: str | None = param(
        None, label="SMPL files", folded=True, flags=("--body-model",),
        help="Folder with your licensed SMPL or SMPL-X files; empty looks in the weights folder.",
    )  # fmt: skip
    allow_non_commercial: bool = param(
        False, label="Allow non-commercial", folded=True, flags=("--mocap-non-commercial",),
        help="Allow engines and body models whose licence forbids commercial work.",
    )  # fmt: skip
    command: str | None = param(
        None, folded=True, flags=("--mocap-command",),
        help="Command of the research engines (docs/mocap-external.md); empty takes BACKLOT_MOCAP_COMMAND.",
    )  # fmt: skip
    blender: str | None = param(
        None, label="Blender for FBX", folded=True, flags=("--mocap-blender",),
        help="Blender, or a Python that has bpy, to write FBX and Alembic with; empty finds one.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        if self.frame_start is not None and self.frame_end is not None and self.frame_start > self.frame_end:
            raise InvalidParameter(
                f"Motion capture should begin at frame {self.frame_start} and end before, at {self.frame_end}.",
                "Swap the first and the last frame.",
            )
        if self.labels is not None and not any(name.strip() for name in self.labels.split(",")):
            raise InvalidParameter(f"The labels {self.labels!r} name nobody.", "Leave them empty for everybody.")
        if self.views is not None and not any(name.strip() for name in self.views.split(",")):
            raise InvalidParameter(f"The views {self.views!r} name no shot.", "Leave them empty for one camera.")
