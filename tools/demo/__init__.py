"""The parts of `build.py demo` that run inside its environments: solve, scene (bpy), sheet."""
