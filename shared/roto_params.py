"""The parameters of the roto stage; `stages.py` lists them with those of the other stages.

What the artist says about the objects is not here but in `roto/prompts.json` (`roto_prompts.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from .errors import InvalidParameter
from .params import Choice, param


@dataclass(frozen=True)
class RotoParams:
    """How masks are found from the shot's prompts, and what is written besides them."""

    engine: str = param(
        "auto",
        choices=(
            Choice("auto", "Automatic", "The best engine that is ready for what the prompts say"),
            Choice("flow", "Optical flow", "Follows painted hints with the picture's movement: no model weights"),
            Choice("person", "People", "Finds people by themselves with MediaPipe's own models: no model weights"),
            Choice("sam2", "SAM 2", "A network that follows hints through the clip: weights"),
            Choice("sam3", "SAM 3", "A network that finds what words name: weights"),
            Choice("groundingdino", "Grounding DINO", "A network that finds boxes of what words name: weights"),
            Choice("owlv2", "OWLv2", "A network that finds boxes of what words name: weights"),
        ),
        flags=("--roto-engine",),
        help="Method that finds masks.",
    )
    model: str = param(
        "auto", folded=True, flags=("--roto-model",),
        help="Network of a learned engine: a model's name, or auto for the first whose weights are there and allowed.",
    )  # fmt: skip
    weights: str | None = param(
        None, label="Weights folder", folded=True, flags=("--roto-weights",),
        help="Folder with model weights; empty takes BACKLOT_WEIGHTS, or your own data folder.",
    )  # fmt: skip
    allow_non_commercial: bool = param(
        False, label="Allow non-commercial", folded=True, flags=("--roto-non-commercial",),
        help="Allow roto models whose licence forbids commercial work.",
    )  # fmt: skip
    frame_start: int | None = param(
        None, label="First frame", unit="frame", minimum=0, flags=("--roto-start",),
        help="First frame that gets new masks, empty for the plate's first; frames before keep the masks they have.",
    )  # fmt: skip
    frame_end: int | None = param(
        None, label="Last frame", unit="frame", minimum=0, flags=("--roto-end",),
        help="Last frame that gets new masks, empty for the plate's last; frames after keep the masks they have.",
    )  # fmt: skip
    separate_instances: bool = param(
        True, label="Separate instances", folded=True, flags=("--separate-instances",), off_flags=("--one-mask",),
        help="Several objects that one text finds get a mask each (person_00, person_01); off: one mask for all.",
    )  # fmt: skip
    threshold: float = param(
        0.35, label="Certainty", folded=True, minimum=0.05, maximum=0.95, flags=("--roto-threshold",),
        help="How sure an engine must be of an object that it finds by text, 0 to 1; lower finds more, wrong ones too.",
    )  # fmt: skip
    reprompt_every: int = param(
        0, label="Prompt again every", unit="frame", folded=True, minimum=0, maximum=10_000,
        flags=("--reprompt-every",),
        help="Learned engines take a mask they are sure of as a new prompt every so many frames; 0 never.",
    )  # fmt: skip
    people_in_boxes: str = param(
        "auto", label="People in boxes", folded=True, flags=("--people-in-boxes",),
        choices=(
            Choice("auto", "Automatic", "Where a box holds one person, MediaPipe's mask of it begins; if it is set up"),
            Choice("off", "Off", "The box alone begins the object"),
        ),
        help="How engine flow begins an object from a box.",
    )  # fmt: skip
    splines: bool = param(
        False, label="Splines", flags=("--splines",), off_flags=("--no-splines",),
        help="Write the masks as sparsely keyed bezier splines too: roto/LABEL/splines.json.",
    )  # fmt: skip
    spline_error: float = param(
        1.5, label="Spline error", unit="px", folded=True, minimum=0.25, maximum=50.0, flags=("--spline-error",),
        help="How far a spline may be from its mask's outline; a larger one needs fewer keys.",
    )  # fmt: skip
    cryptomatte: bool = param(
        False, label="Cryptomatte", folded=True, flags=("--cryptomatte",),
        help="Write every frame's masks as a Cryptomatte EXR too.",
    )  # fmt: skip
    multilayer: bool = param(
        False, label="Multi-layer EXR", folded=True, flags=("--multilayer",),
        help="Write every frame's masks as one EXR with a layer for each label too.",
    )  # fmt: skip
    nuke: bool = param(
        False, label="Nuke roto", folded=True, flags=("--nuke-roto",),
        help="Write the splines as a Nuke script with a Roto node too; needs the splines.",
    )  # fmt: skip
    after_effects: bool = param(
        False, label="After Effects masks", folded=True, flags=("--after-effects-masks",),
        help="Write the splines as a script for After Effects too; needs the splines.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        for asked, what, flag in (
            (self.nuke, "Nuke's roto shapes", "--nuke-roto"),
            (self.after_effects, "After Effects' masks", "--after-effects-masks"),
        ):
            if asked and not self.splines:
                raise InvalidParameter(
                    f"{what} are made from the splines, which were not asked for.", f"Ask for both (--splines {flag})."
                )
        if self.frame_start is not None and self.frame_end is not None and self.frame_start > self.frame_end:
            raise InvalidParameter(
                f"Roto should begin at frame {self.frame_start} and end before, at {self.frame_end}.",
                "Swap the first and the last frame.",
            )
