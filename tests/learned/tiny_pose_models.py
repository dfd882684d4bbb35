"""Pose networks a millionth of the real ones in size, as their files lie in the weights folder.

ONNX files are protocol buffers: the few fields that a graph needs are written here by hand (onnx.proto of the ONNX
project), so that no package but the one that runs them is needed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import VitPoseBackboneConfig, VitPoseConfig, VitPoseForPoseEstimation

_FLOAT, _INT64 = 1, 7
_INT_ATTRIBUTE, _INTS_ATTRIBUTE = 2, 7


def _varint(value: int) -> bytes:
    out = bytearray()
    value &= (1 << 64) - 1
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _tensor(name: str, values: NDArray[np.float32] | NDArray[np.int64]) -> bytes:
    kind = _INT64 if values.dtype == np.int64 else _FLOAT
    shape = b"".join(_number(1, side) for side in values.shape)
    return shape + _number(2, kind) + _bytes(8, name) + _bytes(9, values.tobytes())


def _node(kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: int | Sequence[int]) -> bytes:
    node = b"".join([*(_bytes(1, name) for name in inputs), *(_bytes(2, name) for name in outputs), _bytes(4, kind)])
    for name, value in attributes.items():
        if isinstance(value, int):
            said = _bytes(1, name) + _number(3, value) + _number(20, _INT_ATTRIBUTE)
        else:
            said = _bytes(1, name) + b"".join(_number(8, one) for one in value) + _number(20, _INTS_ATTRIBUTE)
        node += _bytes(5, said)
    return node


def _value(name: str, shape: Sequence[int]) -> bytes:
    sides = b"".join(_bytes(1, _number(1, side)) for side in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, _FLOAT) + _bytes(2, sides)))


def _model(
    path: Path,
    nodes: Sequence[bytes],
    constants: Sequence[bytes],
    inputs: Sequence[tuple[str, Sequence[int]]],
    outputs: Sequence[tuple[str, Sequence[int]]],
) -> Path:
    graph = b"".join(_bytes(1, node) for node in nodes) + _bytes(2, "tiny")
    graph += b"".join(_bytes(5, constant) for constant in constants)
    graph += b"".join(_bytes(11, _value(*one)) for one in inputs)
    graph += b"".join(_bytes(12, _value(*one)) for one in outputs)
    opset = _bytes(1, "") + _number(2, 13)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_number(1, 8) + _bytes(7, graph) + _bytes(8, opset))
    return path


def save_simcc(path: Path, count: int, width: int = 48, height: int = 64) -> Path:
    """A network that finds a bright spot: every keypoint's distribution along an axis is the picture's brightness
    summed over the other one, two bins to a px. It sees one crop at a time, as published files do."""
    nodes = [_node("Relu", ["input"], ["bright"])]
    constants = [_tensor("factor", np.array([1.0 / 40.0], np.float32))]
    for axis, side, over in (("x", width, (1, 2)), ("y", height, (1, 3))):
        spread = np.zeros((side, 2 * side), np.float32)
        spread[np.arange(side), 2 * np.arange(side)] = 1.0
        spread[np.arange(side - 1), 2 * np.arange(side - 1) + 1] = 0.5
        spread[np.arange(1, side), 2 * np.arange(1, side) - 1] = 0.5
        constants += [
            _tensor(f"spread_{axis}", spread),
            _tensor(f"shape_{axis}", np.array([1, 1, side], np.int64)),
            _tensor(f"all_{axis}", np.array([1, count, 2 * side], np.int64)),
            _tensor(f"axes_{axis}", np.array(over, np.int64)),
        ]
        nodes += [
            _node("ReduceSum", ["bright", f"axes_{axis}"], [f"sum_{axis}"], keepdims=0),
            _node("Reshape", [f"sum_{axis}", f"shape_{axis}"], [f"row_{axis}"]),
            _node("MatMul", [f"row_{axis}", f"spread_{axis}"], [f"bins_{axis}"]),
            _node("Mul", [f"bins_{axis}", "factor"], [f"scaled_{axis}"]),
            _node("Expand", [f"scaled_{axis}", f"all_{axis}"], [f"simcc_{axis}"]),
        ]
    outputs = [("simcc_x", (1, count, 2 * width)), ("simcc_y", (1, count, 2 * height))]
    return _model(path, nodes, constants, [("input", (1, 3, height, width))], outputs)


def save_yolox(path: Path, boxes: Sequence[tuple[float, float, float, float, float]], side: int = 64) -> Path:
    """A detector that sees the same boxes (x, y of the middle, width, height, score) in whatever picture."""
    cells = sum((side // stride) ** 2 for stride in (8, 16, 32))
    raw = np.zeros((1, cells, 85), np.float32)
    for x, y, width, height, score in boxes:
        column, row = int(x // 8), int(y // 8)
        at = row * (side // 8) + column
        raw[0, at, :5] = x / 8 - column, y / 8 - row, np.log(width / 8), np.log(height / 8), score
        raw[0, at, 5] = 1.0
    nodes = [
        _node("ReduceSum", ["images", "axes"], ["sum"], keepdims=0),
        _node("Mul", ["sum", "nothing"], ["zero"]),
        _node("Add", ["zero", "raw"], ["output"]),
    ]
    constants = [
        _tensor("raw", raw),
        _tensor("nothing", np.zeros(1, np.float32)),
        _tensor("axes", np.array([0, 1, 2, 3], np.int64)),
    ]
    return _model(path, nodes, constants, [("images", (1, 3, side, side))], [("output", raw.shape)])


def save_vitpose(folder: Path, *, experts: int = 1) -> Path:
    torch.manual_seed(0)
    backbone = VitPoseBackboneConfig(
        image_size=[64, 48], patch_size=[16, 16], hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        mlp_ratio=2, num_experts=experts, part_features=8, out_indices=[2],
        initializer_range=0.2,
    )  # fmt: skip
    config = VitPoseConfig(backbone_config=backbone, num_labels=17, initializer_range=0.2, scale_factor=4)
    VitPoseForPoseEstimation(config).save_pretrained(folder)
    inputs = {"size": {"height": 64, "width": 48}, "normalize_factor": 200.0}
    (folder / "preprocessor_config.json").write_text(json.dumps(inputs), encoding="utf-8")
    return folder
