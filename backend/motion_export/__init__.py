"""The motion of a person as files of other programs: BVH, FBX and USD; and BVH read."""
