"""Mattes: from the masks of the roto stage to alpha with hair and motion blur, steady in time."""
