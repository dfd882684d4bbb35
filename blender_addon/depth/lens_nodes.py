"""Node groups that undo a lens's distortion, for any pixel and in any frame: COLMAP's OPENCV model, y down."""

from __future__ import annotations

from collections.abc import Generator

import bpy

from .field_nodes import Field, FieldBuilder, find_group, make_group

LENS = ("K1", "K2", "P1", "P2")
_NAME, _STEP_NAME, _VERSION = "Backlot Undistort", "Backlot Undistort Step", 1
_NEWTON_STEPS = 6
_SOLVED = 1e-5


def make_undistort() -> Generator[None, None, bpy.types.NodeTree]:
    """Makes in steps, unless it is there, and returns the group that takes distorted normalised coordinates (X, Y) to
    undistorted ones (U, V). Reached: 1 where the model has such a place within the radius Fold (0: no limit), beyond
    which it folds back onto itself; else 0, and (U, V) is (0, 0)."""
    found = find_group(_NAME, _VERSION)
    if found is not None:
        return found
    step = yield from _make_step()
    build = FieldBuilder()
    x, y, fold = (build.input(name) for name in ("X", "Y", "Fold"))
    lens = {name: build.input(name) for name in LENS}
    u, v, error = x, y, x
    for _ in range(_NEWTON_STEPS + 1):  # the last one tells how good the one before was
        node = build.group(step, X=x, Y=y, U=u, V=v, **lens)
        before = (u, v)
        u, v, error = (Field(build, node, name) for name in ("U", "V", "Error"))
    u, v = before
    inside = build.math("MAXIMUM", (u * u + v * v) < fold * fold, 1.0 - (fold > 0.0))
    reached = (error < _SOLVED) & inside
    build.add("NodeGroupOutput").inputs += [
        ("U", build.switch(reached, 0.0, u)),
        ("V", build.switch(reached, 0.0, v)),
        ("Reached", reached),
    ]
    inputs = tuple((name, "Float", 0.0) for name in ("X", "Y", *LENS, "Fold"))
    outputs = tuple((name, "Float") for name in ("U", "V", "Reached"))
    return (yield from make_group(_NAME, _VERSION, inputs, outputs, build))


def _make_step() -> Generator[None, None, bpy.types.NodeTree]:
    """One step of Newton's method towards (U, V), which the lens takes to (X, Y). Error: how far (U, V) as given is
    off. As `lens_maps.undistort`."""
    found = find_group(_STEP_NAME, _VERSION)
    if found is not None:
        return found
    build = FieldBuilder()
    x, y, u, v, k1, k2, p1, p2 = (build.input(name) for name in ("X", "Y", "U", "V", *LENS))
    r2 = u * u + v * v
    radial = (k2 * r2 + k1) * r2 + 1.0
    slope = 2.0 * k1 + 4.0 * k2 * r2
    cross = slope * u * v + 2.0 * (p1 * u + p2 * v)
    along_x = radial + slope * u * u + 2.0 * p1 * v + 6.0 * p2 * u
    along_y = radial + slope * v * v + 2.0 * p2 * u + 6.0 * p1 * v
    off_x = x - (u * radial + 2.0 * p1 * u * v + p2 * (r2 + 2.0 * u * u))
    off_y = y - (v * radial + 2.0 * p2 * u * v + p1 * (r2 + 2.0 * v * v))
    determinant = along_x * along_y - cross * cross
    build.add("NodeGroupOutput").inputs += [
        ("U", u + (along_y * off_x - cross * off_y) / determinant),
        ("V", v + (along_x * off_y - cross * off_x) / determinant),
        ("Error", build.math("MAXIMUM", abs(off_x), abs(off_y))),
    ]
    inputs = tuple((name, "Float", 0.0) for name in ("X", "Y", "U", "V", *LENS))
    outputs = tuple((name, "Float") for name in ("U", "V", "Error"))
    return (yield from make_group(_STEP_NAME, _VERSION, inputs, outputs, build))
