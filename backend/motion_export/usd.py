"""USD: a skeleton with its animation (UsdSkel), and the skin it bends, by Pixar's own library.

The world is Backlot's, z up, metersPerUnit = 1; time codes are plate numbers. A frame without a pose holds the pose
before and is invisible.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from backend.body_mesh.sequence import usd_material
from backend.frame_ranges import frame_ranges
from backend.pipeline.atomic import atomic_path
from shared.body_arrays import BodyMesh
from shared.motion_arrays import Floats, Motion, joints_of

from .skin import rest_vertices
from .take import Take, take_of

_ROOT = "backlot"
_FLESH = 0.3
"""How far a body reaches beyond its joints at most, over its greatest length at rest: for the extent."""


def write_usd_skeleton(
    motion: Motion, path: Path, *, name: str = "person", body: BodyMesh | None = None, texture: str = ""
) -> None:
    """The suffix of `path`, usda or usdc, chooses text or binary. name: of the person in the file. texture: the body's,
    a file beside `path`. Raises
    `ArtifactMissing` for a motion without a pose, `DiskFull`, `ShotReadOnly`."""
    from pxr import Tf, Usd, UsdGeom

    take = take_of(motion)
    with atomic_path(path) as beside:
        stage = Usd.Stage.CreateNew(str(beside))
        UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
        UsdGeom.SetStageMetersPerUnit(stage, 1.0)
        stage.SetStartTimeCode(take.first)
        stage.SetEndTimeCode(take.numbers[-1])
        stage.SetTimeCodesPerSecond(float(take.fps))
        stage.SetFramesPerSecond(float(take.fps))
        top = UsdGeom.Xform.Define(stage, f"/{_ROOT}")
        stage.SetDefaultPrim(top.GetPrim())
        _add_person(stage, f"/{_ROOT}/{Tf.MakeValidIdentifier(name)}", motion, take, body, texture)
        stage.GetRootLayer().Save()
        # USD keeps layers open by name: without this the next export of the same shot would be refused.
        del stage


def _add_person(stage: Any, path: str, motion: Motion, take: Take, body: BodyMesh | None, texture: str) -> None:
    from pxr import UsdGeom, UsdSkel

    person = UsdSkel.Root.Define(stage, path)
    prim = person.GetPrim()
    prim.SetCustomDataByKey("engine", motion.engine)
    prim.SetCustomDataByKey("fps", motion.fps)
    _set_extent(person, motion, take)
    if take.held:
        prim.SetCustomDataByKey("framesAbsent", frame_ranges(take.held))
        seen, absent = UsdGeom.Imageable(prim).CreateVisibilityAttr(), set(take.held)
        for number in take.numbers:
            seen.Set(UsdGeom.Tokens.invisible if number in absent else UsdGeom.Tokens.inherited, number)
    skeleton = _add_skeleton(stage, f"{path}/skeleton", take)
    animation = _add_animation(stage, f"{path}/skeleton/animation", take)
    UsdSkel.BindingAPI.Apply(skeleton.GetPrim()).CreateAnimationSourceRel().SetTargets([animation.GetPath()])
    if body is not None:
        mesh = _add_body(stage, f"{path}/body", body, rest_vertices(body, motion), skeleton)
        if texture:
            usd_material(stage, f"{path}/body", mesh, f"./{texture}")


def _paths(take: Take) -> list[str]:
    """Of the joints, as USD names them: pelvis/spine/chest."""
    found: list[str] = []
    for name, parent in zip(take.names, take.parents, strict=True):
        own = "_".join(name.split())
        found.append(own if parent < 0 else f"{found[parent]}/{own}")
    return found


def _add_skeleton(stage: Any, path: str, take: Take) -> Any:
    from pxr import UsdSkel

    skeleton = UsdSkel.Skeleton.Define(stage, path)
    skeleton.CreateJointsAttr(_paths(take))
    skeleton.CreateJointNamesAttr(list(take.names))
    skeleton.CreateBindTransformsAttr(_moves(take.rest))
    skeleton.CreateRestTransformsAttr(_moves(take.bones))
    return skeleton


def _moves(places: Floats) -> Any:
    """Translations as matrices: at rest, no joint is turned."""
    from pxr import Gf, Vt

    return Vt.Matrix4dArray([Gf.Matrix4d(1.0).SetTranslate(Gf.Vec3d(*place.tolist())) for place in places])


def _add_animation(stage: Any, path: str, take: Take) -> Any:
    from pxr import Gf, UsdSkel, Vt

    animation = UsdSkel.Animation.Define(stage, path)
    animation.CreateJointsAttr(_paths(take))
    animation.CreateScalesAttr(Vt.Vec3hArray([Gf.Vec3h(1.0, 1.0, 1.0)] * len(take.names)))
    places, turns = animation.CreateTranslationsAttr(), animation.CreateRotationsAttr()
    for number, root, turn in zip(take.numbers, take.root, take.turns, strict=True):
        local = take.bones.astype(np.float32)
        local[0] = root
        places.Set(Vt.Vec3fArray.FromNumpy(local), number)
        turns.Set(Vt.QuatfArray([Gf.Quatf(*quaternion) for quaternion in turn.tolist()]), number)
    return animation


def _set_extent(person: Any, motion: Motion, take: Take) -> None:
    """What programs frame and cull by, at every known frame."""
    from pxr import Vt

    reach = _FLESH * float(np.ptp(take.rest, axis=0).max())
    places = joints_of(motion)
    extent = person.CreateExtentAttr()
    for number, joints in zip(take.numbers, places, strict=True):
        if np.isfinite(joints).all():
            box = np.stack([joints.min(0) - reach, joints.max(0) + reach]).astype(np.float32)
            extent.Set(Vt.Vec3fArray.FromNumpy(box), number)


def _add_body(stage: Any, path: str, body: BodyMesh, rest: Floats, skeleton: Any) -> Any:
    from pxr import Gf, Sdf, UsdGeom, UsdSkel, Vt

    mesh = UsdGeom.Mesh.Define(stage, path)
    vertices = np.ascontiguousarray(rest, np.float32)
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(vertices))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(body.faces), 3, np.int32)))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(np.ascontiguousarray(body.faces, np.int32).ravel()))
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateExtentAttr(Vt.Vec3fArray.FromNumpy(np.stack([vertices.min(0), vertices.max(0)])))
    primvars = UsdGeom.PrimvarsAPI(mesh)
    st = primvars.CreatePrimvar("st", Sdf.ValueTypeNames.TexCoord2fArray, UsdGeom.Tokens.faceVarying)
    st.Set(Vt.Vec2fArray.FromNumpy(np.ascontiguousarray(body.uv.reshape(-1, 2), np.float32)))
    binding = UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    binding.CreateSkeletonRel().SetTargets([skeleton.GetPath()])
    binding.CreateGeomBindTransformAttr(Gf.Matrix4d(1.0))
    influences = body.joints.shape[1]
    joints, weights = body.joints.astype(np.int32).ravel(), body.weights.astype(np.float32).ravel()
    binding.CreateJointIndicesPrimvar(False, influences).Set(Vt.IntArray.FromNumpy(joints))
    binding.CreateJointWeightsPrimvar(False, influences).Set(Vt.FloatArray.FromNumpy(weights))
    return mesh
