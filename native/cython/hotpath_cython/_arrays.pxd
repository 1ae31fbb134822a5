from libc.stdint cimport int32_t, uint8_t

ctypedef struct Item:
    const uint8_t *bytes
    Py_ssize_t length


cdef class Blobs:
    cdef readonly Py_ssize_t count
    cdef const int32_t[::1] offsets
    cdef const uint8_t[::1] data
    cdef const uint8_t *bytes  # of data


cdef inline Item item(Blobs blobs, Py_ssize_t i) noexcept nogil:
    """i: 0 to count - 1."""
    cdef Item found
    found.bytes = blobs.bytes + blobs.offsets[i]
    found.length = blobs.offsets[i + 1] - blobs.offsets[i]
    return found
