"""Fusion: the field, the surface from it, and what is left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.fusion.cleaning import without_outliers, without_small_pieces
from backend.fusion.frame_mesh import frame_mesh
from backend.fusion.fuse import Fusion, fuse
from backend.fusion.holes import with_small_holes_closed
from backend.fusion.marching_table import EDGES, triangle_table
from backend.fusion.planes import closed, tangents
from backend.fusion.ply import read_ply, write_ply
from backend.fusion.settings import FusionSettings
from backend.fusion.shapes import Cloud, FusionFrame, Mesh, face_areas, joined
from backend.fusion.simplify import simplified
from backend.fusion.surface import surface
from backend.fusion.volume import OFFSETS, SIDE, Volume, blocks_of, keys_of, pour
from shared.errors import ArtifactMissing, ShotCorrupt
from tests.unit.fusion_scene import BALL, COLOURS, RADIUS, frames, off_surface


def ball_volume(voxel: float, radius: float = 1.0) -> Volume:
    """A volume that holds a ball about the origin, all of it."""
    volume = Volume(voxel)
    most = int(np.ceil(1.5 * radius / voxel / SIDE))
    blocks = np.stack(np.meshgrid(*(np.arange(-most, most),) * 3, indexing="ij"), -1).reshape(-1, 3)
    volume.allocate(np.sort(keys_of(blocks)))
    places = (volume.blocks[: volume.count, None] * SIDE + OFFSETS) * voxel
    volume.distance[: volume.count] = np.linalg.norm(places, axis=-1) - radius
    volume.weight[: volume.count] = 1.0
    volume.evidence[: volume.count] = 3
    return volume


def edge_counts(faces: np.ndarray) -> np.ndarray:
    edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    return np.unique(edges, axis=0, return_counts=True)[1]


def test_every_case_of_marching_cubes_cuts_just_its_edges() -> None:
    table = triangle_table()
    for inside in range(256):
        cut = {e for e, (a, b) in enumerate(EDGES) if (inside >> a & 1) != (inside >> b & 1)}
        assert set(table[inside][table[inside] >= 0].tolist()) == cut


def test_noise_gives_a_surface_without_holes() -> None:
    """Every ambiguous case meets every other in a random field; the inside of the border is solid."""
    volume = Volume(1.0)
    volume.allocate(np.sort(keys_of(np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]))))
    places = volume.blocks[: volume.count, None] * SIDE + OFFSETS
    inside = ((places > 0) & (places < 14)).all(-1)
    noise = np.random.default_rng(0).choice([-0.5, 0.5], inside.shape)
    volume.distance[: volume.count] = np.where(inside, noise, 0.5)
    volume.weight[: volume.count] = volume.evidence[: volume.count] = 1
    counts = edge_counts(surface(volume, 1).faces)
    assert (counts % 2 == 0).all()


def test_a_ball_comes_back_closed_round_and_outward() -> None:
    mesh = surface(ball_volume(0.1), 3)
    xyz = mesh.vertices.xyz
    assert (edge_counts(mesh.faces) == 2).all()
    assert len(xyz) - len(edge_counts(mesh.faces)) + len(mesh.faces) == 2
    assert np.abs(np.linalg.norm(xyz, axis=1) - 1.0).max() < 0.005
    assert (mesh.vertices.normals * xyz).sum(1).min() > 0.97
    assert face_areas(mesh).sum() == pytest.approx(4 * np.pi, rel=0.01)


def test_voxels_without_enough_evidence_make_no_surface() -> None:
    assert len(surface(ball_volume(0.2), 4).faces) == 0


def test_a_coarser_volume_takes_the_surface_over() -> None:
    coarse = Volume(0.1)
    pour(ball_volume(0.05), coarse)
    mesh = surface(coarse, 3)
    assert (edge_counts(mesh.faces) == 2).all()
    assert np.abs(np.linalg.norm(mesh.vertices.xyz, axis=1) - 1.0).max() < 0.005


def test_keys_name_blocks() -> None:
    blocks = np.array([[0, 0, 0], [-1, 5, -7], [60000, -60000, 3]])
    assert (blocks_of(keys_of(blocks)) == blocks).all()


def test_tangents_are_those_of_planes_up_to_edges() -> None:
    K = np.array([[100.0, 0, 32], [0, 100.0, 24], [0, 0, 1]])
    y, x = np.mgrid[:48, :64] + 0.5
    inverse = 0.3 + 0.002 * (x - 32) + 0.003 * (y - 24)
    depth = np.where(x < 40, 1.0 / inverse, 0.5 / inverse).astype(np.float32)
    planes = tangents(depth, np.ones(depth.shape, bool), K)
    wanted = np.array([0.2, 0.3, 0.3])
    assert planes.known[10, 10] and planes.known[30, 60]
    np.testing.assert_allclose(planes.normal[10, 10], wanted, rtol=1e-4)
    beside = planes.known[:, 39]
    np.testing.assert_allclose(planes.normal[beside, 39], np.broadcast_to(wanted, (beside.sum(), 3)), rtol=1e-3)


def test_gaps_in_a_surface_close_and_wide_ones_stay() -> None:
    depth = np.full((40, 60), 2.0, np.float32)
    known = np.ones(depth.shape, bool)
    known[18:21, 10:13] = known[5:30, 30:50] = False
    filled, now = closed(np.where(known, depth, 0), known, np.ones_like(known))
    assert now[18:21, 10:13].all() and np.allclose(filled[18:21, 10:13], 2.0)
    assert not now[10:25, 36:44].any()
    assert not closed(depth, known, np.zeros_like(known))[1][19, 11]


def test_the_scene_is_fused_where_it_is() -> None:
    fused = fuse(frames(), FusionSettings())
    assert fused.cloud is not None and fused.mesh is not None and fused.frames == 6
    assert np.quantile(off_surface(fused.cloud.xyz), 0.99) < 0.01
    on_ball = np.abs(np.linalg.norm(fused.cloud.xyz - BALL, axis=1) - RADIUS) < 0.01
    on_ball &= fused.cloud.xyz[:, 2] > 0.2
    assert on_ball.sum() > 500
    outward = (fused.cloud.xyz - BALL)[on_ball] / RADIUS
    assert np.median((fused.cloud.normals[on_ball] * outward).sum(1)) > 0.98
    assert (np.median(fused.cloud.rgb[on_ball], 0) == COLOURS[0]).all()
    assert fused.cloud.xyz[:, 2].max() < 2.05


def test_the_same_frames_give_the_same_mesh() -> None:
    one, other = (fuse(frames(2, 0.003), FusionSettings()).mesh for _ in range(2))
    assert one is not None and other is not None
    assert (one.faces == other.faces).all() and (one.vertices.xyz == other.vertices.xyz).all()


def test_movers_and_filled_depths_are_left_out() -> None:
    def spoiled(frame: FusionFrame) -> FusionFrame:
        depth, sure = frame.depth.copy(), frame.confidence.copy()
        moving = np.zeros(depth.shape, bool)
        moving[20:60, 10:40] = True
        depth[moving] = 1.0
        depth[20:60, 80:110], sure[20:60, 80:110] = 1.0, 0.3
        return replace(frame, depth=depth, confidence=sure, moving=moving)

    fused = fuse((spoiled(frame) for frame in frames(3)), FusionSettings(component_voxels=0))
    assert fused.cloud is not None
    assert np.quantile(off_surface(fused.cloud.xyz), 0.995) < 0.02


def test_frames_that_are_unsure_need_each_other() -> None:
    def unsure(count: int, confidence: float) -> Iterator[FusionFrame]:
        for frame in frames(count):
            yield replace(frame, confidence=np.full_like(frame.confidence, confidence))

    with pytest.raises(ArtifactMissing):
        fuse(unsure(1, 0.6), FusionSettings())
    assert fuse(unsure(1, 0.85), FusionSettings()).full_faces > 1000
    assert fuse(unsure(2, 0.6), FusionSettings()).full_faces > 1000


def test_memory_is_kept_by_coarser_voxels() -> None:
    free = fuse(frames(2), FusionSettings())
    held = fuse(frames(2), FusionSettings(memory_mb=4))
    assert held.voxels[0] > free.voxels[0] and held.notices and not free.notices
    assert held.cloud is not None and np.quantile(off_surface(held.cloud.xyz), 0.95) < 0.02


def test_frames_without_depth_are_an_error_with_its_remedy() -> None:
    empty = (replace(frame, confidence=np.zeros_like(frame.confidence)) for frame in frames(2))
    with pytest.raises(ArtifactMissing, match="0 frames"):
        fuse(empty, FusionSettings())
    with pytest.raises(ArtifactMissing):
        Fusion(FusionSettings()).result()


def test_fewer_faces_keep_shape_and_colour() -> None:
    mesh = surface(ball_volume(0.05), 1)
    left = mesh.vertices.xyz[:, 0] < 0
    rgb = np.where(left[:, None], [255, 0, 0], [0, 0, 255]).astype(np.uint8)
    moved = replace(mesh.vertices, xyz=mesh.vertices.xyz + np.float32(1000.0), rgb=rgb)
    small = simplified(Mesh(moved, mesh.faces), 1000)
    assert 900 <= len(small.faces) <= 1000
    assert np.abs(np.linalg.norm(small.vertices.xyz - 1000.0, axis=1) - 1.0).max() < 0.02
    assert (small.vertices.rgb[small.vertices.xyz[:, 0] < 999.9] == [255, 0, 0]).all()
    assert simplified(mesh, 0) is mesh


def test_loose_pieces_and_far_points_go() -> None:
    big, small = surface(ball_volume(0.1), 1), surface(ball_volume(0.5), 1)
    both = joined([big, small])
    assert len(without_small_pieces(both, len(small.faces) + 1).faces) == len(big.faces)
    far = replace(big.vertices, xyz=np.concatenate([big.vertices.xyz[:-1], [[9.0, 9.0, 9.0]]]).astype(np.float32))
    kept = without_outliers(far)
    assert len(big.vertices) - 5 < len(kept) < len(big.vertices) and kept.xyz.max() < 2


def test_small_holes_close_and_large_ones_stay() -> None:
    ball = surface(ball_volume(0.1), 1)
    a_vertex = int(ball.faces[0, 0])
    small = ball.only_faces((ball.faces != a_vertex).all(1))
    back = with_small_holes_closed(small, 24)
    assert (edge_counts(back.faces) == 2).all() and len(back.vertices) == len(ball.vertices)
    assert face_areas(back).sum() == pytest.approx(face_areas(ball).sum(), rel=1e-3)
    assert (back.vertices.normals * back.vertices.xyz).sum(1).min() > 0.9
    half = ball.only_faces((ball.vertices.xyz[ball.faces][:, :, 2] > 0).all(1))
    assert with_small_holes_closed(half, 24) is half


def test_a_frames_mesh_is_cut_at_edges() -> None:
    frame = next(frames(1))
    mesh = frame_mesh(frame)
    a, b, c = (mesh.vertices.xyz[mesh.faces[:, i]] for i in range(3))
    centre = frame.pose.world_from_camera[:3, 3]
    across = np.cross(b - a, c - a)
    assert (np.einsum("ij,ij->i", across, centre - a) > 0).mean() > 0.999
    sides = np.stack([np.linalg.norm(b - a, axis=1), np.linalg.norm(c - b, axis=1), np.linalg.norm(a - c, axis=1)])
    assert len(mesh.faces) > 15000 and sides.max() < 0.6
    assert off_surface((a + b + c) / 3).max() < 0.03  # where the ball meets the floor, its pixels do too
    assert len(frame_mesh(frame, every=2).faces) < 0.3 * len(mesh.faces)


def test_ply_comes_back_and_other_files_are_named(tmp_path: Path) -> None:
    mesh = surface(ball_volume(0.2), 1)
    for shape in (mesh, mesh.vertices):
        write_ply(tmp_path / "a.ply", shape)
        back = read_ply(tmp_path / "a.ply")
        cloud = back.vertices if isinstance(back, Mesh) else back
        assert isinstance(back, type(shape)) and (cloud.xyz == mesh.vertices.xyz).all()
        assert (cloud.normals == mesh.vertices.normals).all() and (cloud.rgb == mesh.vertices.rgb).all()
    write_ply(tmp_path / "mesh.ply", mesh)
    back = read_ply(tmp_path / "mesh.ply")
    assert isinstance(back, Mesh) and (back.faces == mesh.faces).all()
    whole = (tmp_path / "mesh.ply").read_bytes()
    for bad in (b"", b"ply\nformat ascii 1.0\nend_header\n", whole[:-7]):
        (tmp_path / "bad.ply").write_bytes(bad)
        with pytest.raises(ShotCorrupt, match=r"bad\.ply"):
            read_ply(tmp_path / "bad.ply")


def test_an_empty_cloud_can_be_written(tmp_path: Path) -> None:
    nothing = np.zeros((0, 3), np.float32)
    write_ply(tmp_path / "none.ply", Cloud(nothing, nothing, nothing.astype(np.uint8)))
    assert isinstance(read_ply(tmp_path / "none.ply"), Cloud)
