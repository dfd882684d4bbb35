"""Masks of the objects that the artist prompts: hints in, a mask for every frame out. docs/roto.md tells how."""
