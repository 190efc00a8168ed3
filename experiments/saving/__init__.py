"""Models as files: legacy HDF5 with everything that a resume needs, exports, scripts."""
