"""Somebody stout in a painted suit who turns round before a grey wall, and the plate and masks of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from backend.body_mesh.girths import girths_of
from backend.body_mesh.projection import code_values
from backend.body_mesh.proxy import build_mesh
from backend.body_mesh.raster import Buffer, barycentric, rasterised
from backend.body_mesh.views import View, views_of
from shared.body_arrays import BodyMesh, posed
from shared.camera_files import CAMERA_AXES, WORLD_AXES, Extrinsics, FrameIntrinsics, FramePose, Intrinsics
from shared.motion_arrays import Motion, joints_of
from tests.unit.body_scene import standing

WIDTH, HEIGHT, FRAMES = 160, 208, 5
WALL = 118
DETAIL = 0.7
ARMS = {"left_shoulder": (0.0, 0.9, 0.0), "right_shoulder": (0.0, -0.9, 0.0)}


@dataclass(frozen=True)
class Turning:
    """stouter: logarithms of girths by name."""

    stouter: tuple[tuple[str, float], ...] = (("waist breadth", 0.3), ("waist depth", 0.3), ("thigh, upper end", 0.25))

    @cached_property
    def motion(self) -> Motion:
        """Once round, from the front; the camera, at (0, -3.2, 1), stands still."""
        motion = standing(frames=FRAMES, bends=ARMS)
        angle = 2.0 * np.pi * np.arange(FRAMES) / FRAMES
        turns = motion.rotations.copy()
        turns[:, 0] = np.stack([np.cos(angle / 2), 0 * angle, 0 * angle, np.sin(angle / 2)], 1)
        turned = replace(motion, rotations=turns)
        return replace(turned, joints=joints_of(turned))

    @cached_property
    def proxy(self) -> BodyMesh:
        return build_mesh(self.motion, DETAIL)

    @cached_property
    def truth(self) -> BodyMesh:
        girths = girths_of(self.proxy)
        wanted = dict(self.stouter)
        return girths.moved(self.proxy, np.array([wanted.get(name, 0.0) for name in girths.names]))

    @cached_property
    def cameras(self) -> tuple[Intrinsics, Extrinsics]:
        pose = ((1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 1.0, -3.2), (0.0, -1.0, 0.0, 1.0), (0.0, 0.0, 0.0, 1.0))
        numbers = range(1, FRAMES + 1)
        inner = tuple(FrameIntrinsics(n, 288.0, 288.0, WIDTH / 2, HEIGHT / 2) for n in numbers)
        outer = tuple(FramePose(n, pose, "solved", "locked", 0.2, 100) for n in numbers)
        lens = (0.04, 0.0, 0.0, 0.0)
        return (
            Intrinsics(1, WIDTH, HEIGHT, "24", 1.0, "BROWN", *lens, "solved", inner),
            Extrinsics(1, WORLD_AXES, CAMERA_AXES, "metres", "points", "imported", "test", outer),
        )

    @cached_property
    def views(self) -> dict[int, View]:
        return views_of(*self.cameras)

    def suit(self, rest: np.ndarray) -> np.ndarray:
        """[N,3] linear light of places on the skin at rest: patches, and another colour behind."""
        patch = 0.12 * np.sign(np.sin(rest @ [40.0, 0.0, 0.0]) * np.sin(rest @ [0.0, 0.0, 33.0]))
        behind = np.clip(rest[:, 1] * 8.0, -1.0, 1.0)
        return np.stack([0.32 + patch, 0.3 + 0.12 * behind, 0.3 - patch], 1)

    def mask(self, label: str, number: int) -> np.ndarray | None:
        if label != "ann":
            return None
        return np.where(self._buffer(number)[0].covered, 255, 0).astype(np.uint8)

    def picture(self, number: int) -> np.ndarray:
        """Every other frame is a quarter brighter, as by a camera's automatic exposure."""
        buffer, pixels, depth = self._buffer(number)
        light = np.full((HEIGHT, WIDTH, 3), ((WALL / 255 + 0.055) / 1.055) ** 2.4, np.float32)
        y, x = np.nonzero(buffer.covered)
        corners = self.truth.faces[buffer.face[y, x]]
        shares = barycentric(pixels[corners], np.stack([x, y], 1) + 0.5) / depth[corners]
        shares /= shares.sum(1, keepdims=True)
        light[y, x] = self.suit(np.einsum("nk,nkc->nc", shares, self.truth.vertices[corners]))
        return code_values(light * np.float32(1.0 + 0.25 * (number % 2)))

    def _buffer(self, number: int) -> tuple[Buffer, np.ndarray, np.ndarray]:
        pixels, depth = self.views[number].project(posed(self.truth, self.motion, number - 1))
        return rasterised(pixels, depth, self.truth.faces, (WIDTH, HEIGHT)), pixels, depth
