"""Which of an engine's landmarks are which joints of the motion's skeleton."""

from __future__ import annotations

from collections.abc import Mapping

BLAZEPOSE: Mapping[str, tuple[int, ...]] = {
    "nose": (0,),
    "left_eye": (2,),
    "right_eye": (5,),
    "left_ear": (7,),
    "right_ear": (8,),
    "left_shoulder": (11,),
    "right_shoulder": (12,),
    "left_elbow": (13,),
    "right_elbow": (14,),
    "left_wrist": (15,),
    "right_wrist": (16,),
    "left_hand": (17, 19),
    "right_hand": (18, 20),
    "left_hip": (23,),
    "right_hip": (24,),
    "left_knee": (25,),
    "right_knee": (26,),
    "left_ankle": (27,),
    "right_ankle": (28,),
    "left_heel": (29,),
    "right_heel": (30,),
    "left_foot_index": (31,),
    "right_foot_index": (32,),
}
"""Joint -> landmarks whose mean it is, in BlazePose's order of 33. The hand: between the knuckles of little finger and
index."""

COCO_BODY = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
"""The 17 keypoints of COCO (Lin et al., ECCV 2014), in their order."""

COCO_FEET = (
    "left_foot_index", "left_small_toe", "left_heel", "right_foot_index", "right_small_toe", "right_heel",
)  # fmt: skip
"""The six that COCO-WholeBody (Jin et al., ECCV 2020) has behind them; its big toe is the motion's foot_index."""


def mirrored(name: str) -> str:
    """The joint of the other side, or the same."""
    if name.startswith("left_"):
        return name.replace("left_", "right_", 1)
    return name.replace("right_", "left_", 1)
