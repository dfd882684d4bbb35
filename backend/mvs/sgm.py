"""Semi-global matching: smoothness along eight directions through a cost volume.

Hirschmueller, "Stereo processing by semi-global matching and mutual information", TPAMI 2008, equation 13.
"""

from __future__ import annotations

import torch
from torch import Tensor


def semi_global(cost: Tensor, edges: Tensor, small: float, large: float) -> Tensor:
    """Summed path costs [H, W, D] of cost [H, W, D]. edges [H, W]: 0..1, divides the penalty of a jump where the
    picture has an edge. small, large: penalties for a change of one plane and of more."""
    total = torch.zeros_like(cost)
    jump = small + (large - small) / (1.0 + edges)
    for flipped in (False, True):
        down, down_jump, down_total = (_turned(one, flipped) for one in (cost, jump, total))
        for shift in (-1, 0, 1):
            _scan(down, down_jump, down_total, shift, small)
        _scan(down.transpose(0, 1), down_jump.transpose(0, 1), down_total.transpose(0, 1), 0, small)
        total = _turned(down_total, flipped)
    return total


def _turned(volume: Tensor, flipped: bool) -> Tensor:
    return volume.flip(0, 1) if flipped else volume


def _scan(cost: Tensor, jump: Tensor, total: Tensor, shift: int, small: float) -> None:
    """Adds to `total` the path costs of a scan along the first axis, `shift` columns per row sideways."""
    path = cost[0]
    total[0] += path
    for row in range(1, cost.shape[0]):
        if shift:
            path = _moved(path, shift)
        least = path.amin(-1, keepdim=True)
        best = torch.minimum(path, least + jump[row][:, None])
        best[:, 1:] = torch.minimum(best[:, 1:], path[:, :-1] + small)
        best[:, :-1] = torch.minimum(best[:, :-1], path[:, 1:] + small)
        path = best.sub_(least).add_(cost[row])
        total[row] += path


def _moved(path: Tensor, shift: int) -> Tensor:
    """Rows [W, D] one column on; the column that has no predecessor starts anew."""
    moved = torch.zeros_like(path)
    if shift > 0:
        moved[1:] = path[:-1]
    else:
        moved[:-1] = path[1:]
    return moved
