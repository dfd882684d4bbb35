"""`build.py docs`: conf.py configures the generator (Sphinx with MyST), the rest writes pages from the source."""
