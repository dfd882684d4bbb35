"""What went wrong around the jobs: the backend that died or hangs, the shot folder that is gone; said in one place."""
