"""The benchmark's composite clips and its score of motion masks."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from tests.benchmarks.composite import choose_walks, compose
from tests.benchmarks.motion_scores import instance_moves, region_similarity, score_motion
from tests.benchmarks.truth import load_truth

W, H, COUNT = 128, 72, 10
K = np.array([[100.0, 0.0, W / 2], [0.0, 100.0, H / 2], [0.0, 0.0, 1.0]])


def write_clip(folder: Path, *, person_x: list[float] | None = None, travel: float = 0.1) -> Path:
    """A camera that goes right past a wall 5 m away; and a person 20 x 40 px whose left edge is at `person_x` px."""
    rng = np.random.default_rng(0)
    poses = np.tile(np.eye(4), (COUNT, 1, 1))
    poses[:, 0, 3] = travel * np.arange(COUNT)
    for name in ("frames", "gt/depth", "gt/alpha", "gt/cleanplate", "gt/masks/person_1"):
        (folder / name).mkdir(parents=True)
    np.savez(folder / "gt/camera.npz", K=np.tile(K, (COUNT, 1, 1)), world_from_camera=poses)
    for t in range(COUNT):
        plate = rng.integers(0, 255, (H, W, 3), dtype=np.uint8)
        depth, mask = np.full((H, W), 5.0), np.zeros((H, W), bool)
        cv2.imwrite(str(folder / f"gt/cleanplate/frame_{t + 1:04d}.png"), plate)
        if person_x is not None:
            mask[20:60, round(person_x[t]) : round(person_x[t]) + 20] = True
            plate[mask], depth[mask] = (10, 200, 30), 2.0
        cv2.imwrite(str(folder / f"frames/frame_{t + 1:04d}.png"), plate)
        cv2.imwrite(str(folder / f"gt/alpha/{t + 1:04d}.png"), mask.astype(np.uint16) * 65535)
        cv2.imwrite(str(folder / f"gt/masks/person_1/{t + 1:04d}.png"), mask.astype(np.uint8) * 255)
        np.savez(folder / f"gt/depth/{t + 1:04d}.npz", depth=depth.astype(np.float16))
    return folder


def write_motion(folder: Path, masks: list[np.ndarray]) -> Path:
    folder.mkdir()
    for t, mask in enumerate(masks):
        cv2.imwrite(str(folder / f"frame_{1001 + t:04d}.png"), mask.astype(np.uint8) * 255)
    return folder


def test_region_similarity_is_intersection_over_union() -> None:
    found, truth = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    assert region_similarity(found, truth) == 1.0
    truth[:2] = True
    found[1:3] = True
    assert region_similarity(found, truth) == 4 / 12
    assert region_similarity(found, truth, truth) == 0.5


def test_a_person_who_moves_with_the_set_stands_still(tmp_path: Path) -> None:
    # 0.1 m a frame past something at 2 m: 5 px of 128 a frame to the left, explained by the camera.
    still = load_truth(write_clip(tmp_path / "still", person_x=[90.0 - 5.0 * t for t in range(COUNT)]))
    assert not instance_moves(still, "person_1").any()
    walks = load_truth(write_clip(tmp_path / "walks", person_x=[60.0] * COUNT))
    assert instance_moves(walks, "person_1").all()


def test_frames_in_which_the_person_stands_are_left_out(tmp_path: Path) -> None:
    xs = [90.0 - 5.0 * min(t, 5) for t in range(COUNT)]  # stands in the set, then goes with the camera
    clip = load_truth(write_clip(tmp_path / "clip", person_x=xs))
    moves = instance_moves(clip, "person_1")
    assert moves.tolist() == [False] * 3 + [True] * 7
    masks = [clip.moving(t) for t in range(COUNT)]
    exact = score_motion(clip, write_motion(tmp_path / "exact", masks), 1001)
    assert exact is not None
    assert (exact.j, exact.scored, exact.left_out, exact.false_percent) == (1.0, 7, 3, 0.0)
    half = [mask & (np.arange(H)[:, None] < 40) for mask in masks]
    score = score_motion(clip, write_motion(tmp_path / "half", half), 1001)
    assert score is not None
    assert score.j == 0.5
    nothing = score_motion(clip, tmp_path / "none", 1001)
    assert nothing is not None
    assert nothing.j == 0.0


def test_a_composite_moves_by_the_share_asked_for(tmp_path: Path) -> None:
    people = write_clip(tmp_path / "people", person_x=[40.0 + 3.0 * t for t in range(COUNT)])
    over = write_clip(tmp_path / "over")
    share = compose(people, over, tmp_path / "made", seed=3, share=0.3)
    clip = load_truth(tmp_path / "made")
    assert abs(share - 0.3) < 0.05
    assert abs(np.mean([clip.moving(t).mean() for t in range(COUNT)]) - share) < 1e-9
    assert json.loads((tmp_path / "made/meta.json").read_text())["instances"] == list(clip.instances)
    for t in range(COUNT):
        moving, depth = clip.moving(t), clip.depth(t)
        assert (depth[moving] == 0.0).all()
        assert (depth[depth > 0] == 5.0).all()
        picture = cv2.imread(str(tmp_path / f"made/frames/frame_{t + 1:04d}.png"))
        plate = cv2.imread(str(over / f"frames/frame_{t + 1:04d}.png"))
        untouched = cv2.imread(str(tmp_path / f"made/gt/alpha/{t + 1:04d}.png"), cv2.IMREAD_UNCHANGED) == 0
        assert (picture[untouched] == plate[untouched]).all()
        assert np.abs(picture[cv2.erode(moving.astype(np.uint8), np.ones((9, 9))) > 0] - (10.0, 200.0, 30.0)).max() < 2


def test_walks_depend_on_the_seed_alone() -> None:
    first, again = (choose_walks(np.random.default_rng(5), 40) for _ in range(2))
    assert first == again
    assert first != choose_walks(np.random.default_rng(6), 40)
