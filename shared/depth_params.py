"""The parameters of the depth stage; `stages.py` lists them with those of the other stages."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import InvalidParameter
from .params import Choice, param


@dataclass(frozen=True)
class DepthParams:
    """How depth is found, what is made consistent, and what is built from it."""

    engine: str = param(
        "auto",
        choices=(
            Choice("auto", "Automatic", "Multi-view stereo where the camera travels, else a network if there is one"),
            Choice("mvs", "Multi-view stereo", "Matches the solved frames with each other: no model weights"),
            Choice("depth-learned", "Network", "A depth network, aligned to the solved points: weights"),
            Choice("ground-plane", "Floor only", "Depth of the floor plane of the shot's world, and of nothing else"),
        ),
        flags=("--depth-engine",),
        help="Method that finds depth.",
    )
    model: str = param(
        "auto",
        folded=True,
        flags=("--depth-model",),
        help="Network of the engine depth-learned: a model's name, or depth-anything, depth-pro or zoedepth for the "
        "first of its kind whose weights are there and allowed.",
    )
    weights: str | None = param(
        None, label="Weights folder", folded=True, flags=("--depth-weights",),
        help="Folder with model weights; empty takes BACKLOT_WEIGHTS, or your own data folder.",
    )  # fmt: skip
    allow_non_commercial: bool = param(
        False, label="Allow non-commercial", folded=True, flags=("--depth-non-commercial",),
        help="Allow depth models whose licence forbids commercial work.",
    )  # fmt: skip
    align_every: int = param(
        1, label="Align every", unit="frame", folded=True, flags=("--align-every",), minimum=1, maximum=1000,
        help="The network's maps are fitted to the solved points in every so many-th frame, and in between smoothly.",
    )  # fmt: skip
    frame_start: int | None = param(
        None, label="First frame", unit="frame", minimum=0, flags=("--depth-start",),
        help="First frame that gets depth; empty for the plate's first. Frames around are still matched with.",
    )  # fmt: skip
    frame_end: int | None = param(
        None, label="Last frame", unit="frame", minimum=0, flags=("--depth-end",),
        help="Last frame that gets depth; empty for the plate's last.",
    )  # fmt: skip
    camera_height: float | None = param(
        None, label="Camera's height", unit="units", folded=True, minimum=1e-6, maximum=1e9,
        help="For the engine ground-plane: world units from the floor to the camera. Empty: the world's z = 0 is the "
        "floor.",
    )  # fmt: skip
    resolution: str = param(
        "full",
        choices=(
            Choice("full", "Full", "The plate's own resolution"),
            Choice("half", "Half", "A quarter of the pixels: about four times as fast, thin things are lost"),
        ),
        flags=("--depth-resolution",),
        help="Resolution at which depth is found; the files always have the plate's size.",
    )
    iterations: int = param(
        4, label="Consistency", folded=True, flags=("--depth-iterations",), minimum=0, maximum=20,
        help="Rounds in which neighbouring frames are brought into agreement; 0 leaves them as they were found.",
    )  # fmt: skip
    consistency_resolution: str = param(
        "half",
        label="Consistency at",
        folded=True,
        choices=(
            Choice("full", "Full", "All pixels"),
            Choice("half", "Half", "A quarter of the pixels; the correction is carried to the rest"),
        ),
        flags=("--consistency-resolution",),
        help="Resolution at which neighbouring frames are brought into agreement.",
    )
    holes: str = param(
        "fill",
        folded=True,
        choices=(
            Choice("fill", "Fill", "From around, along the picture's edges; the confidence says where"),
            Choice("keep", "Keep open", "Only what was measured, 0 elsewhere"),
        ),
        flags=("--depth-holes",),
        help="What is written where nothing was measured.",
    )
    normals: bool = param(
        True, folded=True, flags=("--normals",), off_flags=("--no-normals",),
        help="Write the surface normals of every frame.",
    )  # fmt: skip
    dense: bool = param(
        False, label="Dense cloud", flags=("--dense", "-d"),
        help="Fuse the depth maps to one point cloud with colours: colmap/dense/fused.ply.",
    )  # fmt: skip
    mesh: bool = param(
        False, label="Mesh", flags=("--mesh", "-m"),
        help="Build a mesh with colours from the dense cloud's depth: colmap/meshed/mesh.ply; needs the dense cloud.",
    )  # fmt: skip
    mesh_faces: int = param(
        200_000, label="Mesh faces", folded=True, flags=("--mesh-faces",), minimum=100, maximum=20_000_000,
        help="The mesh is simplified to about as many triangles.",
    )  # fmt: skip
    frame_meshes: bool = param(
        False, label="Mesh of each frame", folded=True, flags=("--frame-meshes",),
        help="Write every frame's depth as a mesh that is cut at depth edges: depth/meshes.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        if self.mesh and not self.dense:
            raise InvalidParameter(
                "A mesh is built from the dense cloud, which was not asked for.", "Ask for both (-d -m)."
            )
        if self.frame_start is not None and self.frame_end is not None and self.frame_start > self.frame_end:
            raise InvalidParameter(
                f"Depth should begin at frame {self.frame_start} and end before, at {self.frame_end}.",
                "Swap the first and the last frame.",
            )
