"""How the camera moved: path, speed, turns, shake, and the size of the set."""
