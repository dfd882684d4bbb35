"""The solved camera as other programs read it: one module for each format, lens maps, undistorted plate."""
