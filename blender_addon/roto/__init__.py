"""Roto: what the artist says about objects of the plate, the masks that come of it, and both in Blender."""
