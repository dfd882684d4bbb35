"""Renders the sample clip and its truth: `python -m tools.sample_set.render OUTPUT [--only 1,30]` (in .venv-bpy).

Writes OUTPUT/frames/frame_%04d.png, OUTPUT/gt/camera.npz and OUTPUT/gt/depth/%04d.npz. Frames already
there are kept, so a broken run goes on where it stopped.

Truth: `K` [T,3,3] px with pixel centres at +0.5 and the principal point at (W/2, H/2), `world_from_camera`
[T,4,4] in OpenCV axes (x right, y down, z forward), metres, world z up. Depth is planar z through each
pixel's centre, by ray casts against the evaluated geometry (no filter, no noise), float16, inf where empty.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix, Vector

from . import scene

WIDTH, HEIGHT, FPS, FRAMES = 640, 360, 24, 56
LENS_MM, SENSOR_MM = 30.0, 36.0
DEPTH_FRAMES = (1, 14, 28, 42, 56)
OPENCV_FROM_BLENDER = Matrix.Diagonal((1.0, -1.0, -1.0, 1.0))


def camera_pose(frame: int) -> Matrix:
    """world_from_camera (Blender axes) at a frame: a travel to the right with a rise, carried by hand."""
    t = (frame - 1) / (FRAMES - 1)
    eased = t * t * (3 - 2 * t) * 0.6 + t * 0.4
    shake = Vector(
        (
            0.012 * math.sin(9.1 * t + 0.4) + 0.004 * math.sin(31 * t),
            0.01 * math.sin(7.7 * t + 1.0),
            0.014 * math.sin(11.3 * t + 2.0) + 0.004 * math.sin(27 * t),
        )
    )
    at = Vector((-1.35 + 2.5 * eased, -4.15 + 0.75 * math.sin(2.4 * t), 1.32 + 0.42 * eased)) + shake
    target = Vector((-0.25 + 0.55 * eased + 0.02 * math.sin(13 * t), 0.9, 1.02 + 0.025 * math.sin(10.3 * t + 1.2)))
    turn = (target - at).to_track_quat("-Z", "Y").to_matrix().to_4x4()
    roll = Matrix.Rotation(math.radians(0.9 * math.sin(6.1 * t + 0.3)), 4, "Z")
    return Matrix.Translation(at) @ turn @ roll


def prepare(samples: int) -> bpy.types.Object:
    """An empty scene with the set, the camera and Cycles ready to render; returns the camera."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene.build()
    lens = bpy.data.cameras.new("Camera")
    lens.lens, lens.sensor_width, lens.sensor_fit, lens.clip_end = LENS_MM, SENSOR_MM, "HORIZONTAL", 100.0
    camera = bpy.data.objects.new("Camera", lens)
    bpy.context.scene.collection.objects.link(camera)
    made = bpy.context.scene
    made.camera = camera
    render = made.render
    render.engine, render.resolution_x, render.resolution_y, render.resolution_percentage = "CYCLES", WIDTH, HEIGHT, 100
    render.fps, render.use_persistent_data = FPS, True
    render.image_settings.file_format = "PNG"
    made.cycles.samples, made.cycles.use_denoising, made.cycles.max_bounces = samples, True, 5
    made.cycles.use_adaptive_sampling = True
    made.view_settings.view_transform, made.view_settings.look = "AgX", "AgX - Medium High Contrast"
    made.view_settings.exposure = 0.35
    return camera


def planar_depth(camera: bpy.types.Object) -> np.ndarray:
    """[H,W] float32: z along the camera axis in metres through each pixel's centre, inf where nothing is hit."""
    graph = bpy.context.evaluated_depsgraph_get()
    pose = camera.matrix_world
    turn, origin = pose.to_3x3(), pose.translation
    focal = LENS_MM / SENSOR_MM * WIDTH
    inverse = pose.inverted()
    depth = np.full((HEIGHT, WIDTH), np.inf, np.float32)
    for row in range(HEIGHT):
        for column in range(WIDTH):
            ray = Vector(((column + 0.5 - WIDTH / 2) / focal, -(row + 0.5 - HEIGHT / 2) / focal, -1.0))
            hit, point, *_ = bpy.context.scene.ray_cast(graph, origin, (turn @ ray).normalized())
            if hit:
                depth[row, column] = -(inverse @ point).z
    return depth


def truth() -> dict[str, np.ndarray]:
    """The camera of every frame, as described at the top of this file."""
    focal = LENS_MM / SENSOR_MM * WIDTH
    k = np.array([[focal, 0, WIDTH / 2], [0, focal, HEIGHT / 2], [0, 0, 1]], np.float64)
    poses = [np.array(camera_pose(frame) @ OPENCV_FROM_BLENDER) for frame in range(1, FRAMES + 1)]
    return {
        "K": np.repeat(k[None], FRAMES, 0),
        "world_from_camera": np.stack(poses),
        "fps": np.float64(FPS),
        "distortion": np.zeros(5),
        "width": np.int64(WIDTH),
        "height": np.int64(HEIGHT),
    }


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--only", default="", help="frame numbers, comma-separated (default: all)")
    parser.add_argument("--samples", type=int, default=14)
    options = parser.parse_args(argv)
    (options.output / "gt/depth").mkdir(parents=True, exist_ok=True)
    camera = prepare(options.samples)
    np.savez(options.output / "gt/camera.npz", **truth())
    for frame in [int(number) for number in options.only.split(",") if number] or range(1, FRAMES + 1):
        camera.matrix_world = camera_pose(frame)
        bpy.context.view_layer.update()
        depth_file = options.output / f"gt/depth/{frame:04d}.npz"
        if frame in DEPTH_FRAMES and not depth_file.exists():
            np.savez_compressed(depth_file, depth=planar_depth(camera).astype(np.float16))
        picture = options.output / f"frames/frame_{frame:04d}.png"
        if not picture.exists():
            bpy.context.scene.render.filepath = str(picture.resolve())
            bpy.ops.render.render(write_still=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
