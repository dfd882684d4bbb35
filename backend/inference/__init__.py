"""Running public models with torch: devices, precision, memory, checkpoints. Imports torch inside functions only."""
