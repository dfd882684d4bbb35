"""Cameras that other programs solved, brought into a shot so that its later stages work."""
