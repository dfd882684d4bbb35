"""MediaPipe's networks, run through its graphs: the wheel has no interpreter of its own for single models.

The legacy solutions follow one person. Their parts do not: BlazePose's detector gives every person in its picture, and
its landmark network takes any region. Bazarevsky et al., "BlazePose: On-device Real-time Body Pose Tracking" (2020).
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..evidence import Floats, Look, Picture, Region
from .graph import Graph, image_packet, region_packets
from .landmarks import body_landmarks, body_world, region_of
from .parts import PartNetworks

_DETECTOR = """
input_stream: "image"
output_stream: "detections"
node {
  calculator: "PoseDetectionCpu"
  input_stream: "IMAGE:image"
  output_stream: "DETECTIONS:detections"
}
"""
_LANDMARKER = """
input_stream: "image"
input_stream: "region"
input_side_packet: "complexity"
input_side_packet: "segmentation"
output_stream: "landmarks"
output_stream: "auxiliary"
output_stream: "world"
output_stream: "mask"
node {
  calculator: "PoseLandmarkByRoiCpu"
  input_stream: "IMAGE:image"
  input_stream: "ROI:region"
  input_side_packet: "MODEL_COMPLEXITY:complexity"
  input_side_packet: "ENABLE_SEGMENTATION:segmentation"
  output_stream: "LANDMARKS:landmarks"
  output_stream: "AUXILIARY_LANDMARKS:auxiliary"
  output_stream: "WORLD_LANDMARKS:world"
  output_stream: "SEGMENTATION_MASK:mask"
}
"""


@dataclass(frozen=True)
class Candidate:
    """Where the detector sees a person. score: 0..1."""

    score: float
    region: Region


@dataclass(frozen=True)
class Body:
    """What the landmark network says of a region. landmarks [33, 4], world [33, 3]: as `PersonEvidence` has them.
    refined: the region that the landmarks ask for. mask: float32 [H, W] in 0..1."""

    landmarks: Floats
    world: Floats
    refined: Region
    mask: Floats


class Networks:
    """The detector and the landmark network, loaded once."""

    def __init__(self) -> None:
        self._mediapipe: Any = importlib.import_module("mediapipe")
        self._parts = PartNetworks()
        make = self._mediapipe.packet_creator
        self._detector = Graph(_DETECTOR, ["detections"], {})
        self._landmarker = Graph(
            _LANDMARKER,
            ["landmarks", "auxiliary", "world", "mask"],
            {"complexity": make.create_int(1), "segmentation": make.create_bool(True)},  # the wheel has model 1 only
        )

    @property
    def version(self) -> str:
        return str(self._mediapipe.__version__)

    def detect(self, picture: Picture) -> list[Candidate]:
        """People in a picture [H, W, 3], which the network sees at 224 px. Regions in px of the picture."""
        height, width = picture.shape[:2]
        came = self._detector.run({"image": image_packet(picture)})
        if "detections" not in came:
            return []
        found = []
        for one in self._mediapipe.packet_getter.get_proto_list(came["detections"]):
            middle, rim = one.location_data.relative_keypoints[:2]
            region = region_of(middle.x * width, middle.y * height, rim.x * width, rim.y * height)
            found.append(Candidate(float(one.score[0]), region))
        return found

    def body(self, picture: Picture, region: Region) -> Body | None:
        """The person in a region; None when the network says that there is none."""
        height, width = picture.shape[:2]
        came = self._landmarker.run(region_packets(picture, region))
        if not {"landmarks", "auxiliary", "world", "mask"} <= set(came):
            return None
        get = self._mediapipe.packet_getter
        middle, rim = get.get_proto(came["auxiliary"]).landmark[:2]
        mask = np.squeeze(get.get_image(came["mask"]).numpy_view())
        return Body(
            body_landmarks(get.get_proto(came["landmarks"]).landmark, width, height),
            body_world(get.get_proto(came["world"]).landmark),
            region_of(middle.x * width, middle.y * height, rim.x * width, rim.y * height),
            np.array(mask, np.float32),
        )

    def look(self, picture: Picture, part: str, region: Region) -> Look | None:
        """What the network of a part says of a region; see parts.py."""
        return self._parts.look(picture, part, region)
