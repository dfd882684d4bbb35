"""The weights manager: which models there are, with licence and size; fetching and deleting them. The backend's own
program does it (`python -m backend.weights --json`); nothing of it needs the server."""
