"""Steps of bundle adjustment, and how they bend.

A zoom and a travel along the view trade against each other over a long, narrow and curved valley of the cost: a
straight step leaves it soon. Geodesic acceleration (Transtrum & Sethna, "Improvements to the Levenberg-Marquardt
algorithm for nonlinear least-squares minimization", arXiv:1201.5885) adds the second-order term, found from the
residuals a little ahead and a little behind, with the same factored system.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .frames import Floats
from .normal_equations import Problem, System, points_answer, residuals
from .scene import Scene

_AHEAD = 0.3
"""Share of the step at which the residuals are looked at."""


@dataclass(frozen=True)
class Step:
    """poses: [F, C] of the posed frames; lens: [L]; points: [P, 3]."""

    poses: Floats
    lens: Floats
    points: Floats

    def times(self, factor: float) -> Step:
        return Step(factor * self.poses, factor * self.lens, factor * self.points)

    def plus(self, other: Step) -> Step:
        return Step(self.poses + other.poses, self.lens + other.lens, self.points + other.points)


def step_of(p: Problem, system: System, half: Floats, delta: Floats) -> Step:
    """The cameras' step [C F + L] and the points' answer to it. half: as in `reduced_system`."""
    frames, width = len(p.frames), system.width
    poses, lens = delta[: width * frames].reshape(frames, width), delta[width * frames :]
    return Step(poses, lens, points_answer(p, system, half, poses, lens))


def bend(
    moved: Callable[[Step], Scene], scene: Scene, p: Problem, system: System, half: Floats,
    answer: Callable[[Floats], Floats], step: Step,
) -> Step:  # fmt: skip
    """What to add to a straight step. moved: the scene after a step; answer: the factored camera system."""
    here = residuals(scene, p)[0]
    ahead, behind = (residuals(moved(step.times(share)), p)[0] for share in (_AHEAD, -_AHEAD))
    curve = (ahead + behind - 2.0 * here) * (system.root / _AHEAD**2)[:, None]
    grad_point = p.per_point((system.to_point * curve[:, :, None]).sum(1))
    pull = np.matmul(half.transpose(0, 2, 1), np.matmul(half, grad_point[:, :, None]))[:, :, 0]
    left = curve - (system.to_point * pull[p.row][:, None, :]).sum(2)
    grad = np.zeros((len(p.frames), system.width))
    np.add.at(grad, p.col, (system.to_pose * left[:, :, None]).sum(1))
    right = np.concatenate([grad.ravel(), np.zeros(len(step.lens))])
    return step_of(p, replace(system, grad_point=grad_point), half, answer(right)).times(0.5)
