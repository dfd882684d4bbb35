"""The mocap stage's work: from keypoints in the plate to `mocap/<label>/motion.npz`. docs/mocap.md."""
