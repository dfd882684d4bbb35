"""Public model weights: which ones Backlot can use, where they lie, and how they get there."""
