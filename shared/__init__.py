"""What the backend and every client must agree on.

Standard library and msgpack only (modules whose name ends in `_arrays` also need numpy). All imports
inside this package are relative: build.py copies it into the Blender extension as it is.
"""

VERSION = "0.1.0"
"""Version of Backlot: backend and extension of one release carry the same one."""

PROTOCOL = 1
"""Version of the wire (methods and their fields); raised when an older client would misread it."""
