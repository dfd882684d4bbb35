"""The plate in an Image Editor or Clip Editor: where a place of the picture is seen, and which frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..depth.images import show_frames
from ..importers.scene_settings import blender_rate
from ..properties import folder_path
from ..shared.errors import ArtifactMissing, InvalidParameter
from ..shared.shot import ShotFolder, SourceFacts
from . import objects

_SPACES = ("IMAGE_EDITOR", "CLIP_EDITOR")
POINTS, BRUSH = "backlot.roto_points", "backlot.roto_brush"
"""Tools of the Image Editor's toolbar."""
SESSION = "BACKLOT_OT_roto_session"
"""Blender's name of the operator that the Clip Editor has in their place."""


@dataclass(frozen=True)
class Plate:
    """The scene's plate. size: width and height, px. first, last: its frames."""

    folder: Path
    size: tuple[int, int]
    first: int
    last: int

    def number(self, scene: bpy.types.Scene) -> int:
        """The plate frame that the scene's frame shows: the nearest one there is."""
        return min(max(scene.frame_current, self.first), self.last)


def plate_of(scene: bpy.types.Scene) -> Plate:
    """Raises `InvalidParameter` without a shot folder, `ArtifactMissing` before its clip was read, `ShotCorrupt`."""
    folder, facts = facts_of(scene)
    return Plate(folder, (facts.width, facts.height), facts.frame_start, facts.frame_end)


def facts_of(scene: bpy.types.Scene) -> tuple[Path, SourceFacts]:
    """The shot folder and what is known of its footage. Raises as `plate_of` does."""
    folder = folder_path(scene.backlot)
    if folder is None:
        raise InvalidParameter("No shot folder is chosen.", "Choose a clip or a shot folder in the Shot panel.")
    found = ShotFolder(folder).find()
    if found is None:
        raise ArtifactMissing("The clip has not been read yet.", "Press Read Clip, or Solve Camera.")
    return folder, found.facts


def shows_plate(scene: bpy.types.Scene, space: Any) -> bool:
    """Whether an editor shows the scene's plate."""
    if space is None or space.type not in _SPACES:
        return False
    if space.type == "CLIP_EDITOR":
        return space.clip is not None and _is_plate(scene, space.clip.filepath)
    image = space.image
    return image is not None and (image == objects.of_scene(scene).plate or _is_plate(scene, image.filepath))


def hint_tool(context: bpy.types.Context) -> str:
    """By what a click on the picture of the context's editor makes a hint now: a tool of the Image Editor, or the
    operator that runs in the Clip Editor; "" when it makes none."""
    if context.space_data.type == "CLIP_EDITOR":
        running = context.window.modal_operators if context.window is not None else ()
        return SESSION if any(run.bl_idname == SESSION for run in running) else ""
    if context.workspace is None:
        return ""
    tool = context.workspace.tools.from_space_image_mode(context.space_data.mode)
    return tool.idname if tool is not None and tool.idname in (POINTS, BRUSH) else ""


def _is_plate(scene: bpy.types.Scene, file: str) -> bool:
    folder = folder_path(scene.backlot)
    return folder is not None and Path(bpy.path.abspath(file)).parent == ShotFolder(folder).frames_dir


def load_plate(scene: bpy.types.Scene) -> bpy.types.Image:
    """The plate as an image sequence of the scene. Raises as `plate_of` does."""
    from ..importers.shot_import import shot_name

    folder, facts = facts_of(scene)
    first = ShotFolder(folder).frame_path(facts.frame_start)
    if not first.is_file():
        raise ArtifactMissing(f"The plate has no {first.name}.", "Read the clip again.")
    state = objects.of_scene(scene)
    if state.plate is None:
        state.plate = bpy.data.images.load(str(first))
        state.plate.name = f"{shot_name(folder)} Plate"
    elif bpy.path.abspath(state.plate.filepath) != str(first):
        state.plate.filepath = str(first)
    state.plate.source = "SEQUENCE"
    return state.plate


def show_plate(scene: bpy.types.Scene, space: bpy.types.SpaceImageEditor, image: bpy.types.Image) -> None:
    """Puts the plate into an editor, where it follows the scene's frame."""
    _, facts = facts_of(scene)
    space.image = image
    if space.image_user is not None:
        show_frames(space.image_user, facts.frame_start, facts.frame_end)


def fit_scene(scene: bpy.types.Scene) -> None:
    """Frame range and rate of the plate, for a scene that no shot was imported into."""
    _, facts = facts_of(scene)
    scene.frame_start, scene.frame_end = facts.frame_start, facts.frame_end
    scene.render.fps, scene.render.fps_base = blender_rate(facts.rate)
    scene.render.resolution_x, scene.render.resolution_y = facts.width, facts.height
    if not facts.frame_start <= scene.frame_current <= facts.frame_end:
        scene.frame_current = facts.frame_start


def plate_place(region: bpy.types.Region, size: tuple[int, int], x: float, y: float) -> tuple[float, float]:
    """A place of a region, px of it, as a place of the plate: px, y down."""
    u, v = region.view2d.region_to_view(x, y)
    return u * size[0], (1.0 - v) * size[1]


@dataclass(frozen=True)
class PlateView:
    """Where the plate is seen in a region: its lower left corner, and its width and height there, px."""

    left: float
    bottom: float
    width: float
    height: float
    size: tuple[int, int]

    def place(self, at: tuple[float, float]) -> tuple[float, float]:
        """A place of the plate as one of the region."""
        return (
            self.left + at[0] / self.size[0] * self.width,
            self.bottom + (1.0 - at[1] / self.size[1]) * self.height,
        )

    @property
    def scale(self) -> float:
        """Pixels of the screen for one of the plate."""
        return self.width / self.size[0]


def plate_view(region: bpy.types.Region, size: tuple[int, int]) -> PlateView:
    """Of a region that shows the plate. Measured over a hundred pictures: Blender tells whole pixels."""
    left, bottom = region.view2d.view_to_region(0.0, 0.0, clip=False)
    far = region.view2d.view_to_region(100.0, 100.0, clip=False)
    return PlateView(left, bottom, (far[0] - left) / 100.0, (far[1] - bottom) / 100.0, size)
