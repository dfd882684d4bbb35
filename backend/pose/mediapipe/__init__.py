"""Engine `mediapipe`: BlazePose's landmark network, asked several times about each person.

The network errs by a percent or two of a person's size, in another way whenever the person lies a little differently
in the picture it is given: looks.py says which crops it is shown, merge.py makes one estimate of what it says, and
errors.py how far that is to be believed.
"""

from __future__ import annotations

from .engine import MediapipeEngine

__all__ = ["MediapipeEngine"]
