"""USD, `.usda` and `.usdc`, by Pixar's own library: a camera, the points, and the clip's time range.

USD lengths of a camera's lens and film back are in tenths of a scene unit (UsdGeomCamera); scenes are written
with metersPerUnit = 1, so 35 mm is 0.35. Frames without a pose have no time sample and an "invisible" camera.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from backend.frame_ranges import frame_ranges
from backend.pipeline.atomic import atomic_path
from shared import axes

from .camera_track import CameraSample, CameraTrack, PointCloud

_ROOT = "backlot"
_MM = 0.01
"""Tenths of a metre in a millimetre."""


def write_usd(path: Path, track: CameraTrack, cloud: PointCloud, convention: axes.Convention) -> None:
    """The suffix of `path`, usda or usdc, chooses text or binary."""
    from pxr import Usd, UsdGeom

    scene = axes.with_scene_camera(convention)
    with atomic_path(path) as beside:
        stage = Usd.Stage.CreateNew(str(beside))
        UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z if scene.world == axes.BLENDER.world else UsdGeom.Tokens.y)
        UsdGeom.SetStageMetersPerUnit(stage, 1.0)
        _set_times(stage, track)
        root = UsdGeom.Xform.Define(stage, f"/{_ROOT}")
        stage.SetDefaultPrim(root.GetPrim())
        _add_camera(stage, f"/{_ROOT}/camera", track, scene)
        if len(cloud.xyz):
            _add_points(stage, f"/{_ROOT}/points", cloud, scene)
        stage.GetRootLayer().Save()
        # USD keeps layers open by name: without this the next export of the same shot would be refused.
        del stage


def _set_times(stage: Any, track: CameraTrack) -> None:
    stage.SetStartTimeCode(track.first)
    stage.SetEndTimeCode(track.last)
    stage.SetTimeCodesPerSecond(float(track.fps))
    stage.SetFramesPerSecond(float(track.fps))


def _add_camera(stage: Any, path: str, track: CameraTrack, scene: axes.Convention) -> None:
    from pxr import Gf, UsdGeom

    camera = UsdGeom.Camera.Define(stage, path)
    place = camera.AddTransformOp()
    for sample in track.solved:
        assert sample.pose is not None
        # USD multiplies row vectors: its matrices are the transposed ones.
        place.Set(Gf.Matrix4d(*np.array(axes.pose_to(scene, sample.pose)).T.ravel().tolist()), sample.frame)
    camera.CreateProjectionAttr(UsdGeom.Tokens.perspective)
    for attribute, values in _lens(camera, track).items():
        _set(attribute, values, track)
    if track.gaps:
        seen, gaps = camera.CreateVisibilityAttr(), set(track.gaps)
        for number in range(track.first, track.last + 1):
            seen.Set(UsdGeom.Tokens.invisible if number in gaps else UsdGeom.Tokens.inherited, number)
        camera.GetPrim().SetCustomDataByKey("framesNotSolved", frame_ranges(track.gaps))


def _lens(camera: Any, track: CameraTrack) -> dict[Any, list[float]]:
    """Attribute -> its value at every frame."""
    heights = [track.film_height_mm(sample) for sample in track.samples]
    offsets = [track.film_offset(sample) for sample in track.samples]
    return {
        camera.CreateFocalLengthAttr(): [sample.focal_mm * _MM for sample in track.samples],
        camera.CreateHorizontalApertureAttr(): [track.film_width_mm * _MM] * len(heights),
        camera.CreateVerticalApertureAttr(): [height * _MM for height in heights],
        camera.CreateHorizontalApertureOffsetAttr(): [right * track.film_width_mm * _MM for right, _ in offsets],
        camera.CreateVerticalApertureOffsetAttr(): [
            up * height * _MM for (_, up), height in zip(offsets, heights, strict=True)
        ],
    }


def _set(attribute: Any, values: list[float], track: CameraTrack) -> None:
    """A constant as the default value, anything else as time samples of the solved frames."""
    if len(set(values)) == 1:
        attribute.Set(values[0])
        return
    pairs: list[tuple[CameraSample, float]] = list(zip(track.samples, values, strict=True))
    for sample, value in pairs:
        if sample.pose is not None:
            attribute.Set(value, sample.frame)


def _add_points(stage: Any, path: str, cloud: PointCloud, scene: axes.Convention) -> None:
    from pxr import UsdGeom, Vt

    points = UsdGeom.Points.Define(stage, path)
    xyz = cloud.turned(scene).astype(np.float32)
    points.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(xyz)))
    # displayColor is linear: sRGB bytes are decoded (IEC 61966-2-1).
    srgb = cloud.rgb.astype(np.float32) / 255.0
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)
    colour = points.CreateDisplayColorPrimvar(UsdGeom.Tokens.vertex)
    colour.Set(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(linear)))
    size = point_size(cloud)
    points.CreateWidthsAttr(Vt.FloatArray([size]))
    points.SetWidthsInterpolation(UsdGeom.Tokens.constant)
    points.CreateExtentAttr(
        Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(np.stack((xyz.min(axis=0) - size, xyz.max(axis=0) + size))))
    )


def point_size(cloud: PointCloud) -> float:
    """A width for drawing points: 1/400 of the cloud's core, the middle 90 % along its longest side."""
    if len(cloud.xyz) == 0:
        return 0.01
    low, high = np.percentile(cloud.xyz, (5.0, 95.0), axis=0)
    return max(float((high - low).max()) / 400.0, 1e-6)
