"""People of a shot as armatures: import, foot lock and smoothing, retargeting."""
