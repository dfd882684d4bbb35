"""SAM 2.1 as transformers has it, one frame at a time: Ravi et al., "SAM 2: Segment Anything in Images and Videos"
(2024). The tracker in SAM 3 (Carion et al., 2025) is of the same kind and runs here too.

Objects do not see each other in SAM 2, so that each has a session of its own, and starts and ends where its hints do;
they share the picture's features.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.depth_learned.inputs import InputPlan, dpt_input, read_plan
from backend.inference.checkpoint import load_checkpoint
from backend.inference.device import inference
from shared.errors import InternalError

from .memory import Reach, forget, nearest_prompts
from .prompts import Told

Picture = NDArray[np.uint8]
Logits = NDArray[np.float32]
Floats = NDArray[np.float32]

SIZES = (1024, 768, 512)
SAM3_SIZES = (1008, 756, 504)
"""px of the side of the square that the networks see: the published one, then what fits into less memory."""

_PROMPTS = 8
_OBJECT = 1


@dataclass(frozen=True)
class Followed:
    """An object in a frame. logits [h, w]: of its mask, at a quarter of the network's size, above 0 on the object.
    score: logit of its being in the picture."""

    logits: Logits
    score: float


@dataclass(frozen=True)
class Family:
    """title: for people. prefix: of its classes in transformers. module: theirs, in transformers.models. mean, std: of
    RGB in 0..1, of the published checkpoints."""

    title: str
    prefix: str
    module: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


SAM2_FAMILY = Family(
    "SAM 2", "Sam2Video", "sam2_video.modeling_sam2_video", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
)
SAM3_FAMILY = Family(
    "SAM 3", "Sam3TrackerVideo", "sam3_tracker_video.modeling_sam3_tracker_video", (0.5,) * 3, (0.5,) * 3
)


class Sam2:
    """The network on a device. side: px that it sees, see `SIZES`. notice: hears of a change of precision, once."""

    def __init__(
        self, family: Family, network: Any, plan: InputPlan, device: Any, notice: Callable[[str], None]
    ) -> None:
        self.network, self.device = network, device
        self.side = int(network.config.image_size)
        self.reach = Reach.of(network.config, _PROMPTS)
        self._plan, self._notice = plan, notice
        self._mixed = device.type == "cuda"
        self._family = family
        modeling: Any = importlib.import_module(f"transformers.models.{family.module}")
        self._session_kind = getattr(modeling, f"{family.prefix}InferenceSession")
        self._cache_kind = getattr(modeling, f"{family.prefix}InferenceCache")
        self._features = self._new_cache()

    def pixels(self, picture: Picture) -> Any:
        """Tensor [3, side, side] on the device: squeezed to the square and normalised."""
        return dpt_input(picture, self._plan).to(self.device)

    def new_frame(self) -> None:
        """Forgets the features of the last picture: the next one may have the same number."""
        self._features = self._new_cache()

    def session(self) -> Any:
        """What an object is remembered by; its large tensors wait in the computer's memory, not the device's."""
        torch: Any = importlib.import_module("torch")
        return self._session_kind(
            inference_device=self.device,
            inference_state_device="cpu",
            video_storage_device=self.device,
            dtype=torch.float32,
        )

    def look(self, session: Any, frame: int, pixels: Any, *, backward: bool = False) -> Followed:
        """The session's object in a frame, by its inputs or by what it remembers."""
        found = self._run(session, frame, pixels, backward, self._mixed)
        if self._mixed and not np.isfinite(found.logits).all():
            self._mixed = False
            self._notice(f"{self._family.title} overflows in half precision: it runs in full precision, slower.")
            self.new_frame()
            found = self._run(session, frame, pixels, backward, mixed=False)
        if not np.isfinite(found.logits).all():
            raise InternalError(f"{self._family.title} gave values that are no numbers, at frame {frame}.")
        return found

    def _run(self, session: Any, frame: int, pixels: Any, backward: bool, mixed: bool) -> Followed:
        session.cache = self._features
        with inference(self.device, mixed=mixed):
            out = self.network(session, frame_idx=frame, frame=pixels, reverse=backward)
        logits = out.pred_masks[0, 0].float().cpu().numpy()
        return Followed(logits, float(out.object_score_logits.float().reshape(-1)[0]))

    def tell(self, session: Any, frame: int, said: Told, size: tuple[int, int]) -> None:
        """Gives a frame's hints to a session; `look` then answers by them. size: height, width of the plate."""
        index = session.obj_id_to_idx(_OBJECT)
        if said.mask is not None:
            session.add_mask_inputs(index, frame, self._mask_input(said.mask))
        else:
            session.add_point_inputs(index, frame, self._point_input(said, size))
        session.obj_with_new_inputs = [_OBJECT]
        if said.correction:  # counts as followed, so that the network looks at its memory too
            session.frames_tracked_per_obj[index][frame] = {"reverse": False}

    def prompted(self, session: Any) -> dict[int, Any]:
        """What the session remembers of the frames with hints, by frame."""
        return dict(session.output_dict_per_obj[session.obj_id_to_idx(_OBJECT)]["cond_frame_outputs"])

    def choose_prompts(self, session: Any, frame: int, all_of_them: dict[int, Any]) -> None:
        """Leaves the frames with hints in the session's memory that are nearest to a frame."""
        nearest_prompts(session, frame, self.reach, all_of_them)

    def forget(self, session: Any, frame: int, *, backward: bool) -> None:
        forget(session, frame, self.reach, backward=backward)

    def _new_cache(self) -> Any:
        return self._cache_kind(inference_device=self.device, inference_state_device=self.device)

    def _mask_input(self, mask: NDArray[np.bool_]) -> Any:
        """float32 [1, 1, side, side] of 0 and 1."""
        torch: Any = importlib.import_module("torch")
        whole = torch.from_numpy(np.ascontiguousarray(mask)).to(self.device).float()[None, None]
        if tuple(whole.shape[-2:]) == (self.side, self.side):
            return whole
        resized = torch.nn.functional.interpolate(
            whole, (self.side, self.side), mode="bilinear", align_corners=False, antialias=True
        )
        return (resized >= 0.5).float()

    def _point_input(self, said: Told, size: tuple[int, int]) -> dict[str, Any]:
        """A box counts as two points with labels of their own, before the others."""
        torch: Any = importlib.import_module("torch")
        points, labels = said.points, said.labels
        assert points is not None and labels is not None
        if said.box is not None:
            points = np.concatenate([said.box.reshape(2, 2), points])
            labels = np.concatenate([[2, 3], labels])
        scaled = points * (self.side / size[1], self.side / size[0])
        return {
            "point_coords": torch.from_numpy(scaled.astype(np.float32))[None, None],
            "point_labels": torch.from_numpy(labels.astype(np.int32))[None, None],
        }


def load_sam2(
    folder: Path, device: Any, notice: Callable[[str], None], side: int | None = None, family: Family = SAM2_FAMILY
) -> Sam2:
    """The network of a local checkpoint. side: px that it shall see, the checkpoint's own when None. Raises
    `EngineUnavailable` when it is damaged or another model."""
    configure = None if side is None else lambda config: shrink(config, side)
    network = load_checkpoint(f"{family.prefix}Model", folder, device, configure)
    seen = int(network.config.image_size)
    plan = read_plan(folder, InputPlan((seen, seen), False, 1, "bilinear", family.mean, family.std))
    return Sam2(family, network, replace(plan, size=(seen, seen), keep_aspect=False, multiple=1), device, notice)


def shrink(config: Any, side: int) -> None:
    """Changes a checkpoint's configuration so that the network sees less: no weight has the size of the picture."""
    if config.model_type == "sam3_video":
        config.image_size = side  # changes all that depends on it
        return
    levels = [side // stride for stride in (4, 8, 16)]
    config.image_size = config.prompt_encoder_config.image_size = side
    config.vision_config.backbone_feature_sizes = [[level, level] for level in levels]
    config.memory_attention_rope_feat_sizes = [levels[-1], levels[-1]]
    if hasattr(config.vision_config, "backbone_config"):
        config.vision_config.backbone_config.image_size = [side, side]
