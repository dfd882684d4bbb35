"""Skeleton pictures and keypoint files as other programs read them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.pose import Keypoints, PersonTrack, PoseResult
from backend.pose.drawing import hue, skeleton_picture
from backend.pose.keypoints import track_of
from backend.pose.mediapipe.faces import open_pose_face
from backend.pose.openpose import BODY_25, COCO_18, body_points, frame_document
from backend.pose.writers import write_pose_json, write_pose_pictures, write_tracking_metadata

WIDTH, HEIGHT = 640, 512
NAMES = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle", "left_heel", "left_foot_index",
)  # fmt: skip
PLACES = (
    (320, 100), (330, 90), (310, 90), (345, 95), (295, 95), (380, 160), (260, 160), (420, 230), (220, 230), (430, 300),
    (210, 300), (350, 300), (290, 300), (360, 390), (280, 390), (365, 480), (275, 480), (370, 490), (390, 492),
)  # fmt: skip


def seen(*, hidden: tuple[str, ...] = (), parts: bool = False) -> Keypoints:
    score = np.array([0.1 if name in hidden else 0.9 for name in NAMES], np.float32)
    hands = face = None
    if parts:
        hands = np.zeros((2, 21, 3), np.float32)
        hands[0, :, :2], hands[0, :, 2] = np.linspace((430, 305), (470, 380), 21), 0.8
        face = np.concatenate([np.random.default_rng(0).uniform((300, 70), (340, 120), (70, 2)), np.ones((70, 1))], 1)
        face = face.astype(np.float32)
    count = len(NAMES)
    return Keypoints(
        NAMES, np.array(PLACES, np.float32), score, np.ones(count, np.float32), (200.0, 60.0, 440.0, 500.0),
        float((score > 0.5).mean()), hands=hands, face=face,
    )  # fmt: skip


def test_body_25_has_its_points_in_openposes_order() -> None:
    points = body_points(seen(hidden=("right_ear",)), BODY_25)
    assert len(BODY_25) == 25 and len(COCO_18) == 18
    assert points[0].tolist() == pytest.approx([320, 100, 0.9]) and points[4, :2].tolist() == [210, 300]  # right wrist
    assert points[1, :2].tolist() == [320, 160] and points[8, :2].tolist() == [320, 300]  # neck, middle of the hips
    assert points[17].tolist() == [0, 0, 0]  # not seen
    assert points[20].tolist() == [0, 0, 0] and points[21, :2].tolist() == [370, 490]  # small toe unknown, heel


def test_a_frame_is_an_openpose_document() -> None:
    (person,) = frame_document([(3, seen(parts=True))])["people"]
    assert person["person_id"] == [3] and len(person["pose_keypoints_2d"]) == 75
    assert len(person["hand_left_keypoints_2d"]) == 63 and len(person["face_keypoints_2d"]) == 210
    assert set(person["hand_right_keypoints_2d"]) == {0.0}
    (plain,) = frame_document([(0, seen())])["people"]
    assert plain["hand_left_keypoints_2d"] == [] and plain["face_keypoints_2d"] == []


def test_colours_and_limbs_are_controlnets() -> None:
    assert [hue(i / 18) for i in (0, 1, 3, 9, 17)] == [
        (255, 0, 0), (255, 85, 0), (255, 255, 0), (0, 255, 255), (255, 0, 85),
    ]  # fmt: skip
    shown = skeleton_picture([seen()], WIDTH, HEIGHT)
    assert shown.shape == (HEIGHT, WIDTH, 3) and shown[0, 0].max() == 0
    assert tuple(shown[100, 320]) == (255, 0, 0)  # nose
    assert tuple(shown[160, 260]) == (255, 170, 0)  # right shoulder, number 2
    assert tuple(shown[480, 365]) == (85, 0, 255)  # left ankle, number 13
    assert tuple(shown[195, 240]) == (153, 102, 0)  # right upper arm, limb 2 at three fifths
    hidden = skeleton_picture([seen(hidden=("right_elbow",))], WIDTH, HEIGHT)
    assert hidden[195, 240].max() == 0 and tuple(hidden[160, 260]) == (255, 170, 0)


def test_hands_and_faces_are_drawn() -> None:
    shown = skeleton_picture([seen(parts=True)], WIDTH, HEIGHT)
    assert (shown == (0, 0, 255)).all(-1)[300:390, 425:475].sum() > 20
    assert (shown == 255).all(-1).sum() > 50
    mesh = np.arange(468 * 2, dtype=np.float32).reshape(468, 2)
    face = open_pose_face(mesh)
    assert face.shape == (70, 2) and face[8].tolist() == mesh[152].tolist() and face[36].tolist() == mesh[33].tolist()


def test_files_of_a_track(tmp_path: Path) -> None:
    track = track_of("anna", (5, 6, 7), {5: seen(parts=True), 7: seen(hidden=NAMES[:9])})
    result = PoseResult({"eve": PersonTrack("eve", (), (), (5, 6, 7)), "anna": track}, "mediapipe", "1")
    write_pose_pictures(tmp_path / "pose", track, WIDTH, HEIGHT)
    write_pose_json(tmp_path / "json", track, 1)
    write_tracking_metadata(tmp_path / "json", result, "anna", fps="24/1", width=WIDTH, height=HEIGHT)
    pictures = {path.name: cv2.imread(str(path)) for path in (tmp_path / "pose").iterdir()}
    assert sorted(pictures) == ["frame_0005.png", "frame_0006.png", "frame_0007.png"]
    assert pictures["frame_0005.png"].shape == (HEIGHT, WIDTH, 3) and pictures["frame_0006.png"].max() == 0
    assert tuple(pictures["frame_0005.png"][100, 320]) == (0, 0, 255)  # OpenCV reads BGR
    assert json.loads((tmp_path / "json/frame_0006.json").read_text(encoding="utf-8"))["people"] == []
    about = json.loads((tmp_path / "json/tracking_metadata.json").read_text(encoding="utf-8"))
    assert (about["label"], about["id"], about["absent"], about["layout"]) == ("anna", 1, [6], "BODY_25")
    assert [one["state"] for one in about["frames"]] == ["seen", "half-visible"]
    assert about["frames"][0]["hands"] == [True, False] and about["frames"][0]["face"] is True
    assert about["fps"] == "24/1" and about["frames"][0]["box"] == [200.0, 60.0, 440.0, 500.0]
