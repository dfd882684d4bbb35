"""Batches that shrink when the device runs out of memory."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from shared.errors import OutOfMemory

Item = TypeVar("Item")
Result = TypeVar("Result")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch or Python ran out of memory. On the processor torch raises a plain RuntimeError."""
    if isinstance(error, MemoryError):
        return True
    torch: Any = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "not enough memory" in str(error)


def release() -> None:
    """Gives back what a failed attempt has left on the device."""
    gc.collect()
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


@dataclass
class Batches:
    """size: items at once, halved whenever a batch does not fit and kept from then on. notice: hears of it. what:
    the items' name for people, in the plural."""

    size: int
    what: str
    notice: Callable[[str], None]

    def over(self, items: Sequence[Item], run: Callable[[Sequence[Item]], Sequence[Result]]) -> Iterator[Result]:
        """The results of all items, in order. Raises `OutOfMemory` when even one alone does not fit."""
        at = 0
        while at < len(items):
            batch = items[at : at + self.size]
            results = self._attempt(batch, run)
            if results is None:
                self._shrink(len(batch))
                continue
            yield from results
            at += len(batch)

    def _attempt(
        self, batch: Sequence[Item], run: Callable[[Sequence[Item]], Sequence[Result]]
    ) -> Sequence[Result] | None:
        """None when it did not fit. The error, whose traceback holds the tensors, is gone by then."""
        try:
            return run(batch)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return None

    def _shrink(self, tried: int) -> None:
        release()
        if tried == 1:
            raise OutOfMemory(f"The device has too little memory for one of the {self.what}.")
        self.size = tried // 2
        self.notice(f"The device has too little memory for {tried} {self.what} at once: {self.size} from now on.")
