"""The weight-free camera solver: feature tracks, structure from motion, bundle adjustment.

    frames -> tracker (KLT + anchored patches) -> tracks -> mapper (key frames) -> all frames -> CameraSolve

It knows nothing of shots, jobs or files other than its own: `solver.solve` takes a `FrameSource` and gives a
`CameraSolve`.
"""
