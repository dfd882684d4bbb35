"""The proxy body: what it must be for every person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from body_scene import STATURE_M, standing
from scipy.spatial import cKDTree

from backend.body_mesh.flatten import overlaps, signed_areas
from backend.body_mesh.netting import is_manifold, neighbours
from backend.body_mesh.proxy import build_mesh
from shared.body_arrays import BodyMesh, posed, read_body, write_body
from shared.errors import ArtifactMissing, ShotCorrupt

BENT = {
    "left_shoulder": (0.0, 1.1, 0.0),
    "left_elbow": (0.0, 0.0, -1.4),
    "left_hip": (-1.2, 0.0, 0.0),
    "left_knee": (1.5, 0.0, 0.0),
    "chest": (0.2, 0.0, 0.4),
    "head": (0.0, 0.0, 0.5),
}


@pytest.fixture(scope="module")
def body() -> BodyMesh:
    return build_mesh(standing())


def volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6.0)


def test_the_skin_is_closed_and_symmetric(body: BodyMesh) -> None:
    assert is_manifold(body.faces)
    assert 3_000 <= len(body.faces) <= 9_000
    assert cKDTree(body.vertices).query(body.vertices * [-1.0, 1.0, 1.0])[0].max() < 1e-6


def test_the_body_stands_on_the_floor_and_is_as_large_as_a_person(body: BodyMesh) -> None:
    assert abs(body.vertices[:, 2].min()) < 0.002
    assert body.vertices[:, 2].max() == pytest.approx(STATURE_M, abs=0.01)
    # People weigh about as much as water: 1.76 m, BMI 20 to 26.
    assert 0.062 < volume(body.vertices, body.faces) < 0.081


def test_no_vertex_sticks_out(body: BodyMesh) -> None:
    graph = neighbours(body.faces, len(body.vertices))
    middle = graph @ body.vertices / np.asarray(graph.sum(1))
    assert np.linalg.norm(middle - body.vertices, axis=1).max() < 0.02


def test_weights_are_few_and_smooth(body: BodyMesh) -> None:
    assert body.weights.min() >= 0.0 and np.abs(body.weights.sum(1) - 1.0).max() < 1e-9
    share = np.zeros((len(body.vertices), len(body.joint_names)))
    np.add.at(share, (np.arange(len(share))[:, None], body.joints), body.weights)
    a, b = body.faces[:, 0], body.faces[:, 1]
    assert np.abs(share[a] - share[b]).max() < 0.6
    elbow, knee = (share[:, body.joint_names.index(name)] for name in ("left_elbow", "left_knee"))
    assert elbow[body.vertices[:, 0] < 0.2].max() < 0.01 and knee[body.vertices[:, 0] < 0.0].max() < 1e-3


def test_bending_keeps_the_skin_in_one_piece(body: BodyMesh) -> None:
    motion = standing(bends=BENT)
    bent = posed(body, motion, 0)
    assert volume(bent, body.faces) == pytest.approx(volume(body.vertices, body.faces), rel=0.06)
    lengths = [np.linalg.norm(v[body.faces[:, 0]] - v[body.faces[:, 1]], axis=1) for v in (body.vertices, bent)]
    assert np.percentile(lengths[1] / lengths[0], 99.5) < 2.5
    hand = motion.joints[0, motion.index("left_hand")]
    assert np.linalg.norm(bent - hand, axis=1).min() < 0.03


def test_at_rest_the_skin_is_where_it_was_made(body: BodyMesh) -> None:
    assert np.abs(posed(body, standing(), 0) - body.vertices).max() < 1e-9


def test_a_world_of_another_scale_takes_the_body_along(body: BodyMesh) -> None:
    assert np.abs(posed(body, standing(2.0), 0) - 2.0 * body.vertices).max() < 1e-9


def test_no_face_lies_on_another_in_the_texture(body: BodyMesh) -> None:
    corners = body.uv.astype(np.float64)
    flat = corners.reshape(-1, 2)
    assert flat.min() > 0.002 and flat.max() < 0.998
    area = signed_areas(flat, np.arange(len(flat), dtype=np.int32).reshape(-1, 3))
    assert area.min() > 0.0 and area.sum() > 0.35
    assert len(overlaps(corners)) == 0


def test_people_of_other_shapes_have_bodies_too() -> None:
    motion, widths = standing(0.4), (1.25, 0.85)
    motion = replace(motion, rest_offsets=motion.rest_offsets + 0.008 * np.random.default_rng(2).normal(size=(31, 3)))
    rest = motion.rest_offsets.copy()
    for number, name in enumerate(motion.joint_names):
        if "_" in name:
            rest[number] *= widths[0] if name.split("_")[1] in ("shoulder", "elbow", "wrist", "hip") else widths[1]
    other = build_mesh(replace(motion, rest_offsets=rest), 0.6)
    assert is_manifold(other.faces) and len(overlaps(other.uv.astype(np.float64))) == 0


def test_the_file_says_the_same(body: BodyMesh, tmp_path: Path) -> None:
    path = tmp_path / "body.npz"
    write_body(path, body)
    again = read_body(path)
    assert np.array_equal(again.faces, body.faces) and again.joint_names == body.joint_names
    assert np.abs(again.vertices - body.vertices).max() == 0.0 and again.kind == "proxy"
    with pytest.raises(ArtifactMissing):
        read_body(tmp_path / "none.npz")
    path.write_bytes(b"damaged")
    with pytest.raises(ShotCorrupt):
        read_body(path)
