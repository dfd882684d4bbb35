"""mesh_sequence/: the body in every frame, in the shot's world, as a point cache that other programs read.

body.usdc is written by Pixar's library, metres, z up, time codes are plate numbers; body.abc by Blender (Alembic has no
word for its axes; Blender writes y up). In absent frames the mesh is invisible and stays where it was.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.export.blender_process import Blender, run_script
from backend.pipeline.atomic import atomic_path
from shared.body_arrays import BodyMesh, posed
from shared.motion_arrays import Motion

SEQUENCE_FOLDER, USD_FILE, ABC_FILE = "mesh_sequence", "body.usdc", "body.abc"

_AT_ONCE = 64
"""Frames between saves: what is saved, USD no longer keeps in memory."""

_ROOT = "backlot"


@dataclass(frozen=True)
class Sequence:
    """label: of the person. texture: its file, relative to the sequence's folder, "" for none. checkpoint(done, total):
    progress and cancelling."""

    label: str
    mesh: BodyMesh
    motion: Motion
    texture: str = ""
    checkpoint: Callable[[int, int], None] = lambda _done, _total: None

    def frames(self) -> Iterator[tuple[int, NDArray[np.float32], bool]]:
        """(plate number, [V,3] world, whether anything is known of it). Before the first known frame: that one's."""
        known = np.nonzero(self.motion.known)[0]
        last = posed(self.mesh, self.motion, int(known[0])) if len(known) else self.mesh.vertices
        for t, number in enumerate(self.motion.frames.tolist()):
            self.checkpoint(t, len(self.motion))
            if self.motion.known[t]:
                last = posed(self.mesh, self.motion, t)
            yield int(number), last.astype(np.float32), bool(self.motion.known[t])


def write_usd(path: Path, sequence: Sequence) -> None:
    """A mesh with a sample of its points in every frame. Raises `DiskFull`, `ShotReadOnly`, and what the checkpoint
    raises."""
    from pxr import Usd, UsdGeom, Vt

    motion = sequence.motion
    with atomic_path(path) as beside:
        stage = Usd.Stage.CreateNew(str(beside))
        UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
        UsdGeom.SetStageMetersPerUnit(stage, 1.0)
        stage.SetStartTimeCode(int(motion.frames[0]))
        stage.SetEndTimeCode(int(motion.frames[-1]))
        stage.SetTimeCodesPerSecond(float(Fraction(motion.fps)))
        stage.SetFramesPerSecond(float(Fraction(motion.fps)))
        root = UsdGeom.Xform.Define(stage, f"/{_ROOT}")
        stage.SetDefaultPrim(root.GetPrim())
        mesh = _usd_mesh(stage, sequence)
        points, extent, visibility = mesh.GetPointsAttr(), mesh.GetExtentAttr(), mesh.GetVisibilityAttr()
        for done, (number, places, known) in enumerate(sequence.frames()):
            points.Set(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(places)), number)
            extent.Set(Vt.Vec3fArray.FromNumpy(np.stack([places.min(0), places.max(0)])), number)
            if not motion.known.all():
                visibility.Set(UsdGeom.Tokens.inherited if known else UsdGeom.Tokens.invisible, number)
            if done % _AT_ONCE == _AT_ONCE - 1:
                stage.GetRootLayer().Save()
        stage.GetRootLayer().Save()
        # USD keeps layers open by name: without this the next sequence of the same shot would be refused.
        del points, extent, visibility, mesh, root, stage


def _usd_mesh(stage: Any, sequence: Sequence) -> Any:
    from pxr import Sdf, Tf, UsdGeom, Vt

    own = sequence.mesh
    path = f"/{_ROOT}/{Tf.MakeValidIdentifier(sequence.label)}"
    mesh = UsdGeom.Mesh.Define(stage, path)
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray([3] * len(own.faces)))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(np.ascontiguousarray(own.faces.ravel())))
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateDoubleSidedAttr(False)
    for create in (mesh.CreatePointsAttr, mesh.CreateExtentAttr, mesh.CreateVisibilityAttr):
        create()
    uv = UsdGeom.PrimvarsAPI(mesh).CreatePrimvar("st", Sdf.ValueTypeNames.TexCoord2fArray, UsdGeom.Tokens.faceVarying)
    uv.Set(Vt.Vec2fArray.FromNumpy(np.ascontiguousarray(own.uv.reshape(-1, 2))))
    mesh.GetPrim().SetCustomDataByKey("worldRevision", sequence.motion.world_revision)
    if sequence.texture:
        usd_material(stage, path, mesh, sequence.texture)
    return mesh


def usd_material(stage: Any, path: str, mesh: Any, texture: str) -> None:
    """UsdPreviewSurface with the texture as its colour, beside `path`. texture: relative to the file."""
    from pxr import Sdf, UsdShade

    material = UsdShade.Material.Define(stage, f"{path}_skin")
    shader, picture, reader = (UsdShade.Shader.Define(stage, f"{path}_skin/{n}") for n in ("surface", "picture", "st"))
    reader.CreateIdAttr("UsdPrimvarReader_float2")
    reader.CreateInput("varname", Sdf.ValueTypeNames.String).Set("st")
    picture.CreateIdAttr("UsdUVTexture")
    picture.CreateInput("file", Sdf.ValueTypeNames.Asset).Set(Sdf.AssetPath(texture))
    picture.CreateInput("sourceColorSpace", Sdf.ValueTypeNames.Token).Set("sRGB")
    picture.CreateInput("st", Sdf.ValueTypeNames.Float2).ConnectToSource(
        reader.CreateOutput("result", Sdf.ValueTypeNames.Float2)
    )
    shader.CreateIdAttr("UsdPreviewSurface")
    shader.CreateInput("roughness", Sdf.ValueTypeNames.Float).Set(0.8)
    shader.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f).ConnectToSource(
        picture.CreateOutput("rgb", Sdf.ValueTypeNames.Float3)
    )
    material.CreateSurfaceOutput().ConnectToSource(shader.CreateOutput("surface", Sdf.ValueTypeNames.Token))
    UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).Bind(material)


def write_alembic(path: Path, sequence: Sequence, blender: Blender, check_cancelled: Callable[[], None]) -> None:
    """By Blender's own exporter. Raises `EngineUnavailable`, `InternalError`, `DiskFull`, `ShotReadOnly`."""
    motion = sequence.motion
    rate = Fraction(motion.fps)
    with atomic_path(path) as beside, tempfile.TemporaryDirectory(prefix="backlot-body-") as name:
        folder = Path(name)
        np.savez(folder / "mesh.npz", vertices=sequence.mesh.vertices, faces=sequence.mesh.faces, uv=sequence.mesh.uv)
        write_point_cache(folder / "points.pc2", sequence)
        job = {
            "name": sequence.label,
            "mesh": str(folder / "mesh.npz"),
            "points": str(folder / "points.pc2"),
            "frames": [int(motion.frames[0]), int(motion.frames[-1])],
            "fps": [rate.numerator, rate.denominator],
            "absent": motion.frames[~motion.known].tolist(),
            "output": str(beside),
        }
        run_script(blender, "write_mesh_sequence.py", job, check_cancelled)


def write_point_cache(path: Path, sequence: Sequence) -> None:
    """Autodesk's PC2: a header, and float32 places of all vertices frame after frame."""
    motion = sequence.motion
    with path.open("wb") as file:
        head = 1, len(sequence.mesh.vertices), float(motion.frames[0]), 1.0, len(motion)
        file.write(struct.pack("<12siiffi", b"POINTCACHE2\0", *head))
        for _, places, _ in sequence.frames():
            file.write(places.astype("<f4").tobytes())
