"""Runs one of MediaPipe's graphs: the wheel has no interpreter of its own for single models."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..evidence import Picture, Region


class Graph:
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


def image_packet(picture: Picture) -> Any:
    mediapipe: Any = importlib.import_module("mediapipe")
    pixels = np.ascontiguousarray(picture)
    return mediapipe.packet_creator.create_image_frame(image_format=mediapipe.ImageFormat.SRGB, data=pixels)


def region_packets(picture: Picture, region: Region) -> dict[str, Any]:
    """For graphs with the streams "image" and "region"."""
    mediapipe: Any = importlib.import_module("mediapipe")
    rects: Any = importlib.import_module("mediapipe.framework.formats.rect_pb2")
    height, width = picture.shape[:2]
    x, y, size, turn = region
    rect = rects.NormalizedRect(
        x_center=x / width, y_center=y / height, width=size / width, height=size / height, rotation=turn
    )
    return {"image": image_packet(picture), "region": mediapipe.packet_creator.create_proto(rect)}
