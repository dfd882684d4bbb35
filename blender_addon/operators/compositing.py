"""One-click compositing set-ups."""
CLASSES = ()
