"""Panels drawn without a window: a layout that checks what is drawn as Blender's would, and keeps it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class Layout:
    """Stands for `bpy.types.UILayout`. texts: of labels and operators, in order. operators: their idnames. Refuses
    properties, operators, arguments and icons that there are not, and asks every operator's poll, as Blender does."""

    def __init__(self, root: Layout | None = None) -> None:
        self.root = root or self
        self.texts: list[str] = []
        self.operators: list[str] = []
        self.props: list[str] = []

    def _inner(self, *_: Any, **__: Any) -> Layout:
        return Layout(self.root)

    row = column = box = split = grid_flow = _inner

    def separator(self, **_: Any) -> None: ...

    def label(self, *, text: str = "", icon: str = "NONE", **_: Any) -> None:
        self._icon(icon)
        self.root.texts.append(text)

    def progress(self, *, text: str, factor: float, type: str = "BAR") -> None:
        assert 0.0 <= factor <= 1.0
        self.root.texts.append(text)

    def prop(self, data: Any, name: str, *, icon: str = "NONE", text: str = "", **_: Any) -> None:
        self._icon(icon)
        assert name.startswith('["') or name in data.bl_rna.properties, (data, name)
        self.root.props.append(name)

    def prop_enum(self, data: Any, name: str, value: str, **_: Any) -> None:
        assert value in data.bl_rna.properties[name].enum_items

    def prop_search(self, data: Any, name: str, where: Any, collection: str, **_: Any) -> None:
        assert name in data.bl_rna.properties and hasattr(where, collection)

    def template_list(
        self, kind: str, _id: str, data: Any, items: str, active_data: Any, active: str, **_: Any
    ) -> None:
        import bpy

        assert hasattr(bpy.types, kind) and hasattr(data, items) and hasattr(active_data, active)

    def operator(self, idname: str, *, text: str | None = None, icon: str = "NONE", **_: Any) -> Any:
        import bpy

        self._icon(icon)
        module, _dot, name = idname.partition(".")
        called = getattr(getattr(bpy.ops, module), name)
        called.poll()
        known = set(called.get_rna_type().properties.keys())
        self.root.operators.append(idname)
        self.root.texts.append(text if text is not None else called.get_rna_type().name)
        return _Arguments(known)

    def operator_menu_enum(self, idname: str, _name: str, **words: Any) -> Any:
        return self.operator(idname, **words)

    def popover(self, *, panel: str, icon: str = "NONE", text: str = "") -> None:
        import bpy

        self._icon(icon)
        assert hasattr(bpy.types, panel)

    def menu(self, name: str, *, icon: str = "NONE", text: str = "") -> None:
        self.popover(panel=name, icon=icon)

    def _icon(self, icon: str) -> None:
        import bpy

        assert icon in bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items, icon


class _Arguments:
    def __init__(self, known: set[str]) -> None:
        object.__setattr__(self, "_known", known)

    def __setattr__(self, name: str, value: Any) -> None:
        assert name in self._known, f"the operator has no argument {name}"


class _Context:
    """Blender's context with an editor in it."""

    def __init__(self, space: Any) -> None:
        self.space_data, self.region, self.area = space, None, None

    def __getattr__(self, name: str) -> Any:
        import bpy

        return getattr(bpy.context, name)


def draw(kind: Any) -> Layout | None:
    """A panel as it would be drawn now, header and all; None where its poll forbids it."""
    overlay = SimpleNamespace(show_overlays=True)
    space = SimpleNamespace(type=kind.bl_space_type, clip=None, image=None, overlay=overlay)
    context = _Context(space)
    if hasattr(kind, "poll") and not kind.poll(context):
        return None
    drawn = type("Drawn", (), {name: value for name, value in vars(kind).items() if callable(value)})()
    drawn.layout = Layout()
    for name in ("draw_header", "draw_header_preset", "draw"):
        if name in vars(kind):
            getattr(drawn, name)(context)
    return drawn.layout
