"""The interactive cut: hints of an object on one picture in, its soft mask out."""

from .cutter import Cutter
from .hints import Hints

__all__ = ["Cutter", "Hints"]
