"""The pictures that are compared, as Blender's own images. The draw handler asks; a timer loads between redraws."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import bpy
import gpu

from ..shared.errors import BacklotError, ShotReadOnly
from .files import FLOAT_SUFFIXES

_KEPT = 16
_NAME = ".Backlot Compare"


class Pictures:
    """Kept while they are wanted; those drawn last stay for scrubbing back."""

    def __init__(self) -> None:
        self._names: OrderedDict[tuple[Path, int], str] = OrderedDict()
        self._wanted: dict[tuple[Path, int], str] = {}
        self._refused: set[tuple[Path, int]] = set()
        self._load = self._load_wanted

    def find(self, path: Path, scene: str) -> gpu.types.GPUTexture | None:
        """The picture as a texture of linear colours; None until it is loaded, and when it cannot be. scene: through
        whose view transform files of light are seen."""
        try:
            key = (path, path.stat().st_mtime_ns)
        except OSError:
            return None
        image = self._image(key)
        if image is not None:
            self._names.move_to_end(key)
            return gpu.texture.from_image(image)
        if key not in self._refused:
            self._wanted[key] = scene
            if not bpy.app.timers.is_registered(self._load):
                bpy.app.timers.register(self._load, first_interval=0.0)
        return None

    def drop(self) -> None:
        """Takes every image away."""
        if bpy.app.timers.is_registered(self._load):
            bpy.app.timers.unregister(self._load)
        for key in list(self._names):
            self._forget(key)
        self._wanted.clear()
        self._refused.clear()

    @property
    def loaded(self) -> int:
        """How many are there to be drawn."""
        return len(self._names)

    def _image(self, key: tuple[Path, int]) -> bpy.types.Image | None:
        """By its name: an undo may have taken it away or put another in its place."""
        image = bpy.data.images.get(self._names.get(key, ""))
        return image if image is not None and image.get(_NAME) == str(key[0]) else None

    def _load_wanted(self) -> float | None:
        """One picture a turn, so that the window is drawn in between."""
        if not self._wanted:
            return None
        key, scene = self._wanted.popitem()
        try:
            image = load_picture(key[0], bpy.data.scenes.get(scene))
        except (RuntimeError, BacklotError):
            self._refused.add(key)
            return 0.0
        image[_NAME] = str(key[0])
        self._names[key] = image.name
        while len(self._names) > _KEPT:
            self._forget(next(iter(self._names)))
        _redraw()
        return 0.0 if self._wanted else None

    def _forget(self, key: tuple[Path, int]) -> None:
        image = self._image(key)
        del self._names[key]
        if image is not None:
            bpy.data.images.remove(image)


def load_picture(path: Path, scene: bpy.types.Scene | None) -> bpy.types.Image:
    """Loads a finished picture as it is, one of light as the scene shows it. Raises `RuntimeError` for a file that is
    no picture, `ShotReadOnly`."""
    image = bpy.data.images.load(str(path))
    image.name = _NAME
    if path.suffix.lower() not in FLOAT_SUFFIXES or scene is None:
        return image
    shown = Path(bpy.app.tempdir) / f"backlot_compare_{path.stem}.png"
    try:
        save_as_shown(image, scene, shown)
    finally:
        bpy.data.images.remove(image)
    image = bpy.data.images.load(str(shown))
    image.name = _NAME
    image.pack()  # the next one may take the same file
    return image


def save_as_shown(image: bpy.types.Image, scene: bpy.types.Scene, path: Path) -> None:
    """Writes an 8-bit PNG of what the scene's view transform makes of an image. Raises `ShotReadOnly`."""
    settings = scene.render.image_settings
    wanted = {"media_type": "IMAGE", "file_format": "PNG", "color_mode": "RGBA", "color_depth": "8"}
    wanted["color_management"] = "FOLLOW_SCENE"
    names = [name for name in wanted if hasattr(settings, name)]  # media_type only from Blender 5
    before = {name: getattr(settings, name) for name in names}
    try:
        for name in names:
            setattr(settings, name, wanted[name])
        image.save_render(str(path), scene=scene)
    except RuntimeError as error:
        raise ShotReadOnly(f"{path} cannot be written: {error}") from error
    finally:
        for name in names:
            setattr(settings, name, before[name])


def _redraw() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()
