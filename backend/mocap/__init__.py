"""Motion capture: people from one camera, as a skeleton in the solved world. docs/mocap-solver.md."""
