"""Solves a clip into the open file and saves it: blender -b shot.blend --python solve.py -- clip.mp4"""

import sys

import bpy
from bl_ext.user_default.backlot import api

clip = sys.argv[sys.argv.index("--") + 1]
shot = api.solve(
    clip, quality="medium", on_event=lambda event: print(event.kind, f"{event.status.progress.fraction:.0%}")
)
print(shot.summary)
bpy.ops.wm.save_mainfile()
