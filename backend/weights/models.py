"""The models that engines may load, each with its licences and the files it needs.

A model is a folder as `save_pretrained` of transformers writes it. Weights are never part of Backlot: users fetch
them (`python3 build.py models --get NAME`) or put the folder there themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import InvalidRequest


@dataclass(frozen=True)
class Model:
    """name: folder in the weights folder. repository: on the Hugging Face hub. files: what must be there.
    code_licence, weights_licence: SPDX names where there are any. commercial: whether both allow commercial work;
    those that do not are used only when the artist allows it. note: what else to know about the licence. archive:
    address of a zip that holds the files, of a model that is not on the hub; repository then names its authors'."""

    name: str
    title: str
    engine: str
    repository: str
    homepage: str
    code_licence: str
    weights_licence: str
    commercial: bool
    files: tuple[str, ...] = ("config.json", "model.safetensors")
    note: str = ""
    archive: str = ""


_WITH_INPUTS = ("config.json", "model.safetensors", "preprocessor_config.json")
"""For models whose pictures must be prepared as their checkpoint says."""

_WITH_WORDS = (*_WITH_INPUTS, "tokenizer.json", "tokenizer_config.json")
"""For models that read words."""

_WITH_PARTS = (*_WITH_INPUTS, "vocab.json", "merges.txt", "tokenizer_config.json")
"""For models whose words are cut up by CLIP's vocabulary, given in parts."""

_OPENMMLAB = "https://download.openmmlab.com/mmpose/v1/projects/rtmposev1/onnx_sdk"

MODELS: tuple[Model, ...] = (
    Model(
        name="efficientloftr",
        title="EfficientLoFTR (Wang et al., CVPR 2024)",
        engine="sfm-learned",
        repository="zju-community/efficientloftr",
        homepage="https://zju3dv.github.io/efficientloftr",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        commercial=True,
    ),
    Model(
        name="lightglue-superpoint",
        title="SuperPoint + LightGlue (DeTone et al., CVPRW 2018; Lindenberger et al., ICCV 2023)",
        engine="sfm-learned",
        repository="ETH-CVG/lightglue_superpoint",
        homepage="https://github.com/cvg/LightGlue",
        code_licence="Apache-2.0",
        weights_licence="LicenseRef-MagicLeap-SuperPoint-NonCommercial AND Apache-2.0",
        commercial=False,
        note="LightGlue's own weights are Apache-2.0, but the file also holds SuperPoint's, which Magic Leap gives "
        "away for academic and non-commercial use only.",
    ),
    Model(
        name="depth-anything-v2-large",
        title="Depth Anything V2 Large (Yang et al., NeurIPS 2024)",
        engine="depth-learned",
        repository="depth-anything/Depth-Anything-V2-Large-hf",
        homepage="https://depth-anything-v2.github.io",
        code_licence="Apache-2.0",
        weights_licence="CC-BY-NC-4.0",
        commercial=False,
        files=_WITH_INPUTS,
        note="Of Depth Anything V2 only the Small model is free for commercial work.",
    ),
    Model(
        name="depth-anything-v2-base",
        title="Depth Anything V2 Base (Yang et al., NeurIPS 2024)",
        engine="depth-learned",
        repository="depth-anything/Depth-Anything-V2-Base-hf",
        homepage="https://depth-anything-v2.github.io",
        code_licence="Apache-2.0",
        weights_licence="CC-BY-NC-4.0",
        commercial=False,
        files=_WITH_INPUTS,
        note="Of Depth Anything V2 only the Small model is free for commercial work.",
    ),
    Model(
        name="depth-anything-v2-small",
        title="Depth Anything V2 Small (Yang et al., NeurIPS 2024)",
        engine="depth-learned",
        repository="depth-anything/Depth-Anything-V2-Small-hf",
        homepage="https://depth-anything-v2.github.io",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        commercial=True,
        files=_WITH_INPUTS,
    ),
    Model(
        name="depth-anything-v1-large",
        title="Depth Anything Large (Yang et al., CVPR 2024)",
        engine="depth-learned",
        repository="LiheYoung/depth-anything-large-hf",
        homepage="https://depth-anything.github.io",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        commercial=True,
        files=_WITH_INPUTS,
    ),
    Model(
        name="depth-anything-v2-metric-indoor-small",
        title="Depth Anything V2 Small, metric, indoors (Yang et al., NeurIPS 2024)",
        engine="depth-learned",
        repository="depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf",
        homepage="https://depth-anything-v2.github.io",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        commercial=True,
        files=_WITH_INPUTS,
        note="The licence is that of the authors' release of the Small model; the repository's own card names none.",
    ),
    Model(
        name="depth-anything-v2-metric-outdoor-small",
        title="Depth Anything V2 Small, metric, outdoors (Yang et al., NeurIPS 2024)",
        engine="depth-learned",
        repository="depth-anything/Depth-Anything-V2-Metric-Outdoor-Small-hf",
        homepage="https://depth-anything-v2.github.io",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        commercial=True,
        files=_WITH_INPUTS,
        note="The licence is that of the authors' release of the Small model; the repository's own card names none.",
    ),
    Model(
        name="depth-pro",
        title="Depth Pro (Bochkovskii et al., ICLR 2025)",
        engine="depth-learned",
        repository="apple/DepthPro-hf",
        homepage="https://github.com/apple/ml-depth-pro",
        code_licence="Apache-2.0",
        weights_licence="LicenseRef-Apple-AMLR",
        commercial=False,
        files=_WITH_INPUTS,
        note="Apple's model licence on the hub is for research; its repository of code says otherwise, and the "
        "stricter one counts here.",
    ),
    Model(
        name="zoedepth",
        title="ZoeDepth NK (Bhat et al., 2023)",
        engine="depth-learned",
        repository="Intel/zoedepth-nyu-kitti",
        homepage="https://github.com/isl-org/ZoeDepth",
        code_licence="Apache-2.0",
        weights_licence="MIT",
        commercial=True,
        files=_WITH_INPUTS,
    ),
    Model(
        name="dpt-large",
        title="DPT Large, MiDaS 3.0 (Ranftl et al., ICCV 2021)",
        engine="depth-learned",
        repository="Intel/dpt-large",
        homepage="https://github.com/isl-org/DPT",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        commercial=True,
        files=_WITH_INPUTS,
    ),
    Model(
        name="sam2.1-hiera-large",
        title="SAM 2.1 Large (Ravi et al., ICLR 2025)",
        engine="sam2",
        repository="facebook/sam2.1-hiera-large",
        homepage="https://github.com/facebookresearch/sam2",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        commercial=True,
    ),
    Model(
        name="sam2.1-hiera-base-plus",
        title="SAM 2.1 Base+ (Ravi et al., ICLR 2025)",
        engine="sam2",
        repository="facebook/sam2.1-hiera-base-plus",
        homepage="https://github.com/facebookresearch/sam2",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        commercial=True,
    ),
    Model(
        name="sam2.1-hiera-small",
        title="SAM 2.1 Small (Ravi et al., ICLR 2025)",
        engine="sam2",
        repository="facebook/sam2.1-hiera-small",
        homepage="https://github.com/facebookresearch/sam2",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        commercial=True,
    ),
    Model(
        name="sam2.1-hiera-tiny",
        title="SAM 2.1 Tiny (Ravi et al., ICLR 2025)",
        engine="sam2",
        repository="facebook/sam2.1-hiera-tiny",
        homepage="https://github.com/facebookresearch/sam2",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        commercial=True,
    ),
    Model(
        name="sam3",
        title="SAM 3 (Carion et al., 2025)",
        engine="sam3",
        repository="facebook/sam3",
        homepage="https://github.com/facebookresearch/sam3",
        code_licence="Apache-2.0",
        weights_licence="LicenseRef-scancode-sam-2025-11-19",
        commercial=True,
        files=("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
        note="Meta's SAM licence allows commercial work, and forbids military, nuclear and espionage uses and weapons. "
        "The hub hands the files out only after you have accepted it there.",
    ),
    Model(
        name="groundingdino-base",
        title="Grounding DINO Base (Liu et al., ECCV 2024)",
        engine="groundingdino",
        repository="IDEA-Research/grounding-dino-base",
        homepage="https://github.com/IDEA-Research/GroundingDINO",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        commercial=True,
        files=_WITH_WORDS,
    ),
    Model(
        name="groundingdino-tiny",
        title="Grounding DINO Tiny (Liu et al., ECCV 2024)",
        engine="groundingdino",
        repository="IDEA-Research/grounding-dino-tiny",
        homepage="https://github.com/IDEA-Research/GroundingDINO",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        commercial=True,
        files=_WITH_WORDS,
    ),
    Model(
        name="owlv2-large",
        title="OWLv2 Large (Minderer et al., NeurIPS 2023)",
        engine="owlv2",
        repository="google/owlv2-large-patch14-ensemble",
        homepage="https://github.com/google-research/scenic/tree/main/scenic/projects/owl_vit",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        commercial=True,
        files=_WITH_PARTS,
    ),
    Model(
        name="owlv2-base",
        title="OWLv2 Base (Minderer et al., NeurIPS 2023)",
        engine="owlv2",
        repository="google/owlv2-base-patch16-ensemble",
        homepage="https://github.com/google-research/scenic/tree/main/scenic/projects/owl_vit",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        commercial=True,
        files=_WITH_PARTS,
    ),
    Model(
        name="vitmatte-base-composition-1k",
        title="ViTMatte Base (Yao et al., Information Fusion 2024)",
        engine="vitmatte",
        repository="hustvl/vitmatte-base-composition-1k",
        homepage="https://github.com/hustvl/ViTMatte",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        commercial=True,
        files=_WITH_INPUTS,
        note="The weights are given under Apache-2.0; the pictures they were trained on were given for research.",
    ),
    Model(
        name="vitmatte-small-composition-1k",
        title="ViTMatte Small (Yao et al., Information Fusion 2024)",
        engine="vitmatte",
        repository="hustvl/vitmatte-small-composition-1k",
        homepage="https://github.com/hustvl/ViTMatte",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        commercial=True,
        files=_WITH_INPUTS,
        note="The weights are given under Apache-2.0; the pictures they were trained on were given for research.",
    ),
    Model(
        name="dwpose-l-384",
        title="DWPose Large, whole body (Yang et al., ICCVW 2023)",
        engine="dwpose",
        repository="yzd-v/DWPose",
        homepage="https://github.com/IDEA-Research/DWPose",
        code_licence="MIT",
        weights_licence="Apache-2.0",
        commercial=True,
        files=("dw-ll_ucoco_384.onnx",),
        note="The weights are given under Apache-2.0; the pictures they were trained on have licences of their own.",
    ),
    Model(
        name="yolox-l",
        title="YOLOX Large (Ge et al., 2021), which finds people where MediaPipe is not set up",
        engine="dwpose",
        repository="yzd-v/DWPose",
        homepage="https://github.com/Megvii-BaseDetection/YOLOX",
        code_licence="MIT",
        weights_licence="Apache-2.0",
        commercial=True,
        files=("yolox_l.onnx",),
    ),
    Model(
        name="rtmpose-m-body26",
        title="RTMPose Medium, bodies with feet (Jiang et al., 2023)",
        engine="rtmpose",
        repository="open-mmlab/mmpose",
        homepage="https://github.com/open-mmlab/mmpose/tree/main/projects/rtmpose",
        code_licence="MIT",
        weights_licence="Apache-2.0",
        commercial=True,
        files=("end2end.onnx",),
        note="The weights are given under Apache-2.0; the pictures they were trained on have licences of their own.",
        archive=f"{_OPENMMLAB}/rtmpose-m_simcc-body7_pt-body7-halpe26_700e-256x192-4d3e73dd_20230605.zip",
    ),
    Model(
        name="rtmpose-l-body17-384",
        title="RTMPose Large, bodies (Jiang et al., 2023)",
        engine="rtmpose",
        repository="open-mmlab/mmpose",
        homepage="https://github.com/open-mmlab/mmpose/tree/main/projects/rtmpose",
        code_licence="MIT",
        weights_licence="Apache-2.0",
        commercial=True,
        files=("end2end.onnx",),
        note="The weights are given under Apache-2.0; the pictures they were trained on have licences of their own.",
        archive=f"{_OPENMMLAB}/rtmpose-l_simcc-body7_pt-body7_420e-384x288-3f5a1437_20230504.zip",
    ),
    Model(
        name="vitpose-plus-large",
        title="ViTPose++ Large (Xu et al., TPAMI 2023)",
        engine="vitpose",
        repository="usyd-community/vitpose-plus-large",
        homepage="https://github.com/ViTAE-Transformer/ViTPose",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        commercial=True,
        files=_WITH_INPUTS,
    ),
    Model(
        name="vitpose-base",
        title="ViTPose Base (Xu et al., NeurIPS 2022)",
        engine="vitpose",
        repository="usyd-community/vitpose-base-simple",
        homepage="https://github.com/ViTAE-Transformer/ViTPose",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        commercial=True,
        files=_WITH_INPUTS,
    ),
)
"""In the order that `auto` prefers them within an engine."""


def model(name: str) -> Model:
    """The model of that name. Raises `InvalidRequest`."""
    for known in MODELS:
        if known.name == name:
            return known
    raise InvalidRequest(f"There is no model named {name!r}.", f"There is: {', '.join(m.name for m in MODELS)}.")


def models_of(engine: str) -> tuple[Model, ...]:
    """The models that an engine can run with, the preferred first."""
    return tuple(known for known in MODELS if known.engine == engine)
