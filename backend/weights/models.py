"""The models that engines may load, each with its licences and the files it needs.

A model is a folder as `save_pretrained` of transformers writes it. Weights are never part of Backlot: users fetch
them (`python build.py models --get NAME`) or put the folder there themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import InvalidRequest


@dataclass(frozen=True)
class Model:
    """name: folder in the weights folder. repository: on the Hugging Face hub. files: what must be there.
    code_licence, weights_licence: SPDX names where there are any. commercial: whether both allow commercial work;
    those that do not are used only when the artist allows it. note: what else to know about the licence."""

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
