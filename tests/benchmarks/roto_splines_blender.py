"""The part of `bench roto_splines` that runs in a Python with bpy: the installed add-on imports a label's splines, and
the compositor's Mask node draws them at the plate's size.

    python -m tests.benchmarks.roto_splines_blender FOLDER FRAME...
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

SPLINES = "splines.json"
PICTURES = "pictures.npz"


def main(arguments: list[str]) -> int:
    from tests.blender import installed

    folder, numbers = Path(arguments[0]), [int(number) for number in arguments[1:]]
    installed.install(folder / "profile")  # before bpy is there: it says where the profile is
    import bpy

    said = json.loads((folder / SPLINES).read_text(encoding="utf-8"))
    mask = imported(said, (numbers[0], numbers[-1]))
    scene = set_up(mask, said["width"], said["height"])
    drawn = {f"f{number}": picture(scene, number, folder / "drawn.png") for number in numbers}
    np.savez_compressed(folder / PICTURES, version=bpy.app.version_string, **drawn)
    return 0


def imported(said: dict[str, Any], frames: tuple[int, int]) -> Any:
    """The mask that the add-on makes of the document."""
    from bl_ext.user_default.backlot.roto.mask_import import import_mask
    from bl_ext.user_default.backlot.roto.results import LabelFiles, Spline

    splines = tuple(
        Spline(
            spline["first"], spline["last"], spline["subtract"],
            {key["frame"]: np.array(key["points"], float) for key in spline["keys"]},
        )
        for spline in said["splines"]
    )  # fmt: skip
    facts = SimpleNamespace(
        frame_start=frames[0], frame_end=frames[1], width=said["width"], height=said["height"], pixel_aspect=1.0
    )
    *_, made = import_mask(None, "", SimpleNamespace(facts=facts), LabelFiles("label", (), (), splines), "label")
    return made.mask


def set_up(mask: Any, width: int, height: int) -> Any:
    """A scene whose render is the mask and nothing else."""
    import bpy

    scene = bpy.context.scene
    if hasattr(scene, "compositing_node_group"):
        tree = scene.compositing_node_group = bpy.data.node_groups.new("Mask", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        out = tree.nodes.new("NodeGroupOutput")
    else:
        scene.use_nodes = True
        tree = scene.node_tree
        tree.nodes.clear()
        out = tree.nodes.new("CompositorNodeComposite")
    node = tree.nodes.new("CompositorNodeMask")
    node.mask = mask
    if "Feather" in node.inputs:
        node.inputs["Feather"].default_value = False
    else:
        node.use_feather = False
    tree.links.new(node.outputs[0], out.inputs[0])
    render = scene.render
    render.engine, render.resolution_percentage = "CYCLES", 100
    render.resolution_x, render.resolution_y = width, height
    render.image_settings.file_format, render.image_settings.color_mode = "PNG", "BW"
    scene.view_settings.view_transform = "Raw"
    scene.cycles.samples = 1
    if scene.camera is None:
        scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        scene.collection.objects.link(scene.camera)
    for thing in [thing for thing in scene.objects if thing.type == "MESH"]:
        bpy.data.objects.remove(thing)
    return scene


def picture(scene: Any, number: int, path: Path) -> np.ndarray:
    """bool [H, W] of a frame."""
    import bpy

    scene.frame_set(number)
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path), check_existing=False)
    width, height = image.size
    pixels = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return pixels.reshape(height, width, -1)[::-1, :, 0] > 0.5


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
