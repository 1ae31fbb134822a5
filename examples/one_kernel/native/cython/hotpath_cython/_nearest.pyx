"""The kernel `nearest`; the contract states the method."""

import numpy as np

from libc.math cimport INFINITY
from libc.stdint cimport int32_t

from hotpath_cython._arrays import check_array, check_shape


def nearest(points, places):
    cdef const double[:, ::1] asked = vectors("points", points)
    cdef const double[:, ::1] held = vectors("places", places)
    rows = np.empty(len(points), dtype=np.int32)
    squares = np.empty(len(points))
    cdef int32_t[::1] rows_out = rows
    cdef double[::1] squares_out = squares
    cdef Py_ssize_t i
    # The arrays stay referenced and, by the contract, unchanged during the call.
    with nogil:
        for i in range(asked.shape[0]):
            find(asked[i], held, &rows_out[i], &squares_out[i])
    return rows, squares


def vectors(name, array):
    """The array, if it is float64[n, 3]. Raises: TypeError, ValueError."""
    check_array(name, array, "float64", 2)
    check_shape(name, array, (len(array), 3))
    return array


cdef void find(
    const double[::1] point, const double[:, ::1] places, int32_t *row, double *least
) noexcept nogil:
    cdef Py_ssize_t i
    cdef double x, y, z, square
    row[0], least[0] = -1, INFINITY
    for i in range(places.shape[0]):
        x, y, z = point[0] - places[i, 0], point[1] - places[i, 1], point[2] - places[i, 2]
        square = x * x + y * y + z * z
        if square < least[0]:
            row[0], least[0] = <int32_t>i, square
