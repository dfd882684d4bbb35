"""How well the solve fits, drawn in the viewport: over the plate in camera view, along the camera's path elsewhere."""
