"""Scripts that the backend runs inside Blender (`blender -b --python ...`) or a Python that has bpy."""
