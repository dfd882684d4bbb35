"""The plate against the scene or its render, in camera view: a wipe, an onion, a difference."""
