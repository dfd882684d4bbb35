"""What depth is good for in the compositor: two examples to start from, fog and depth of field.

Both are node groups behind the composite, in the plate's own (distorted) pixels, and take their depth from one more
group, `Backlot Scene Depth`: the nearer of the plate's depth frame and the render's Depth pass. What has no depth (sky,
holes) counts as far away. Setting up again brings the frames up to date and leaves the artist's settings.
"""

from __future__ import annotations

from typing import Any

import bpy

from ..depth import grid
from ..depth.contents import read_depth
from ..depth.following import length_scale, reset_scale
from ..depth.images import show_frames
from ..depth.names import DEPTH_IMAGE, FOCUS, FOG, SCENE_DEPTH
from ..depth.parts import DepthParts
from ..importers import lens, ownership
from ..importers.contents import ShotContents
from ..shared.errors import ArtifactMissing
from . import stmap
from .composite import is_set_up, set_up_composite
from .lens_maps import REDISTORT
from .trees import Builder, feeding, group_node, new_group, output_socket, scene_tree, set_menu

__all__ = ["FOCUS", "FOG", "scale_effects", "set_up_effect"]

_NAMES = {SCENE_DEPTH: "Backlot Scene Depth", FOG: "Backlot Fog", FOCUS: "Backlot Depth of Field"}
_IMAGE, _RENDER_DEPTH, _DEPTH = "Image", "Render Depth", "Depth"
_COLOUR, _DENSITY, _START = "Fog Colour", "Density", "Start"
_SCALE, _FAR = "Length Scale", "Far"
_F_STOP, _MOST_BLUR_PX = 2.8, 32.0
_BLENDERS_FOCUS = 10.0
"""Focus distance of a new camera."""


def set_up_effect(
    scene: bpy.types.Scene, collection: bpy.types.Collection, contents: ShotContents, effect: str
) -> tuple[str, ...]:
    """Puts FOG or FOCUS behind the composite, which is set up if need be. Returns sentences for the artist. Raises
    `ArtifactMissing` when the shot has no plate or no depth, and what `read_depth` raises."""
    notes = []
    if not is_set_up(scene, collection):
        notes += set_up_composite(scene, collection, contents).notes
    far = _bring_depth(scene, collection, contents)
    group = ownership.recall(collection, effect)
    if group is None:
        group = {FOG: _make_fog, FOCUS: _make_focus}[effect](scene, collection, far)
        ownership.remember(collection, effect, group)
    for layer in scene.view_layers:
        layer.use_pass_z = True
    _insert(scene, collection, group, effect)
    if effect == FOCUS:
        notes.append(_focus(ownership.recall(collection, ownership.CAMERA), contents))
    return tuple(note for note in notes if note)


def scale_effects(collection: bpy.types.Collection, factor: float) -> None:
    """After the shot's world was scaled: depth, and the lengths of the fog."""
    inner = ownership.recall(collection, SCENE_DEPTH)
    if inner is not None:
        for name in (_SCALE, _FAR):
            inner.nodes[name].outputs[0].default_value *= factor
    fog = ownership.recall(collection, FOG)
    for scene in bpy.data.scenes if fog is not None else ():
        node = group_node(scene_tree(scene), fog) if _has_tree(scene) else None
        if node is not None:
            node.inputs[_DENSITY].default_value /= factor
            node.inputs[_START].default_value *= factor


def _bring_depth(scene: bpy.types.Scene, collection: bpy.types.Collection, contents: ShotContents) -> float:
    """Loads the frames and fills the group that has the depth of plate and render. Returns how far far is."""
    depth = read_depth(contents.root, DepthParts(sequence=True))
    if not depth.frames.frames:
        raise ArtifactMissing(f"{collection.name} has no frame with depth.", "Run Estimate Depth.")
    grid.import_sequences(collection, contents, depth, collection.name)
    grid.update_surface(collection)
    reset_scale(collection)
    far = depth.meta.far * 10.0 * length_scale(collection)
    group = ownership.recall(collection, SCENE_DEPTH)
    if group is None:
        group = new_group(_NAMES[SCENE_DEPTH], (), (), ((_RENDER_DEPTH, 1e10),))
        for name in (_DEPTH, "Plate Depth"):
            group.interface.new_socket(name, in_out="OUTPUT", socket_type="NodeSocketFloat")
        ownership.remember(collection, SCENE_DEPTH, group)
    numbers = depth.frames.frames
    _fill_depth(group, collection, contents, (numbers[0], numbers[-1]), far)
    return far


def _fill_depth(
    group: bpy.types.NodeTree,
    collection: bpy.types.Collection,
    contents: ShotContents,
    frames: tuple[int, int],
    far: float,
) -> None:
    group.nodes.clear()
    build = Builder(group)
    given = build.node("NodeGroupInput")
    scale, limit = (_number(build, name, value) for name, value in ((_SCALE, 1.0), (_FAR, far)))
    frame = build.node("CompositorNodeImage", label="Depth")
    frame.image = ownership.recall(collection, DEPTH_IMAGE)
    show_frames(frame, *frames)
    fitted = build.node("CompositorNodeScale", frame.outputs["Image"])
    set_menu(fitted, "Type", "space", "Render Size")
    _unfiltered(fitted)
    plate = _or_far(build, build.math("MULTIPLY", fitted, scale), limit)
    render = given.outputs[_RENDER_DEPTH]
    optics = contents.camera.intrinsics
    if lens.is_distorted(optics):
        known, factor = ownership.recall(collection, REDISTORT), ownership.overscan(collection)
        image = known or stmap.load_map(contents.root, optics, REDISTORT, factor, None)
        ownership.remember(collection, REDISTORT, image)
        render = stmap.sample_nearest(build, render, image)
    result = build.node("NodeGroupOutput")
    build.feed(result.inputs[_DEPTH], build.math("MINIMUM", plate, _or_far(build, render, limit)))
    build.feed(result.inputs["Plate Depth"], plate)


def _or_far(build: Builder, depth: Any, limit: Any) -> Any:
    """Depth up to a limit, which is also where nothing is known (0)."""
    known = build.math("GREATER_THAN", depth, 1e-9)
    nearer = build.math("MULTIPLY", build.math("MINIMUM", depth, limit), known)
    return build.math("ADD", nearer, build.math("MULTIPLY", build.math("SUBTRACT", 1.0, known), limit))


def _make_fog(_scene: bpy.types.Scene, collection: bpy.types.Collection, far: float) -> bpy.types.NodeTree:
    """Light is lost exponentially with the way through the fog (Beer and Lambert), of whose colour it takes on."""
    numbers = ((_RENDER_DEPTH, 1e10), (_DENSITY, 5.0 / far), (_START, 0.0))
    group = new_group(_NAMES[FOG], (_IMAGE, _COLOUR), (_IMAGE,), numbers)
    colour = next(item for item in group.interface.items_tree if item.name == _COLOUR)
    colour.default_value = (0.6, 0.65, 0.7, 1.0)
    build = Builder(group)
    given, depth = _with_depth(build, collection)
    way = build.math("MAXIMUM", build.math("SUBTRACT", depth, given.outputs[_START]), 0.0)
    lost = build.math("MULTIPLY", build.math("MULTIPLY", way, given.outputs[_DENSITY]), -1.0)
    left = build.math("EXPONENT", lost)
    fogged = build.mix(build.math("SUBTRACT", 1.0, left), given.outputs[_IMAGE], given.outputs[_COLOUR])
    build.feed(build.node("NodeGroupOutput").inputs[_IMAGE], fogged)
    return group


def _make_focus(scene: bpy.types.Scene, collection: bpy.types.Collection, _far: float) -> bpy.types.NodeTree:
    """Blender's Defocus node: it takes the focus distance from the scene's camera, the f-stop is its own."""
    group = new_group(_NAMES[FOCUS], (_IMAGE,), (_IMAGE,), ((_RENDER_DEPTH, 1e10),))
    build = Builder(group)
    given, depth = _with_depth(build, collection)
    node = build.node("CompositorNodeDefocus", given.outputs[_IMAGE], depth)
    node.scene, node.use_zbuffer = scene, True
    node.f_stop, node.blur_max = _F_STOP, _MOST_BLUR_PX
    if hasattr(node, "use_preview"):
        node.use_preview = False
    build.feed(build.node("NodeGroupOutput").inputs[_IMAGE], node)
    return group


def _with_depth(build: Builder, collection: bpy.types.Collection) -> tuple[Any, Any]:
    """The group's input node, and the socket with the scene's depth."""
    given = build.node("NodeGroupInput")
    depth = build.node("CompositorNodeGroup")
    depth.node_tree = ownership.recall(collection, SCENE_DEPTH)
    build.feed(depth.inputs[_RENDER_DEPTH], given.outputs[_RENDER_DEPTH])
    return given, depth.outputs[_DEPTH]


def _insert(scene: bpy.types.Scene, collection: bpy.types.Collection, group: bpy.types.NodeTree, effect: str) -> None:
    """Before the scene's output; fog before depth of field, which blurs it too."""
    tree = scene_tree(scene)
    if group_node(tree, group) is not None:
        return
    output = output_socket(tree)
    blur = ownership.recall(collection, FOCUS)
    later = group_node(tree, blur) if effect == FOG and blur is not None else None
    target = later.inputs[_IMAGE] if later is not None else output
    source = feeding(tree, target)
    node = tree.nodes.new("CompositorNodeGroup")
    node.node_tree = group
    node.name = node.label = _NAMES[effect]
    node.location = (target.node.location.x, target.node.location.y)
    for moved in {target.node, output.node}:
        moved.location.x += 260
    tree.links.new(source, node.inputs[_IMAGE])
    tree.links.new(_render_depth(tree), node.inputs[_RENDER_DEPTH])
    tree.links.new(node.outputs[_IMAGE], target)


def _render_depth(tree: bpy.types.NodeTree) -> bpy.types.NodeSocket:
    layers = next((n for n in tree.nodes if n.bl_idname == "CompositorNodeRLayers"), None)
    return (layers or tree.nodes.new("CompositorNodeRLayers")).outputs["Depth"]


def _focus(camera: bpy.types.Object | None, contents: ShotContents) -> str:
    """Focuses a camera that nobody has focused yet on the middle of the set."""
    if camera is None or camera.data.dof.focus_object is not None:
        return ""
    dof = camera.data.dof
    if abs(dof.focus_distance - _BLENDERS_FOCUS) < 1e-4:
        dof.focus_distance = contents.depth.middle
    return f"Focused at {dof.focus_distance:.4g}: the camera's Focus Distance or Focus Object changes it"


def _number(build: Builder, name: str, value: float) -> Any:
    kind = "CompositorNodeValue" if hasattr(bpy.types, "CompositorNodeValue") else "ShaderNodeValue"
    node = build.node(kind, label=name)
    node.name = name
    node.outputs[0].default_value = value
    return node.outputs[0]


def _unfiltered(node: Any) -> None:
    """Depth must not be mixed across edges; Blender 4.2 has no choice here, and mixes when the sizes differ."""
    if "Interpolation" in node.inputs:
        node.inputs["Interpolation"].default_value = "Nearest"
    elif hasattr(node, "interpolation"):
        node.interpolation = "Nearest".upper()


def _has_tree(scene: bpy.types.Scene) -> bool:
    if hasattr(scene, "compositing_node_group"):
        return scene.compositing_node_group is not None
    return scene.node_tree is not None
