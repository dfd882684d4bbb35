"""Research code that sees people in 3D (GVHMR, WHAM, SAM 3D Body), run as a program of the user's in an environment of
its own. What it says goes through the body solver like any other evidence. docs/mocap-external.md."""

from .program import ENGINES, find_program
from .tracks import ExternalJob, external_tracks

__all__ = ["ENGINES", "ExternalJob", "external_tracks", "find_program"]
