"""The landmark networks of a body, a hand and a face, each looking at a region that it is given.

Bazarevsky et al., "BlazePose" (2020); Zhang et al., "MediaPipe Hands" (2020); Kartynnik et al., "Real-time Facial
Surface Geometry from Monocular Video on Mobile GPUs" (2019).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..evidence import BODY, FACE, HAND, PARTS, Look, Picture, Region
from .graph import Graph, region_packets
from .landmarks import body_landmarks, body_world, face_region, hand_region, points, region_of

_POSE = """
input_stream: "image"
input_stream: "region"
input_side_packet: "complexity"
output_stream: "landmarks"
output_stream: "auxiliary"
output_stream: "world"
node {
  calculator: "PoseLandmarkByRoiCpu"
  input_stream: "IMAGE:image"
  input_stream: "ROI:region"
  input_side_packet: "MODEL_COMPLEXITY:complexity"
  output_stream: "LANDMARKS:landmarks"
  output_stream: "AUXILIARY_LANDMARKS:auxiliary"
  output_stream: "WORLD_LANDMARKS:world"
}
"""
_HANDS = """
input_stream: "image"
input_stream: "region"
input_side_packet: "complexity"
output_stream: "landmarks"
output_stream: "world"
output_stream: "handedness"
node {
  calculator: "HandLandmarkCpu"
  input_stream: "IMAGE:image"
  input_stream: "ROI:region"
  input_side_packet: "MODEL_COMPLEXITY:complexity"
  output_stream: "LANDMARKS:landmarks"
  output_stream: "WORLD_LANDMARKS:world"
  output_stream: "HANDEDNESS:handedness"
}
"""
_FACE = """
input_stream: "image"
input_stream: "region"
input_side_packet: "attention"
output_stream: "landmarks"
node {
  calculator: "FaceLandmarkCpu"
  input_stream: "IMAGE:image"
  input_stream: "ROI:region"
  input_side_packet: "WITH_ATTENTION:attention"
  output_stream: "LANDMARKS:landmarks"
}
"""


@dataclass(frozen=True)
class _Network:
    """side: constant inputs, by stream. outputs: those that must come for the part to be there."""

    text: str
    side: Mapping[str, int | bool]
    outputs: tuple[str, ...]


_NETWORKS = {
    BODY: _Network(_POSE, {"complexity": 1}, ("landmarks", "auxiliary", "world")),  # the wheel has model 1 only
    HAND: _Network(_HANDS, {"complexity": 1}, ("landmarks", "world", "handedness")),
    FACE: _Network(_FACE, {"attention": False}, ("landmarks",)),
}


class PartNetworks:
    """Each is loaded when it is first asked."""

    def __init__(self) -> None:
        self._graphs: dict[str, Graph] = {}

    def look(self, picture: Picture, part: str, region: Region) -> Look | None:
        """What the network says of a region of a picture [H, W, 3]; None when it sees no such part there."""
        about = _NETWORKS[part]
        came = self._graph(part, about).run(region_packets(picture, region))
        if not set(about.outputs) <= set(came):
            return None
        height, width = picture.shape[:2]
        return {BODY: _body, HAND: _hand, FACE: _face}[part](came, width, height)

    def _graph(self, part: str, about: _Network) -> Graph:
        if part not in self._graphs:
            make: Any = importlib.import_module("mediapipe").packet_creator
            side = {
                name: make.create_bool(value) if isinstance(value, bool) else make.create_int(value)
                for name, value in about.side.items()
            }
            self._graphs[part] = Graph(about.text, about.outputs, side)
        return self._graphs[part]


def _proto(packet: Any) -> Any:
    return importlib.import_module("mediapipe").packet_getter.get_proto(packet)


def _body(came: Mapping[str, Any], width: int, height: int) -> Look:
    middle, rim = _proto(came["auxiliary"]).landmark[:2]
    landmarks = body_landmarks(_proto(came["landmarks"]).landmark, width, height)
    refined = region_of(middle.x * width, middle.y * height, rim.x * width, rim.y * height)
    return Look(landmarks, body_world(_proto(came["world"]).landmark), refined, float(landmarks[:, 3].mean()))


def _hand(came: Mapping[str, Any], width: int, height: int) -> Look:
    landmarks = points(_proto(came["landmarks"]).landmark, width, height)
    world = np.array([(one.x, one.y, one.z) for one in _proto(came["world"]).landmark], np.float32)
    side = _proto(came["handedness"]).classification[0]
    # The network was made for mirrored selfies: what it calls a left hand is a right one.
    left = side.score if side.label == "Right" else 1.0 - side.score
    return Look(landmarks, world, hand_region(landmarks), float(left))


def _face(came: Mapping[str, Any], width: int, height: int) -> Look:
    landmarks = points(_proto(came["landmarks"]).landmark, width, height)[: PARTS[FACE]]
    return Look(landmarks, np.zeros((len(landmarks), 3), np.float32), face_region(landmarks), 1.0)
