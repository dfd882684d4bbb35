"""Installs the packaged extension, imports the demo's shot with it, adds things to judge by, renders (in .venv-bpy).

`python -m tools.demo.scene PACKAGE DEMO_FOLDER SAMPLES`; the Blender profile is `BLENDER_USER_RESOURCES`. Writes
scene.blend and render/frame_%04d.png: the points and the test objects alone, on transparent ground.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from .support import Support, find_support

EXTENSION = "bl_ext.user_default.backlot"
SHEET_FRAMES = 6
POINT_PX = 1.5
"""Radius at which the cloud's points are drawn, in plate pixels at the middle of the set."""
OBJECT_SIZE = 0.1
"""Size of the test objects, of the distance between camera and set."""


def install(package: Path) -> Any:
    """The API of the extension, installed and enabled as a user would."""
    bpy.ops.extensions.package_install_files(filepath=str(package), repo="user_default", enable_on_install=True)
    return importlib.import_module(f"{EXTENSION}.api")


def cloud_positions(cloud: bpy.types.Object) -> NDArray[np.float64]:
    """World positions [N,3] of the imported points."""
    count = len(cloud.data.vertices)
    flat = np.empty(count * 3, np.float32)
    cloud.data.attributes["position"].data.foreach_get("vector", flat)
    matrix = np.array(cloud.matrix_world)
    world: NDArray[np.float64] = flat.reshape(-1, 3).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    return world


def camera_matrices(scene: bpy.types.Scene) -> NDArray[np.float64]:
    """World matrices [T,4,4] of the scene's camera on every frame, Blender's axes."""
    matrices = []
    for frame in range(scene.frame_start, scene.frame_end + 1):
        scene.frame_set(frame)
        matrices.append(np.array(scene.camera.matrix_world))
    return np.array(matrices)


def painted(name: str, colour: tuple[float, float, float], other: tuple[float, float, float]) -> bpy.types.Material:
    """A chequered material, so that a slip shows."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    where, checks = tree.nodes.new("ShaderNodeTexCoord"), tree.nodes.new("ShaderNodeTexChecker")
    checks.inputs["Scale"].default_value = 4.0
    checks.inputs["Color1"].default_value, checks.inputs["Color2"].default_value = (*colour, 1), (*other, 1)
    tree.links.new(where.outputs["Generated"], checks.inputs["Vector"])
    tree.links.new(checks.outputs["Color"], tree.nodes["Principled BSDF"].inputs["Base Color"])
    return material


def glowing(name: str, colour: tuple[float, float, float]) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    glow = tree.nodes.new("ShaderNodeEmission")
    glow.inputs["Color"].default_value = (*colour, 1)
    tree.links.new(glow.outputs["Emission"], tree.nodes["Material Output"].inputs["Surface"])
    return material


def into(collection: bpy.types.Collection, made: bpy.types.Object) -> bpy.types.Object:
    for holder in list(made.users_collection):
        holder.objects.unlink(made)
    collection.objects.link(made)
    return made


def add_test_objects(collection: bpy.types.Collection, support: Support, size: float) -> None:
    """A cube, a cone and a shadow catcher on the surface that was found in the cloud."""
    frame = Matrix(support.frame.tolist())
    bpy.ops.mesh.primitive_cube_add(size=size)
    cube = into(collection, bpy.context.object)
    cube.name, cube.matrix_world = "Test cube", frame @ Matrix.Translation((-0.75 * size, 0, 0.5 * size))
    cube.data.materials.append(painted("Test cube", (0.9, 0.35, 0.02), (0.95, 0.9, 0.8)))
    bpy.ops.mesh.primitive_cone_add(vertices=48, radius1=0.5 * size, depth=1.2 * size)
    cone = into(collection, bpy.context.object)
    cone.name, cone.matrix_world = "Test cone", frame @ Matrix.Translation((0.75 * size, 0, 0.6 * size))
    cone.data.materials.append(painted("Test cone", (0.02, 0.25, 0.8), (0.85, 0.9, 0.95)))
    bpy.ops.mesh.primitive_plane_add(size=6 * size)
    ground = into(collection, bpy.context.object)
    ground.name, ground.matrix_world, ground.is_shadow_catcher = "Shadow catcher", frame, True
    light = bpy.data.lights.new("Key", "SUN")
    light.energy, light.angle = 3.5, 0.05
    key = into(collection, bpy.data.objects.new("Key", light))
    # From the left and a little from the front: the shadows fall beside the objects, where they can be seen.
    key.matrix_world = frame @ Matrix.Rotation(-0.85, 4, "Y") @ Matrix.Rotation(0.3, 4, "X")


def add_visible_points(collection: bpy.types.Collection, cloud: bpy.types.Object, radius: float) -> None:
    """A copy of the cloud that renders: its own colours would vanish in the plate."""
    shown = cloud.copy()
    shown.name, shown.hide_render = "Points over the plate", False
    collection.objects.link(shown)
    material = glowing("Points over the plate", (0.02, 1.0, 0.35))
    for modifier in shown.modifiers:
        for item in modifier.node_group.interface.items_tree:
            if item.name == "Radius":
                modifier[item.identifier] = radius
            if item.name == "Material":
                modifier[item.identifier] = material
    shown.visible_shadow = shown.visible_diffuse = shown.visible_glossy = False


def prepare_render(scene: bpy.types.Scene, samples: int) -> None:
    """Cycles over nothing, colours as they are: the sheet puts the result over the plate."""
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = samples, True
    scene.render.film_transparent = scene.render.use_persistent_data = True
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.view_settings.view_transform = "Standard"
    if scene.world is None:
        scene.world = bpy.data.worlds.new("World")
    scene.world.use_nodes = True
    background = scene.world.node_tree.nodes.get("Background")
    if background is not None:
        background.inputs["Strength"].default_value = 0.6


def main(argv: Sequence[str]) -> int:
    package, demo, samples = Path(argv[0]), Path(argv[1]), int(argv[2])
    api = install(package)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    imported = api.import_shot(demo / "shot")
    print(imported.summary)
    scene = bpy.context.scene
    poses = camera_matrices(scene)
    positions = cloud_positions(imported.cloud)
    support = find_support(positions, poses, seed=1)
    collection = bpy.data.collections.new("Demo")
    scene.collection.children.link(collection)
    add_test_objects(collection, support, OBJECT_SIZE * support.distance)
    focal_px = imported.camera.data.lens / imported.camera.data.sensor_width * scene.render.resolution_x
    add_visible_points(collection, imported.cloud, POINT_PX * support.distance / focal_px)
    prepare_render(scene, samples)
    bpy.ops.wm.save_as_mainfile(filepath=str(demo / "scene.blend"))
    for frame in np.linspace(scene.frame_start, scene.frame_end, SHEET_FRAMES).round().astype(int):
        scene.frame_set(int(frame))
        scene.render.filepath = str(demo / f"render/frame_{frame:04d}.png")
        bpy.ops.render.render(write_still=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
