"""Picking points of the cloud: in the viewport by the mouse, or as vertices by scripts and Edit Mode."""
