"""The process that runs MediaPipe, in `.venv-mocap`: graphs.py the networks, search.py who is in a picture.

It imports nothing of the backend that needs more than numpy, MediaPipe and msgpack.
"""
