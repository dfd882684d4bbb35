"""Jobs in Blender: their list, what is said of them while the artist works, their logs, and who waits for which."""
