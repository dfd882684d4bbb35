"""Runs pytest where bpy is imported, and leaves without Python's farewell: `python pytest_in_bpy.py ARGUMENTS`.

bpy as a module waits for ever at exit while another thread lives, in its own teardown, after all tests are done
and reported. A thread that outlives its extension would do the same to an artist's Blender: it is named, and the
run fails.
"""

from __future__ import annotations

import os
import sys
import threading

import pytest


def main() -> None:
    code = int(pytest.main(sys.argv[1:]))
    left = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    if left:
        print(f"threads still alive after the tests: {', '.join(left)}")
        code = code or int(pytest.ExitCode.TESTS_FAILED)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
