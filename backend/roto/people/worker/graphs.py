"""MediaPipe's networks, run through its graphs: the wheel has no interpreter of its own for single models.

The legacy solutions follow one person. Their parts do not: BlazePose's detector gives every person in its picture, and
its landmark network takes any region. Bazarevsky et al., "BlazePose: On-device Real-time Body Pose Tracking" (2020).
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..evidence import LANDMARKS, Floats, Picture, Region

_ENLARGED = 1.25
"""BlazePose's regions are that much larger than the circle around the person."""

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


class _Graph:
    """A graph that is given one set of packets at a time."""

    def __init__(self, text: str, outputs: Sequence[str], side: Mapping[str, Any]) -> None:
        mediapipe: Any = importlib.import_module("mediapipe")
        formats: Any = importlib.import_module("google.protobuf.text_format")
        described: Any = importlib.import_module("mediapipe.framework.calculator_pb2")
        mediapipe.resource_util.set_resource_dir(str(Path(mediapipe.__file__).parent.parent))
        self._graph = mediapipe.CalculatorGraph(graph_config=formats.Parse(text, described.CalculatorGraphConfig()))
        self._came: dict[str, Any] = {}
        self._time = 0
        for name in outputs:
            self._graph.observe_output_stream(name, self._came.__setitem__)
        self._graph.start_run(dict(side))

    def run(self, packets: Mapping[str, Any]) -> dict[str, Any]:
        """The packets that came out, by stream; a stream that stayed silent is left out."""
        self._came.clear()
        self._time += 1
        for name, packet in packets.items():
            self._graph.add_packet_to_input_stream(name, packet.at(self._time))
        self._graph.wait_until_idle()
        return {name: packet for name, packet in self._came.items() if not packet.is_empty()}


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
        self._rects: Any = importlib.import_module("mediapipe.framework.formats.rect_pb2")
        make = self._mediapipe.packet_creator
        self._detector = _Graph(_DETECTOR, ["detections"], {})
        self._landmarker = _Graph(
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
        came = self._detector.run({"image": self._image(picture)})
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
        x, y, size, turn = region
        rect = self._rects.NormalizedRect(
            x_center=x / width, y_center=y / height, width=size / width, height=size / height, rotation=turn
        )
        packets = {"image": self._image(picture), "region": self._mediapipe.packet_creator.create_proto(rect)}
        came = self._landmarker.run(packets)
        if not {"landmarks", "auxiliary", "world", "mask"} <= set(came):
            return None
        get = self._mediapipe.packet_getter
        middle, rim = get.get_proto(came["auxiliary"]).landmark[:2]
        mask = np.squeeze(get.get_image(came["mask"]).numpy_view())
        return Body(
            _landmarks(get.get_proto(came["landmarks"]).landmark, width, height),
            _world(get.get_proto(came["world"]).landmark),
            region_of(middle.x * width, middle.y * height, rim.x * width, rim.y * height),
            np.array(mask, np.float32),
        )

    def _image(self, picture: Picture) -> Any:
        kinds = self._mediapipe.ImageFormat
        return self._mediapipe.packet_creator.create_image_frame(
            image_format=kinds.SRGB, data=np.ascontiguousarray(picture)
        )


def region_of(x: float, y: float, rim_x: float, rim_y: float) -> Region:
    """The square around a person from the middle of the hips and a point above it on the circle around the person."""
    turn = math.pi / 2 - math.atan2(y - rim_y, rim_x - x)
    turn -= 2.0 * math.pi * math.floor((turn + math.pi) / (2.0 * math.pi))
    return x, y, 2.0 * math.hypot(rim_x - x, rim_y - y) * _ENLARGED, turn


def _landmarks(points: Sequence[Any], width: int, height: int) -> Floats:
    rows = [(one.x * width, one.y * height, one.visibility, one.presence) for one in points[:LANDMARKS]]
    return np.array(rows, np.float32)


def _world(points: Sequence[Any]) -> Floats:
    return np.array([(one.x, one.y, one.z) for one in points[:LANDMARKS]], np.float32)
