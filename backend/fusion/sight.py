"""A frame as it is fused: for every pixel the plane it lies in, how much it counts and how far it reaches."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.depth.frame import SKY

from .planes import closed, tangents
from .settings import FusionSettings
from .shapes import Bytes, Floats, FusionFrame, Mask
from .volume import EVIDENCE_STEPS

_DEFAULTS = FusionSettings()
_BRIDGED = 0.6
"""Confidence of what lies between measured pixels of one surface."""
_SUREST = 0.97
"""Confidence beyond which none is believed."""


@dataclass(frozen=True)
class Sight:
    """A frame's pixels, flat [H * W], float32 unless said otherwise; world units.

    rotation [3, 3], centre [3]: world from camera. K [3, 3]. size (height, width). depth: planar, 0 unknown, `SKY`.
    normal [H * W, 3]: of `Tangents`. cosine: distance to the plane per unit of planar depth. fine: log2 of the voxel
    edge that suits the pixel over `unit`. weight: of its depth, over that of a pixel with certain depth that suits
    `unit`. evidence: uint8, see `EVIDENCE_STEPS`. rgb uint8 [H * W, 3]. colour_weight.
    """

    rotation: NDArray[np.float64]
    centre: NDArray[np.float64]
    K: NDArray[np.float64]
    size: tuple[int, int]
    depth: Floats
    normal: Floats
    cosine: Floats
    fine: Floats
    weight: Floats
    evidence: Bytes
    rgb: Bytes
    colour_weight: Floats


def fused_pixels(frame: FusionFrame, settings: FusionSettings = _DEFAULTS) -> Mask:
    """Which pixels [H, W] have a depth that is fused: measured, still, and no sky."""
    farthest = SKY if settings.farthest is None else min(settings.farthest, SKY)
    used = (frame.depth > 0) & (frame.depth < farthest) & (frame.confidence >= settings.least_confidence)
    return np.asarray(used if frame.moving is None else used & ~frame.moving)


def sharpness(rgb: Bytes) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al., ICPR 2000) of a picture uint8 [H, W, 3]: low where the camera
    shook or the focus is off."""
    return float(cv2.Laplacian(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.CV_32F).var())


def sight_of(frame: FusionFrame, unit: float, settings: FusionSettings) -> Sight:
    """unit: voxel edge (world units) that `fine` is counted from."""
    measured, K = fused_pixels(frame, settings), frame.pose.K
    still = np.ones_like(measured) if frame.moving is None else ~frame.moving
    sky = (frame.depth >= SKY) & (frame.confidence >= settings.least_confidence) & still
    depth, used = closed(frame.depth, measured, still & (frame.depth < SKY))
    planes = tangents(depth, used, K)
    known = planes.known
    depth = np.where(known, depth, np.where(sky, np.float32(SKY), np.float32(0.0)))
    length = np.sqrt((planes.normal * planes.normal).sum(-1))
    cosine = np.where(known, 1.0 / np.where(known, depth * length, 1.0), sky)
    focal = float(np.sqrt(K[0, 0] * K[1, 1]))
    ratio = settings.voxel_px / focal / unit * np.where(known, depth, 1.0)
    # Stereo that picks its sources by angle errs in proportion to depth. What is bridged counts a tenth.
    sure = np.where(measured, np.clip(2.0 * frame.confidence - 1.0, 0.1, 1.0), 0.1)
    weight = np.where(known, sure * np.minimum(cosine, 1.0) / np.square(ratio), 0.5 * sky)
    return Sight(
        rotation=frame.pose.world_from_camera[:3, :3],
        centre=frame.pose.world_from_camera[:3, 3],
        K=K,
        size=frame.pose.size,
        depth=_flat(depth),
        normal=planes.normal.reshape(-1, 3),
        cosine=_flat(cosine),
        fine=_flat(np.where(sky, np.inf, np.log2(ratio))),
        weight=_flat(weight),
        evidence=_evidence(np.where(measured, frame.confidence, _BRIDGED)).ravel(),
        rgb=np.ascontiguousarray(frame.rgb).reshape(-1, 3),
        colour_weight=_flat(np.square(weight) * sharpness(frame.rgb)),
    )


def evidence_for(doubt: float) -> int:
    """The evidence at which the chance of error is `doubt`, 0..1."""
    return int(_evidence(np.array(1.0 - doubt)))


def _evidence(confidence: NDArray[np.floating]) -> Bytes:
    """uint8, of confidences 0..1 of any shape."""
    bits = -np.log2(1.0 - np.minimum(confidence, _SUREST))
    return np.asarray(np.rint(EVIDENCE_STEPS * bits), np.uint8)


def _flat(values: NDArray[np.floating]) -> Floats:
    return np.ascontiguousarray(values, np.float32).ravel()
