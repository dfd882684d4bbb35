"""Running stages on a shot: order, keys and manifests, resume, atomic files, the stage's context."""
