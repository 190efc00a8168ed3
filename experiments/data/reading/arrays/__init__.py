"""NPY, NPZ and HDF5: which array holds samples, which their targets."""
