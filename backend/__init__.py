"""Backlot's backend: the server, its workers, and every stage. Importing it imports nothing heavy."""
