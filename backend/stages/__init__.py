"""The stages. Each module has `engine`, `inputs` and `run` as `backend/pipeline/stage.py` describes."""
