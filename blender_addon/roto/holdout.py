"""An object of the plate before the render: a node group with the plate, cut out by the object's matte or mask.

Everything is inside of the group, which is made anew by each import and set-up; the artist's nodes around it and its
factor stay.
"""

from __future__ import annotations

from typing import Any

import bpy

from ..compositing import view
from ..compositing.composite import is_set_up, set_up_composite
from ..compositing.trees import Builder, feeding, group_node, new_group, output_socket, scene_tree, set_menu
from ..depth.images import show_frames
from ..importers import ownership
from ..importers.contents import read_shot
from ..shared.errors import ArtifactMissing
from .editor import facts_of, load_plate

IMAGE, MASK, CUT_OUT, AMOUNT = "Image", "Mask", "Cut-out", "Amount"


def set_up_holdout(scene: bpy.types.Scene, result: Any) -> tuple[str, ...]:
    """Puts the group of a label before the scene's output. Returns sentences for the artist. Raises
    `ArtifactMissing` before the masks were imported."""
    if result.mask_image is None and result.matte_image is None:
        raise ArtifactMissing(f"The masks of {result.name} are not in this scene.", "Press Import Masks first.")
    notes: list[str] = []
    shot = ownership.current_shot(scene)
    if shot is not None and not is_set_up(scene, shot):
        folder, _ = facts_of(scene)
        notes += [note for note in set_up_composite(scene, shot, read_shot(folder)).notes if note]
    elif shot is None:
        view.take_over(scene)
    if result.group is None:
        result.group = new_group(f"Backlot {result.name}", (IMAGE,), (IMAGE, CUT_OUT), ((AMOUNT, 1.0),))
        result.group.interface.new_socket(MASK, in_out="OUTPUT", socket_type="NodeSocketFloat")
    fill_group(scene, result)
    _insert(scene, result)
    scene.render.use_compositing = True
    return tuple(notes)


def fill_group(scene: bpy.types.Scene, result: Any) -> None:
    """The inside of a label's group, from what is imported now."""
    _, facts = facts_of(scene)
    group = result.group
    group.nodes.clear()
    build = Builder(group)
    given = build.node("NodeGroupInput")
    pictures = []
    for image, label in ((load_plate(scene), "Plate"), (result.matte_image or result.mask_image, MASK)):
        node = build.node("CompositorNodeImage", label=label)
        node.image = image
        show_frames(node, facts.frame_start, facts.frame_end)
        fitted = build.node("CompositorNodeScale", node.outputs["Image"])
        set_menu(fitted, "Type", "space", "Render Size")
        pictures.append(fitted)
    plate, mask = pictures
    amount = build.math("MULTIPLY", mask, given.outputs[AMOUNT])
    cut = build.node("CompositorNodeSetAlpha", plate, amount)
    if "Type" in cut.inputs:
        cut.inputs["Type"].default_value = "Apply Mask"
    else:
        cut.mode = "APPLY"
    out = build.node("NodeGroupOutput")
    build.feed(out.inputs[IMAGE], build.over(given.outputs[IMAGE], cut))
    build.feed(out.inputs[CUT_OUT], cut)
    build.feed(out.inputs[MASK], amount)


def _insert(scene: bpy.types.Scene, result: Any) -> None:
    tree = scene_tree(scene)
    if group_node(tree, result.group) is not None:
        return
    output = output_socket(tree)
    source = feeding(tree, output)
    node = tree.nodes.new("CompositorNodeGroup")
    node.node_tree = result.group
    node.name = node.label = f"{result.name} in front"
    node.location = (output.node.location.x, output.node.location.y)
    output.node.location.x += 260
    tree.links.new(source, node.inputs[IMAGE])
    tree.links.new(node.outputs[IMAGE], output)
