"""A window appears and draws."""

import bpy


def steps(window):
    yield 1.0
    window.facts["version"] = bpy.app.version_string
    window.facts["background"] = bpy.app.background
    window.screenshot("plain")
