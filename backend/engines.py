"""Every engine of every stage: its licences, and whether it can run here."""

from __future__ import annotations

from dataclasses import dataclass

from shared.build_command import build_command
from shared.errors import BacklotError
from shared.messages import EngineStatus
from shared.params import specs
from shared.stages import stage_info, stage_params

from .pipeline.stage import load

WEIGHT_FREE, LEARNED = "weight-free", "learned"
_PROGRAM = "of the program that you set up"
_TRANSFORMERS = "Apache-2.0 (transformers, OpenCV) AND BSD-3-Clause (PyTorch)"
_ONNX = "MIT (onnxruntime) AND Apache-2.0 (OpenCV) AND BSD-3-Clause (NumPy, SciPy)"
_SET_UP = f"Run `{build_command('setup')}` in Backlot's folder."


@dataclass(frozen=True)
class EngineInfo:
    """kind: "weight-free" or "learned". Licences are SPDX names; weights_licence is empty without weights.
    commercial: whether both allow commercial work."""

    stage: str
    engine: str
    kind: str
    code_licence: str
    weights_licence: str = ""
    commercial: bool = True


ENGINES: tuple[EngineInfo, ...] = (
    EngineInfo("ingest", "pyav", WEIGHT_FREE, "BSD-3-Clause (PyAV) AND GPL-3.0-or-later (the FFmpeg in its wheel)"),
    EngineInfo("solve", "sfm", WEIGHT_FREE, "BSD-3-Clause (pycolmap) AND Apache-2.0 (OpenCV)"),
    EngineInfo(
        "solve",
        "sfm-learned",
        LEARNED,
        "Apache-2.0 (transformers) AND BSD-3-Clause (PyTorch, pycolmap) AND Apache-2.0 (OpenCV)",
        "Apache-2.0 (EfficientLoFTR); or, only if allowed, SuperPoint + LightGlue: not for commercial work",
    ),
    EngineInfo("roto", "flow", WEIGHT_FREE, "Apache-2.0 (OpenCV) AND BSD-3-Clause (NumPy, SciPy)"),
    EngineInfo(
        "roto",
        "person",
        WEIGHT_FREE,
        "Apache-2.0 (MediaPipe, OpenCV, and the models in MediaPipe's package) AND BSD-3-Clause (NumPy, SciPy)",
    ),
    EngineInfo("roto", "sam2", LEARNED, _TRANSFORMERS, "Apache-2.0 (SAM 2.1)"),
    EngineInfo("roto", "sam3", LEARNED, _TRANSFORMERS, "LicenseRef-scancode-sam-2025-11-19 (Meta's SAM licence)"),
    EngineInfo("roto", "groundingdino", LEARNED, _TRANSFORMERS, "Apache-2.0 (Grounding DINO; SAM 2.1)"),
    EngineInfo("roto", "owlv2", LEARNED, _TRANSFORMERS, "Apache-2.0 (OWLv2; SAM 2.1)"),
    EngineInfo("depth", "mvs", WEIGHT_FREE, "BSD-3-Clause (PyTorch, OpenEXR) AND Apache-2.0 (OpenCV)"),
    EngineInfo(
        "depth",
        "depth-learned",
        LEARNED,
        "Apache-2.0 (transformers, OpenCV) AND BSD-3-Clause (PyTorch, OpenEXR)",
        "Apache-2.0 or MIT (Depth Anything V1, V2 Small; ZoeDepth; DPT); or, only if allowed, CC-BY-NC-4.0 (V2 Base, "
        "Large) or Apple's (Depth Pro): not for commercial work",
    ),
    EngineInfo("depth", "ground-plane", WEIGHT_FREE, "BSD-3-Clause (OpenEXR) AND Apache-2.0 (OpenCV)"),
    EngineInfo("matte", "banded", WEIGHT_FREE, "BSD-3-Clause (NumPy, SciPy, OpenEXR) AND Apache-2.0 (OpenCV)"),
    EngineInfo("matte", "closed-form", WEIGHT_FREE, "MIT (pymatting) AND BSD-2-Clause (Numba)"),
    EngineInfo("matte", "knn", WEIGHT_FREE, "MIT (pymatting) AND BSD-2-Clause (Numba)"),
    EngineInfo(
        "matte",
        "vitmatte",
        LEARNED,
        "Apache-2.0 (transformers, OpenCV) AND BSD-3-Clause (PyTorch)",
        "Apache-2.0 (ViTMatte)",
    ),
    EngineInfo("matte", "external", LEARNED, "of the program that you set up", "of that program", commercial=False),
    EngineInfo(
        "mocap",
        "mediapipe",
        WEIGHT_FREE,
        "Apache-2.0 (MediaPipe, OpenCV, and the models in MediaPipe's package) AND BSD-3-Clause (NumPy, SciPy)",
    ),
    EngineInfo("mocap", "dwpose", LEARNED, _ONNX, "Apache-2.0 (DWPose, YOLOX)"),
    EngineInfo("mocap", "rtmpose", LEARNED, _ONNX, "Apache-2.0 (RTMPose)"),
    EngineInfo("mocap", "vitpose", LEARNED, _TRANSFORMERS, "Apache-2.0 (ViTPose)"),
    EngineInfo("mocap", "gvhmr", LEARNED, _PROGRAM, "non-commercial research (GVHMR, SMPL)", commercial=False),
    EngineInfo("mocap", "wham", LEARNED, _PROGRAM, "non-commercial research (WHAM, SMPL)", commercial=False),
    EngineInfo("mocap", "sam-3d-body", LEARNED, _PROGRAM, "SAM License (SAM 3D Body)"),
    EngineInfo(
        "export", "writers", WEIGHT_FREE, "TOST-1.0 (OpenUSD) AND BSD-3-Clause (OpenEXR) AND Apache-2.0 (OpenCV)"
    ),
)


def statuses() -> tuple[EngineStatus, ...]:
    """Every engine as it is on this computer. Imports what the engines import: seconds."""
    return tuple(_status(info) for info in ENGINES)


def _status(info: EngineInfo) -> EngineStatus:
    reason, remedy = _obstacle(info)
    return EngineStatus(
        stage=info.stage,
        engine=info.engine,
        ready=not reason,
        kind=info.kind,
        code_licence=info.code_licence,
        weights_licence=info.weights_licence,
        commercial=info.commercial,
        reason=reason,
        remedy=remedy,
    )


def _obstacle(info: EngineInfo) -> tuple[str, str]:
    """Why the engine cannot run and what helps; both empty when it can."""
    try:
        module = load(info.stage)
        chosen = {"engine": info.engine} if _has_choice(info.stage) else {}
        module.engine(stage_params(info.stage, chosen))
    except BacklotError as error:
        return error.message, error.remedy
    except ImportError as error:
        return f"It cannot be loaded: {error}.", _SET_UP
    return "", ""


def _has_choice(stage: str) -> bool:
    return any(spec.name == "engine" for spec in specs(stage_info(stage).params))
