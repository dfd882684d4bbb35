"""A scene's objects as the document of `shared/roto_prompts.py`, and back."""

from __future__ import annotations

import colorsys
import functools
import json
from dataclasses import fields
from typing import Any

import bpy

from ..shared.roto_prompts import FramePrompt, LabelPrompts, RotoPrompts
from ..shared.wire import pack, unpack

Fingerprint = tuple[Any, ...]
_GOLDEN = 0.381966
_DIGITS = 4
_FIRST_HUE = 0.58


def of_scene(scene: bpy.types.Scene) -> Any:
    """The scene's `RotoSettings`."""
    return scene.backlot_roto


def active_object(scene: bpy.types.Scene) -> Any | None:
    """The object that a click belongs to."""
    state = of_scene(scene)
    return state.objects[state.active] if 0 <= state.active < len(state.objects) else None


def find(scene: bpy.types.Scene, label: str) -> Any | None:
    return next((thing for thing in of_scene(scene).objects if thing.label == label), None)


def add(scene: bpy.types.Scene, label: str) -> Any:
    """A new object, which becomes the active one. The label is good and not taken."""
    state = of_scene(scene)
    made = state.objects.add()
    made.name = made.label = label
    made.color = colour_of(len(state.objects) - 1)
    state.active = len(state.objects) - 1
    return made


def free_label(scene: bpy.types.Scene, wanted: str = "object") -> str:
    """`wanted`, or with the first number that makes it new."""
    taken = {thing.label.casefold() for thing in of_scene(scene).objects}
    names = (wanted, *(f"{wanted}_{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name.casefold() not in taken)


def colour_of(index: int) -> tuple[float, float, float]:
    """Colours far from each other, for the first objects and all after them."""
    return colorsys.hsv_to_rgb((_FIRST_HUE + index * _GOLDEN) % 1.0, 0.75, 1.0)


def prompt_at(thing: Any, number: int) -> FramePrompt:
    """What is said of an object at a plate frame."""
    return prompts_in(thing.frames).get(number, FramePrompt())


def set_prompt(thing: Any, number: int, prompt: FramePrompt) -> None:
    said = {**prompts_in(thing.frames), number: prompt}
    thing.frames = _text({n: said[n] for n in sorted(said) if not said[n].is_empty})


@functools.lru_cache(maxsize=256)
def prompts_in(text: str) -> dict[int, FramePrompt]:
    """Plate number -> what is said there, of an object's text."""
    return {int(number): unpack(FramePrompt, plain, "frames") for number, plain in json.loads(text or "{}").items()}


def fingerprint(scene: bpy.types.Scene) -> Fingerprint:
    """Equal as long as the document would be."""
    return tuple(
        (thing.label, tuple(thing.color), thing.moving, thing.text.strip(), thing.frames)
        for thing in of_scene(scene).objects
    )


def document(scene: bpy.types.Scene, revision: int) -> RotoPrompts:
    """The objects as the shot's document."""
    labels = {}
    for thing in of_scene(scene).objects:
        red, green, blue = (round(float(value), _DIGITS) for value in thing.color)
        said = {str(number): prompt for number, prompt in prompts_in(thing.frames).items()}
        labels[thing.label] = LabelPrompts(thing.moving, thing.text.strip() or None, (red, green, blue), said)
    return RotoPrompts(revision=revision, labels=labels)


def adopt(scene: bpy.types.Scene, prompts: RotoPrompts) -> None:
    """Makes the scene's objects those of a document. What only the scene knows of a label stays."""
    state = of_scene(scene)
    hidden = {thing.label for thing in state.objects if not thing.visible}
    colours = {thing.label: tuple(thing.color) for thing in state.objects}
    chosen = active_object(scene)
    active = chosen.label if chosen is not None else ""
    state.objects.clear()
    for index, (label, said) in enumerate(prompts.labels.items()):
        made = state.objects.add()
        made.name = made.label = label
        made.color = said.color or colours.get(label, colour_of(index))
        made.moving, made.text = said.moving, said.text or ""
        made.visible = label not in hidden
        made.frames = _text(said.prompted)
    labels = list(prompts.labels)
    state.active = labels.index(active) if active in labels else 0


def _text(said: dict[int, FramePrompt]) -> str:
    """JSON without what is not said."""
    return json.dumps({str(number): _plain(prompt) for number, prompt in said.items()}, separators=(",", ":"))


def _plain(prompt: FramePrompt) -> dict[str, Any]:
    packed, nothing = pack(prompt), FramePrompt()
    return {
        item.name: packed[item.name]
        for item in fields(prompt)
        if getattr(prompt, item.name) != getattr(nothing, item.name)
    }
