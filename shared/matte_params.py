"""The parameters of the matte stage; `stages.py` lists them with those of the other stages."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import InvalidParameter
from .params import Choice, param


@dataclass(frozen=True)
class MatteParams:
    """How the masks of the roto stage become mattes."""

    engine: str = param(
        "auto",
        choices=(
            Choice("auto", "Automatic", "VitMatte if its weights are there, else from band and movement"),
            Choice("banded", "Band and movement", "Steady in time, from what other frames show: no model weights"),
            Choice("closed-form", "Closed form", "Every frame by itself, by pymatting: no model weights"),
            Choice("knn", "KNN", "Every frame by itself, by pymatting, slow: no model weights"),
            Choice("vitmatte", "VitMatte", "A network, every frame by itself: weights"),
            Choice("external", "Other program", "A video matting program of your own, in an environment of its own"),
        ),
        flags=("--matte-engine",),
        help="Method that finds mattes.",
    )
    labels: str | None = param(
        None, flags=("--matte-labels",),
        help="Labels to make mattes of, separated by commas; empty for every label under roto/.",
    )  # fmt: skip
    frame_start: int | None = param(
        None, label="First frame", unit="frame", minimum=0, flags=("--matte-start",),
        help="First frame that gets a matte; empty for the plate's first.",
    )  # fmt: skip
    frame_end: int | None = param(
        None, label="Last frame", unit="frame", minimum=0, flags=("--matte-end",),
        help="Last frame that gets a matte; empty for the plate's last.",
    )  # fmt: skip
    band: float = param(
        1.0, label="Band width", minimum=0.1, maximum=10.0, flags=("--matte-band",),
        help="Width of the band along the outline in which alpha is looked for, against the width found by itself.",
    )  # fmt: skip
    widen_inside: float = param(
        0.0, label="Wider inside", unit="px", minimum=-100.0, maximum=200.0, flags=("--widen-inside",),
        help="Added to the band inside the outline; below 0 makes it narrower.",
    )  # fmt: skip
    widen_outside: float = param(
        0.0, label="Wider outside", unit="px", minimum=-100.0, maximum=200.0, flags=("--widen-outside",),
        help="Added to the band outside the outline; below 0 makes it narrower.",
    )  # fmt: skip
    shutter: float = param(
        0.5, label="Shutter", folded=True, minimum=0.0, maximum=1.0, flags=("--shutter",),
        help="Share of the time between frames for which the shutter is open: the band grows with the motion blur.",
    )  # fmt: skip
    trimaps: bool = param(
        False, label="Keep trimaps", folded=True, flags=("--trimaps",),
        help="Write the bands too: matte/LABEL_trimap, 0 outside, 128 looked for, 255 inside.",
    )  # fmt: skip
    foreground: bool = param(
        False, label="Foreground", flags=("--foreground",),
        help="Write the object's colours without background, premultiplied, as EXR: matte/LABEL_fg.",
    )  # fmt: skip
    reach: int = param(
        6, unit="frame", folded=True, minimum=0, maximum=60, flags=("--matte-reach",),
        help="Frames before and after that are searched for what is behind the object, in each of two rounds.",
    )  # fmt: skip
    model: str = param(
        "auto", folded=True, flags=("--matte-model",),
        help="Network of the engine vitmatte: a model's name, or auto for the first whose weights are there.",
    )  # fmt: skip
    weights: str | None = param(
        None, label="Weights folder", folded=True, flags=("--matte-weights",),
        help="Folder with model weights; empty takes BACKLOT_WEIGHTS, or your own data folder.",
    )  # fmt: skip
    allow_non_commercial: bool = param(
        False, label="Allow non-commercial", folded=True, flags=("--matte-non-commercial",),
        help="Allow matte engines whose licence forbids commercial work.",
    )  # fmt: skip
    command: str | None = param(
        None, folded=True, flags=("--matte-command",),
        help="Command of the engine external, with {input}, {output}, {device} and {chunk} (docs/matte.md); empty "
        "takes BACKLOT_MATTE_COMMAND.",
    )  # fmt: skip
    chunk: int | None = param(
        None, unit="frame", folded=True, minimum=1, maximum=10_000, flags=("--matte-chunk",),
        help="Frames that the external program gets at once; empty for as many as the device's memory allows.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        if self.frame_start is not None and self.frame_end is not None and self.frame_start > self.frame_end:
            raise InvalidParameter(
                f"Mattes should begin at frame {self.frame_start} and end before, at {self.frame_end}.",
                "Swap the first and the last frame.",
            )
