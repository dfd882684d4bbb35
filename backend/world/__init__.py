"""The shot's world: origin, up, heading and scale, found or set by the artist, and moved in every file at once."""
