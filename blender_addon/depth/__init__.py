"""Depth in the scene: the fused mesh and cloud, the depth of every frame as a surface before the camera, and as an
image sequence for the compositor."""
