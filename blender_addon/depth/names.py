"""Roles of a shot's depth (see `importers/ownership.py`)."""

MESH, CLOUD, GRID = "depth_mesh", "depth_cloud", "depth_grid"
ACTION, MATERIAL = "depth_action", "depth_material"
DEPTH_IMAGE, CONFIDENCE_IMAGE, PLATE_IMAGE = "depth_image", "depth_confidence", "depth_plate"
SCENE_DEPTH, FOG, FOCUS = "depth_scene_group", "depth_fog_group", "depth_focus_group"
