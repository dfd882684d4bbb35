"""Geometry of a whole clip from its depth maps: a cloud, a mesh, and a mesh of every frame; docs/fusion.md."""
