"""What SAM 2 remembers of a clip, kept small.

`Sam2VideoInferenceSession` of transformers keeps every frame's picture, masks and features for ever. A frame is tracked
by the features of the frames with hints, those of the `num_maskmem` - 1 frames before it, and the object pointers of
`max_object_pointers_in_encoder` - 1 frames before it (Ravi et al., "SAM 2", 2024, section 4): all else is forgotten
here, which changes no mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

FEATURES = ("maskmem_features", "maskmem_pos_enc")


@dataclass(frozen=True)
class Reach:
    """How far back a frame looks. features, pointers: frames. prompts: frames with hints that are kept, the nearest."""

    features: int
    pointers: int
    prompts: int

    @classmethod
    def of(cls, config: Any, prompts: int) -> Reach:
        return cls(int(config.num_maskmem) - 1, int(config.max_object_pointers_in_encoder) - 1, prompts)


def forget(session: Any, frame: int, reach: Reach, *, backward: bool) -> None:
    """Drops what no frame after `frame` (before it, going backward) can look at."""
    if session.processed_frames is not None:
        session.processed_frames.clear()
    for index, outputs in session.output_dict_per_obj.items():
        tracked, prompted = outputs["non_cond_frame_outputs"], outputs["cond_frame_outputs"]
        for number in list(tracked):
            tracked[number].pop("pred_masks", None)
            age = number - frame if backward else frame - number
            if age >= reach.pointers:
                del tracked[number]
            elif age >= reach.features:
                for name in FEATURES:
                    tracked[number].pop(name, None)
        for out in (*tracked.values(), *prompted.values()):
            _thin(out)
        for told in (session.point_inputs_per_obj[index], session.mask_inputs_per_obj[index]):
            told.clear()
        went = session.frames_tracked_per_obj[index]
        for number in [number for number in went if number not in tracked]:
            del went[number]


def _thin(out: dict[str, Any]) -> None:
    """Without the mask at the network's size, 4 MB that only the memory encoder looks at, once; the features wait in
    the computer's memory, not the device's."""
    out.pop("high_res_masks", None)
    for name in FEATURES:
        if name in out:
            out[name] = out[name].to("cpu")


def nearest_prompts(session: Any, frame: int, reach: Reach, also: dict[int, Any]) -> None:
    """Leaves the nearest frames with hints in the memory; `also` is where all of them wait, on the processor."""
    (outputs,) = session.output_dict_per_obj.values()
    wanted = sorted(also, key=lambda number: (abs(number - frame), number))[: reach.prompts]
    prompted = outputs["cond_frame_outputs"]
    if set(prompted) == set(wanted):
        return
    outputs["cond_frame_outputs"] = {number: also[number] for number in sorted(wanted)}


def kept_bytes(session: Any) -> int:
    """Bytes of all tensors that a session holds, whatever their device."""
    return sum(
        _size(value) for value in (session.processed_frames, session.output_dict_per_obj, session.cache.__dict__)
    )


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return sum(_size(part) for part in value.values())
    if isinstance(value, list | tuple):
        return sum(_size(part) for part in value)
    return int(value.nbytes) if hasattr(value, "nbytes") else 0
