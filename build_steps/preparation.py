"""Environments made while tests run: the first ones before, the later ones beside them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from . import environments, system
from .environments import Plan

AT_ONCE = 2
"""Installs beside each other: one downloads while the other unpacks."""


class Preparation:
    """What the jobs of a run need, begun in the order given. Use as a context; `get` waits for one of them."""

    def __init__(self, steps: Mapping[str, Callable[[], Path]]) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="prepare")
        self._made: dict[str, Future[Path]] = {name: self._pool.submit(make) for name, make in steps.items()}

    def __enter__(self) -> Preparation:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def get(self, name: str) -> Path:
        """Waits until it is made. Raises the `BuildError` that making it met."""
        return self._made[name].result()


def steps_for(
    plans: Sequence[Plan], *, bpy: Sequence[Plan], offline: Path | None, install_system: bool
) -> dict[str, Callable[[], Path]]:
    """For `Preparation`: the interpreter of each plan, by its folder's name. bpy: those with Blender's module, which
    needs libraries of the system."""
    libraries = threading.Lock()

    def plain(plan: Plan) -> Path:
        return environments.ensure(plan, offline=offline)

    def with_libraries(plan: Plan) -> Path:
        with libraries:
            system.require_libraries(install=install_system)
        return plain(plan)

    def step(make: Callable[[Plan], Path], plan: Plan) -> Callable[[], Path]:
        return lambda: make(plan)

    made = {plan.folder.name: step(plain, plan) for plan in plans}
    return made | {plan.folder.name: step(with_libraries, plan) for plan in bpy}
