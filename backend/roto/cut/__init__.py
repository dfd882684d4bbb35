"""The interactive cut: hints of an object on one picture in, its soft mask out."""

from .cutter import Cutter
from .hints import Hints
from .movement import beside

__all__ = ["Cutter", "Hints", "beside"]
