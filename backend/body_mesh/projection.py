"""texture.png and texture_seen.png of a job."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.depth.outputs import write_grey
from backend.media.png import encode_rgb_png
from backend.pipeline.atomic import atomic_path
from shared.body_arrays import BodyMesh, posed, scale_of
from shared.motion_arrays import TRACKED

from .raster import barycentric, pixel_centres, rasterised
from .sight import Frame, Sight, sight_of
from .texels import Texels, texels_of, uv_pixels
from .texture import Values, gathered, looks_of
from .unseen import filled, run_over
from .views import View

if TYPE_CHECKING:
    from .job import BodyJob

TEXTURE_FILE, TEXTURE_SEEN_FILE = "texture.png", "texture_seen.png"
_WHAT = "Projecting the plate"
_COMPARED = 5


def project_texture(
    job: BodyJob, mesh: BodyMesh, views: Mapping[int, View], side: int
) -> tuple[tuple[Path, ...], dict[str, Any]]:
    """(files, facts). Facts: texture_coverage, the share of the texture's skin that was seen; texture_error, the mean
    difference, in code values of 0..255, between the textured body and the plate where both are the person, over up to
    five frames. No files when no frame shows the person."""
    frames = shown_frames(job, views)
    texels = texels_of(mesh, side)
    total, done = looks_of(frames), 0

    def tick() -> None:
        nonlocal done
        done += 1
        job.checkpoint(_WHAT, done, total)

    def look(number: int) -> Sight | None:
        return sight_of(frame_of(job, mesh, views[number]), texels)

    skin = gathered(len(texels), frames, look, tick)
    if not (skin.low_weight > 0.0).any():
        return (), {}
    colours, seen = filled(skin.colours(), skin.low_weight, texels, mesh.faces, len(mesh.vertices))
    picture = code_values(run_over(texels.picture(colours), texels))
    files = job.folder / TEXTURE_FILE, job.folder / TEXTURE_SEEN_FILE
    with atomic_path(files[0]) as beside:
        beside.write_bytes(encode_rgb_png(picture))
    write_grey(files[1], _seen_picture(texels, seen))
    facts = {
        "texture_coverage": round(float(seen.mean()), 4),
        "texture_frames": len(frames),
        "texture_error": texture_error(job, mesh, views, frames, picture),
    }
    return files, facts


def shown_frames(job: BodyJob, views: Mapping[int, View]) -> list[int]:
    """Plate numbers in which the person was tracked and the camera is known. Where a gap was bridged, nobody saw
    whether the body is where the motion says."""
    states = zip(job.motion.frames.tolist(), job.motion.state, strict=True)
    return [number for number, state in states if state == TRACKED and number in views]


def frame_of(job: BodyJob, mesh: BodyMesh, view: View) -> Frame:
    t = int(view.number - job.motion.frames[0])
    vertices = posed(mesh, job.motion, t)
    seen = own_pixels(job, view.number)
    return Frame(view, job.picture(view.number), seen, vertices, mesh.faces, stature_of(job, mesh))


def stature_of(job: BodyJob, mesh: BodyMesh) -> float:
    """World units."""
    return scale_of(mesh, job.motion) * float(np.ptp(mesh.vertices[:, 2]))


def own_pixels(job: BodyJob, number: int) -> NDArray[np.bool_] | None:
    """bool [H,W]: the label's mask without the others'; None when there is no mask at all."""
    own = job.mask(job.label, number)
    seen = None if own is None else own > 127
    for other in job.others:
        mask = job.mask(other, number)
        if mask is not None:
            # A pixel that two share shows a mixture.
            free = cv2.dilate(mask, np.ones((3, 3), np.uint8)) <= 127
            seen = free if seen is None else seen & free
    return seen


def texture_error(
    job: BodyJob, mesh: BodyMesh, views: Mapping[int, View], frames: list[int], texture: NDArray[np.uint8]
) -> float:
    """Mean absolute difference, code values, NaN when nothing can be compared."""
    apart, count = 0.0, 0
    for number in frames[:: max(1, -(-len(frames) // _COMPARED))]:
        shown, covered = rendered(
            mesh, posed(mesh, job.motion, int(number - job.motion.frames[0])), views[number], texture
        )
        seen = own_pixels(job, number)
        both = covered if seen is None else covered & seen
        apart += float(np.abs(shown[both].astype(np.float64) - job.picture(number)[both]).mean(1).sum())
        count += int(both.sum())
    return round(apart / count, 3) if count else float("nan")


def rendered(
    mesh: BodyMesh, vertices: NDArray[np.float64], view: View, texture: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """(uint8 [H,W,3] RGB of the textured body without light, bool [H,W] where it is)."""
    pixels, depth = view.project(vertices)
    buffer = rasterised(pixels, depth, mesh.faces, view.size)
    y, x = np.nonzero(buffer.covered)
    face = buffer.face[y, x]
    corners = mesh.faces[face]
    shares = barycentric(pixels[corners], pixel_centres(np.stack([x, y], 1))) / depth[corners]
    shares /= shares.sum(1, keepdims=True)
    at = np.einsum("nk,nkc->nc", shares, uv_pixels(mesh, len(texture))[face])
    at = np.clip(at, 0.0, len(texture) - 1).astype(np.int64)
    found = np.zeros((*buffer.face.shape, 3), np.uint8)
    found[y, x] = texture[at[:, 1], at[:, 0]]
    return found, buffer.covered


def code_values(light: Values) -> NDArray[np.uint8]:
    """uint8 of linear light through the sRGB curve (IEC 61966-2-1)."""
    clipped = np.clip(light, 0.0, 1.0)
    code = np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1.0 / 2.4) - 0.055)
    return np.asarray(code * 255.0 + 0.5, np.uint8)


def _seen_picture(texels: Texels, seen: NDArray[np.bool_]) -> NDArray[np.uint8]:
    whole = np.zeros(texels.side * texels.side, np.uint8)
    whole[texels.place[seen]] = 255
    return whole.reshape(texels.side, texels.side)
