"""The exact upper bound that lets `screen` discard most names unseen."""

from libc.math cimport ceil

from hotpath_cython._jaro cimport BONUS_THRESHOLD, PREFIX_LENGTH, PREFIX_WEIGHT

cdef extern from *:
    """
    /* Far above the rounding error of a score, far below one common character. */
    static const double SLACK = 1e-9;
    """
    const double SLACK

ctypedef struct Bound:
    double cutoff
    double jaro[PREFIX_LENGTH + 1]  # what the cutoff takes for each length of the prefix


cdef inline Bound bound_of(double cutoff) noexcept nogil:
    cdef Bound bound
    cdef int prefix
    cdef double bonus
    bound.cutoff = cutoff
    for prefix in range(PREFIX_LENGTH + 1):
        bonus = prefix * PREFIX_WEIGHT
        # At or below the threshold a score can also be reached without the bonus.
        if cutoff <= BONUS_THRESHOLD:
            bound.jaro[prefix] = cutoff
        else:
            bound.jaro[prefix] = max((cutoff - bonus) / (1 - bonus), BONUS_THRESHOLD)
    return bound


cdef inline double overlap(Py_ssize_t len_a, Py_ssize_t len_b) noexcept nogil:
    return <double>len_a * <double>len_b / <double>(len_a + len_b)


cdef inline Py_ssize_t fewest_common(
    const Bound *bound, Py_ssize_t len_a, Py_ssize_t len_b, int prefix
) noexcept nogil:
    """The fewest common characters with which two names can reach the cutoff, 0 only
    where nothing in common is needed. More than both have where it is out of reach.

    This is (c/|a| + c/|b| + 1)/3 >= Jaro solved for c, less the slack. It grows with
    either length.
    """
    cdef double least
    cdef Py_ssize_t whole
    if bound.cutoff <= 0 or len_a + len_b == 0:
        return 0
    least = (3 * bound.jaro[prefix] - 1) * overlap(len_a, len_b) - SLACK
    whole = <Py_ssize_t>least
    return max(whole + (<double>whole < least), 1)


cdef inline Py_ssize_t head_start(
    const Bound *bound, Py_ssize_t len_a, Py_ssize_t longest, int prefix
) noexcept nogil:
    """The most by which a common prefix lowers `fewest_common`, for names of up to
    `longest` code points."""
    if len_a == 0:
        return 0
    longest = min(longest, longest_of(bound, len_a, prefix))
    return <Py_ssize_t>ceil(3 * (bound.jaro[0] - bound.jaro[prefix]) * overlap(len_a, longest))


cdef inline double ratio(const Bound *bound, int prefix) noexcept nogil:
    """What the shorter length divided by the longer must reach: with all of the shorter
    name in common it is 3 Jaro - 2. Zero or less where any will do."""
    return 3 * bound.jaro[prefix] - 2 - SLACK if bound.cutoff > 0 else 0


cdef inline Py_ssize_t shortest_of(
    const Bound *bound, Py_ssize_t len_a, int prefix
) noexcept nogil:
    return <Py_ssize_t>max(ceil(len_a * ratio(bound, prefix) - SLACK), 0)


cdef inline Py_ssize_t longest_of(
    const Bound *bound, Py_ssize_t len_a, int prefix
) noexcept nogil:
    cdef double least = ratio(bound, prefix)
    # No name is longer: offsets are int32.
    return <Py_ssize_t>min(len_a / least + SLACK, 2.0 ** 31) if least > 0 else 1 << 31
