"""Compositing set-ups: the plate under the render, with the lens's distortion and untouched colours."""
