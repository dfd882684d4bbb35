"""The first run: making the backend's environment from inside Blender. `build.py setup --json` does it, a program of
its own; here are the process, what panels show of it, and when it is needed."""
