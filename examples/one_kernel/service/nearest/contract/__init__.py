"""What every engine keeps: the protocol of the kernels, and the types that they take."""
