"""What went wrong, for people: a job's log, and one file with all that a developer needs to know."""
