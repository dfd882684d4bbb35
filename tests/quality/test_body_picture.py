"""The body and the plate: its outline against the masks, its texture, and its sequence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from pxr import Usd, UsdGeom
from scipy.spatial import cKDTree

from backend.body_mesh import BodyJob, make_body, posed, read_body
from backend.body_mesh.girths import girths_of
from backend.body_mesh.raster import rasterised
from backend.body_mesh.silhouette import refined
from backend.body_mesh.texels import texels_of
from shared.errors import InternalError, JobCancelled
from tests.quality.body_plate import DETAIL, FRAMES, Turning


@pytest.fixture(scope="module")
def scene() -> Turning:
    return Turning()


@pytest.fixture(scope="module")
def made(scene: Turning, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    folder = tmp_path_factory.mktemp("body")
    result = make_body(job(scene, folder))
    assert all(path.is_file() for path in result.files)
    return folder, result.facts


def job(scene: Turning, folder: Path, **changes: object) -> BodyJob:
    intrinsics, extrinsics = scene.cameras
    whole = BodyJob(
        "ann", scene.motion, intrinsics, extrinsics, folder, scene.picture, scene.mask, texture_side=256, detail=DETAIL
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def test_the_nearer_triangle_hides_the_other() -> None:
    pixels = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0], [0.0, 0.0], [8.0, 0.0], [8.0, 8.0]])
    depth = np.array([2.0, 2.0, 2.0, 1.0, 1.0, 1.0])
    faces = np.array([[0, 1, 2], [3, 4, 5]], np.int32)
    buffer = rasterised(pixels, depth, faces, (8, 8))
    assert buffer.face[0, 6] == 1 and buffer.depth[0, 6] == 1.0
    assert buffer.face[6, 0] == 0 and buffer.face[7, 1] == -1 and np.isinf(buffer.depth[7, 1])


def test_masks_make_a_stout_person_stout(scene: Turning, made: tuple[Path, dict[str, object]]) -> None:
    folder, facts = made
    before, after = (float(facts[f"silhouette_{when}"]) for when in ("before", "after"))  # type: ignore[arg-type]
    assert before < 0.97 and 1.0 - after < 0.55 * (1.0 - before)
    meshes = scene.proxy, read_body(folder / "body.npz")
    off = [np.linalg.norm(mesh.vertices - scene.truth.vertices, axis=1).mean() for mesh in meshes]
    assert off[1] < 0.75 * off[0]


def test_masks_of_something_else_change_nothing(scene: Turning) -> None:
    other = np.zeros((208, 160), bool)
    other[:40, :40] = True
    assert refined(scene.proxy, scene.motion, scene.views, lambda _n: other) is None
    assert refined(scene.proxy, scene.motion, scene.views, lambda _n: None) is None


def test_somebody_in_front_makes_nobody_slim(scene: Turning) -> None:
    views = {number: scene.views[number] for number in (1, 2)}
    front = np.zeros((208, 160), bool)
    front[90:150, :82] = True

    def mask(number: int) -> np.ndarray:
        return (scene.mask("ann", number) > 127) & ~front

    known = refined(scene.proxy, scene.motion, views, mask, hidden=lambda _n: front)
    unknown = refined(scene.proxy, scene.motion, views, mask)
    assert known is not None and unknown is not None
    off = [np.linalg.norm(one.mesh.vertices - scene.truth.vertices, axis=1).mean() for one in (known, unknown)]
    assert off[0] < 0.8 * off[1]


def test_girths_are_the_same_on_both_sides(scene: Turning) -> None:
    girths = girths_of(scene.proxy)
    stout = girths.moved(scene.proxy, np.full(len(girths.names), 0.2)).vertices
    assert cKDTree(stout).query(stout * [-1.0, 1.0, 1.0])[0].max() < 1e-4


def test_the_texture_is_the_suit(scene: Turning, made: tuple[Path, dict[str, object]]) -> None:
    folder, facts = made
    mesh = read_body(folder / "body.npz")
    texels = texels_of(mesh, 256)
    texture = cv2.imread(str(folder / "texture.png"))[..., ::-1].reshape(-1, 3)[texels.place] / 255.0
    seen = cv2.imread(str(folder / "texture_seen.png"), cv2.IMREAD_GRAYSCALE).ravel()[texels.place] == 255
    rest = np.einsum("nk,nkc->nc", texels.shares, mesh.vertices[mesh.faces[texels.face]])
    light = np.where(texture <= 0.04045, texture / 12.92, ((texture + 0.055) / 1.055) ** 2.4)
    # All frames together are between the brighter and the darker ones.
    gain = np.median(light[seen] / np.maximum(scene.suit(rest[seen]), 0.05))
    assert 1.0 < gain < 1.25
    apart = np.abs(light - gain * scene.suit(rest)).mean(1)
    assert apart[seen].mean() < 0.045
    assert 0.7 < seen.mean() < 0.99 and facts["texture_coverage"] == pytest.approx(seen.mean(), abs=0.001)
    assert not seen[rest[:, 2] < 0.004].any()
    assert apart[~seen].mean() < 0.2
    assert facts["texture_error"] < 16.0


def test_another_person_s_pixels_stay_out(scene: Turning, tmp_path: Path) -> None:
    left = np.zeros((208, 160), np.uint8)
    left[:, :80] = 255

    def mask(label: str, number: int) -> np.ndarray | None:
        return left if label == "bob" else scene.mask(label, number)

    def picture(number: int) -> np.ndarray:
        seen = scene.picture(number).copy()
        seen[:, :80] = (255, 0, 255)
        return seen

    short = replace(
        scene.motion, frames=scene.motion.frames[:2], joints=scene.motion.joints[:2], state=("tracked",) * 2
    )
    wanted = {"mask": mask, "picture": picture, "others": ("bob",), "refine": False, "sequence": (), "motion": short}
    made = make_body(job(scene, tmp_path, **wanted))
    texels = texels_of(made.mesh, 256)
    texture = cv2.imread(str(tmp_path / "texture.png")).reshape(-1, 3)[texels.place].astype(int)
    assert ((texture[:, 0] > 200) & (texture[:, 1] < 60)).mean() < 0.002


def test_the_sequence_is_the_body_in_every_frame(scene: Turning, made: tuple[Path, dict[str, object]]) -> None:
    folder, _ = made
    mesh = read_body(folder / "body.npz")
    stage = Usd.Stage.Open(str(folder / "mesh_sequence" / "body.usdc"))
    points = UsdGeom.Mesh(stage.GetPrimAtPath("/backlot/ann")).GetPointsAttr()
    assert points.GetTimeSamples() == [float(n) for n in range(1, FRAMES + 1)]
    assert stage.GetTimeCodesPerSecond() == 24.0 and UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.z
    for number in (1, 4):
        apart = np.array(points.Get(number)) - posed(mesh, scene.motion, number - 1)
        assert np.abs(apart).max() < 1e-5


def test_where_nobody_is_there_is_no_body(scene: Turning, tmp_path: Path) -> None:
    nobody = replace(
        scene.motion, state=("absent",) * FRAMES, joints=np.full_like(scene.motion.joints, np.nan)
    )  # fmt: skip
    with pytest.raises(InternalError, match="ann"):
        make_body(job(scene, tmp_path, motion=nobody))


def test_a_cancel_stops_it(scene: Turning, tmp_path: Path) -> None:
    def cancelled(_what: str, _done: int, _total: int) -> None:
        raise JobCancelled("stopped")

    with pytest.raises(JobCancelled):
        make_body(job(scene, tmp_path, checkpoint=cancelled))
    assert not list(tmp_path.iterdir())
