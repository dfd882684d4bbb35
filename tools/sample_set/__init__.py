"""The sample clip's own set: a courtyard corner, made and rendered by script.

    .venv-bpy/bin/python -m tools.sample_set.render RENDERED     pictures and truth (bpy, Cycles)
    .venv/bin/python -m tools.sample_set.pack RENDERED assets/sample     clip.mp4 and gt/

Run from the checkout's root. Nothing is downloaded: every texture is procedural and every prop is a mesh
built here, so the clip is Backlot's own.
"""
