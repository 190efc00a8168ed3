"""NPY, NPZ and HDF5: which array holds samples, which their targets."""

#: What is for other rooms; the rest is this one's own.
__all__ = ["npy_files"]
