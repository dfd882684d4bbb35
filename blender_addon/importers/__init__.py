"""From a shot folder into the Blender scene: one file for each thing that is imported."""
