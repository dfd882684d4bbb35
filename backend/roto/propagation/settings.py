"""Settings of the propagation. What is measured from the clip is not a setting."""

from __future__ import annotations

from dataclasses import dataclass

ENGINE_VERSION = "flow-11"
"""Part of every track's key: a changed method must not continue with old masks."""


@dataclass(frozen=True)
class PropagationSettings:
    """longest_side: px of the longer side that objects are followed at; the boundary is refined at the plate's size.
    backward, forward: whether objects are followed before their first and after their last prompted frame.
    """

    longest_side: int = 512
    backward: bool = True
    forward: bool = True
