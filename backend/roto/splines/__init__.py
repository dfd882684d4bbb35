"""Masks as bezier splines with few keys, for Blender's Mask editor and other programs.

The flow of an object: outlines of every mask (contours.py), joined to lives (lives.py); places on the outline followed
through a life (correspondence.py, track.py); points chosen for the whole life (knots.py), keys chosen for frames
(keys.py); the document written (fit.py) and drawn again (evaluate.py). What is kept is O(frames): the outlines.
"""

from .evaluate import mask_of
from .fit import TOLERANCE, fit_splines, write_splines

__all__ = ["TOLERANCE", "fit_splines", "mask_of", "write_splines"]
