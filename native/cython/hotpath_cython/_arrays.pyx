"""The boundary: what passes here cannot lead a kernel out of bounds."""

from libc.stdint cimport int32_t, uint8_t

import numpy as np

cdef extern from *:
    """
    #ifndef HOTPATH_CYTHON_DEBUG
    #define HOTPATH_CYTHON_DEBUG 0
    #endif
    """
    bint HOTPATH_CYTHON_DEBUG

build_profile = "debug" if HOTPATH_CYTHON_DEBUG else "release"


def array(owner, item, field, dtype, dimensions=1):
    """`item.field`, in place; TypeError or ValueError where it is not what is expected."""
    return check_array(f"{owner}.{field}", getattr(item, field, None), dtype, dimensions)


def check_array(name, found, dtype, dimensions=1):
    if not isinstance(found, np.ndarray):
        error, got = TypeError, type(found).__name__
    elif found.dtype != dtype:
        error, got = TypeError, found.dtype
    elif found.ndim != dimensions:
        error, got = ValueError, f"{found.ndim}-d"
    elif not (found.flags.c_contiguous and found.flags.aligned):
        error, got = ValueError, "a strided or unaligned one"
    else:
        return found
    raise error(f"{name}: expected a C-contiguous {dimensions}-d {dtype} array, got {got}")


def check_offsets(name, const int32_t[::1] offsets, Py_ssize_t end):
    """ValueError unless the offsets go from 0 to end and never fall.

    Returns: whether the lengths never fall either.
    """
    cdef Py_ssize_t n = offsets.shape[0], i
    if n == 0:
        raise ValueError(f"{name}: expected at least 1 element, got 0")
    if offsets[0] != 0:
        raise ValueError(f"{name}: expected to start at 0, got {offsets[0]}")
    if offsets[n - 1] != end:
        raise ValueError(f"{name}: expected to end at {end}, got {offsets[n - 1]}")
    cdef int falls = 0, shrinks = 0
    for i in range(1, n):  # without early exit, because that is the form that vectorises
        falls |= offsets[i] < offsets[i - 1]
    if falls:
        raise ValueError(f"{name}: expected values that never fall")
    for i in range(2, n):
        shrinks |= offsets[i] - offsets[i - 1] < offsets[i - 1] - offsets[i - 2]
    return not shrinks


def check_shape(name, found, shape):
    if found.shape != shape:
        raise ValueError(f"{name}: expected shape {shape}, got {found.shape}")


cdef uint8_t NOTHING = 0


cdef class Blobs:
    """Packed bytes, checked; the arrays stay referenced for as long as this."""

    def __cinit__(self, name, blobs):
        self.offsets = offsets = array(name, blobs, "offsets", "int32")
        self.data = array(name, blobs, "data", "uint8")
        check_offsets(f"{name}.offsets", offsets, len(self.data))
        self.count = len(offsets) - 1
        self.bytes = &self.data[0] if len(self.data) else &NOTHING  # C wants no NULL
