"""The kernel `screen`; the contract states the method."""

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memmove, memset

import numpy as np

from hotpath_cython._bound cimport (
    Bound, bound_of, fewest_common, head_start, longest_of, shortest_of,
)
from hotpath_cython._jaro cimport (
    PREFIX_LENGTH, WORD, Matches, Positions,
    common_prefix, lowest_bit, matches_in_words, matches_plain, set_positions, winkler,
)

from hotpath_cython._arrays import array, check_offsets, check_shape

cdef extern from "planes.h":
    enum:
        RUN
        GROUP
    ctypedef struct Plane:  # of one run
        uint64_t words[RUN]
    int count_planes(
        const uint64_t **planes, int groups, int n, const uint64_t *thresholds,
        Plane *counts, Plane *carries, uint64_t *reached,
    ) noexcept nogil

cdef enum:
    BINS = 32  # a code point's bin is its five low bits
    ALIGNMENT = 8  # planes are whole vectors of this many words
    BITS = 32  # of a count: offsets are int32

cdef Plane NONE
memset(&NONE, 0, sizeof(NONE))

ctypedef struct Candidate:
    int32_t name
    int32_t common  # the most code points that it can have in common with the query
    int32_t prefix
    int32_t need


def screen(queries, index, double cutoff, Py_ssize_t limit):
    if not 0 <= cutoff <= 1:
        raise ValueError(f"cutoff: expected 0 to 1, got {cutoff}")
    if not 1 <= limit <= 1000:
        raise ValueError(f"limit: expected 1 to 1000, got {limit}")
    query_offsets = array("queries", queries, "offsets", "int32")
    query_data = array("queries", queries, "data", "uint32")
    check_offsets("queries.offsets", query_offsets, len(query_data))
    cdef const int32_t[::1] offsets = query_offsets
    cdef const uint32_t[::1] data = query_data
    cdef const uint32_t *text = &data[0] if data.shape[0] else NULL
    cdef Py_ssize_t count = offsets.shape[0] - 1, longest = 0, q
    for q in range(count):
        longest = max(longest, offsets[q + 1] - offsets[q])
    cdef _Screen work = _Screen(index, longest, cutoff)
    rows = np.full((count, limit), -1, dtype=np.int32)
    scores = np.zeros((count, limit))
    cdef int32_t[:, ::1] rows_out = rows
    cdef double[:, ::1] scores_out = scores
    # Safe without the GIL: all that is read stays referenced and, by the contract,
    # unchanged during the call; all that is written belongs to it.
    with nogil:
        for q in range(count):
            work.find(text + offsets[q], offsets[q + 1] - offsets[q])
            work.score(&rows_out[q, 0], &scores_out[q, 0], limit)
    return rows, scores


cdef void *allocate(Py_ssize_t count, size_t size) except NULL:
    cdef void *room = PyMem_Malloc((count + 1) * size)
    if room == NULL:
        raise MemoryError
    return room


cdef class _Screen:
    """The index, one query after another, and the room to work in."""

    cdef Bound bound
    cdef Py_ssize_t names, words, longest
    cdef const int32_t[::1] offsets, plane_starts, rows
    cdef const uint32_t[::1] data
    cdef const uint32_t *text  # of data
    cdef const uint64_t[:, ::1] planes
    cdef const uint64_t[:, :, ::1] heads
    cdef int32_t *shortest  # for each word, the length of its first name
    cdef Py_ssize_t name_words

    cdef const uint32_t *query
    cdef Py_ssize_t length
    cdef Positions positions
    cdef const uint64_t *first  # the names whose first bin is that of the query
    cdef uint64_t *both  # the names whose first two bins are those of the query
    # What these names are given on top of their count: the most by which a common
    # prefix lowers the threshold. So one threshold does for all names of a word.
    cdef Py_ssize_t start_first, start_both

    cdef const uint64_t **chosen  # the planes that count
    cdef Py_ssize_t choices
    cdef const uint64_t **in_run  # the same from the run's first word on, in whole groups
    cdef uint64_t thresholds[RUN]
    cdef Plane counts[BITS]  # the lowest bit first
    cdef int bits
    cdef Plane *carries
    cdef uint64_t reached[RUN]
    cdef Candidate *candidates
    cdef Py_ssize_t found

    cdef uint8_t *taken
    cdef uint32_t *common

    def __cinit__(self, index, Py_ssize_t longest_query, double cutoff):
        self.bound = bound_of(cutoff)
        self.offsets = offsets = array("index", index, "offsets", "int32")
        self.data = array("index", index, "data", "uint32")
        if not check_offsets("index.offsets", offsets, self.data.shape[0]):
            raise ValueError("index.offsets: expected names sorted by length")
        self.text = &self.data[0] if self.data.shape[0] else NULL
        self.names = self.offsets.shape[0] - 1
        self.name_words = (self.names + 63) // 64
        self.words = (self.name_words + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
        self.planes = planes = array("index", index, "planes", "uint64", 2)
        check_shape("index.planes", planes, (len(planes), self.words))
        self.plane_starts = plane_starts = array("index", index, "plane_starts", "int32")
        check_shape("index.plane_starts", plane_starts, (BINS + 1,))
        check_offsets("index.plane_starts", plane_starts, len(planes))
        self.heads = heads = array("index", index, "heads", "uint64", 3)
        check_shape("index.heads", heads, (2, BINS, self.words))
        self.rows = rows = array("index", index, "rows", "int32")
        check_shape("index.rows", rows, (self.names,))

        # A query counts one plane for each of its code points at most. A head start is
        # at most 3 * (0.82 - 0.7) of them, for the cutoff at which it is largest.
        cdef Py_ssize_t most = (2 * longest_query + 2) // GROUP + 1, word
        self.chosen = <const uint64_t **>allocate(most * GROUP, sizeof(uint64_t *))
        self.in_run = <const uint64_t **>allocate(most * GROUP, sizeof(uint64_t *))
        self.carries = <Plane *>allocate(most, sizeof(Plane))
        self.both = <uint64_t *>allocate(self.words, sizeof(uint64_t))
        self.candidates = <Candidate *>allocate(self.names, sizeof(Candidate))
        self.shortest = <int32_t *>allocate(self.name_words, sizeof(int32_t))
        self.longest = 0
        for word in range(self.name_words):
            self.shortest[word] = <int32_t>self.length_of(64 * word)
        if self.names:
            self.longest = self.length_of(self.names - 1)
        self.taken = <uint8_t *>allocate(longest_query, sizeof(uint8_t))
        self.common = <uint32_t *>allocate(self.longest, sizeof(uint32_t))

    def __dealloc__(self):
        PyMem_Free(self.chosen)
        PyMem_Free(self.in_run)
        PyMem_Free(self.carries)
        PyMem_Free(self.both)
        PyMem_Free(self.candidates)
        PyMem_Free(self.shortest)
        PyMem_Free(self.taken)
        PyMem_Free(self.common)

    cdef Py_ssize_t length_of(self, Py_ssize_t name) except -1 nogil:
        return self.offsets[name + 1] - self.offsets[name]

    cdef int find(self, const uint32_t *query, Py_ssize_t length) except -1 nogil:
        """Writes the names that can reach the cutoff to `candidates`."""
        cdef Py_ssize_t shortest, word, end, n, i
        cdef int groups
        self.query, self.length, self.found = query, length, 0
        if self.names == 0:
            return 0
        self.choose()
        groups = <int>((self.choices + GROUP - 1) // GROUP)
        shortest = shortest_of(&self.bound, length, PREFIX_LENGTH)
        # The word before may end with names that are long enough.
        word = max(self.words_below(shortest) - 1, 0) // ALIGNMENT * ALIGNMENT
        end = self.words_below(longest_of(&self.bound, length, PREFIX_LENGTH) + 1)
        end = (end + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
        while word < end:
            n = min(end - word, RUN)
            self.set_thresholds(word, n, shortest)
            for i in range(self.choices):
                self.in_run[i] = self.chosen[i] + word
            for i in range(self.choices, groups * GROUP):
                self.in_run[i] = NONE.words
            self.bits = count_planes(
                self.in_run, groups, <int>n, self.thresholds,
                self.counts, self.carries, self.reached,
            )
            for i in range(n):
                if self.reached[i]:
                    self.check(word + i, i)
            word += n
        return 0

    cdef int choose(self) except -1 nogil:
        """Picks the planes whose sum is the number of common characters and the head start."""
        cdef int32_t occurrences[BINS]
        cdef const uint64_t *second
        cdef Py_ssize_t i, k
        memset(occurrences, 0, sizeof(occurrences))
        for i in range(self.length):
            occurrences[self.query[i] % BINS] += 1
        self.choices = 0
        for i in range(BINS):
            for k in range(min(occurrences[i], self.plane_starts[i + 1] - self.plane_starts[i])):
                self.chosen[self.choices] = &self.planes[self.plane_starts[i] + k, 0]
                self.choices += 1
        self.start_first = self.start_both = 0
        if self.length > 0:
            self.first = &self.heads[0, self.query[0] % BINS, 0]
            self.start_first = head_start(&self.bound, self.length, self.longest, 1)
            self.start_both = self.start_first
        if self.length > 1:
            second = &self.heads[1, self.query[1] % BINS, 0]
            for i in range(self.words):
                self.both[i] = self.first[i] & second[i]
            self.start_both = head_start(&self.bound, self.length, self.longest, PREFIX_LENGTH)
        for i in range(self.start_both):
            self.chosen[self.choices] = self.first if i < self.start_first else self.both
            self.choices += 1
        return 0

    cdef Py_ssize_t words_below(self, Py_ssize_t length) noexcept nogil:
        """How many words begin with a name that is shorter than this."""
        cdef Py_ssize_t low = 0, high = self.name_words, middle
        while low < high:
            middle = (low + high) // 2
            if self.shortest[middle] < length:
                low = middle + 1
            else:
                high = middle
        return low

    cdef void set_thresholds(self, Py_ssize_t word, Py_ssize_t n, Py_ssize_t shortest) noexcept nogil:
        """For each word what the shortest of its names needs that can reach the cutoff."""
        cdef Py_ssize_t i, length = 0, last = -1
        cdef uint64_t threshold = 0
        for i in range(n):
            if word + i < self.name_words:  # beyond, there is only padding
                length = max(self.shortest[word + i], shortest)
            if length != last:
                threshold = fewest_common(&self.bound, self.length, length, 0)
                last = length
            self.thresholds[i] = threshold

    cdef int check(self, Py_ssize_t word, Py_ssize_t i) except -1 nogil:
        """Applies the exact threshold to the names of a word that reached the lowest."""
        cdef uint64_t left = self.reached[i]
        cdef Py_ssize_t name, count
        cdef int bit, k, prefix
        while left:
            bit = lowest_bit(left)
            left &= left - 1
            name = word * 64 + bit
            if name >= self.names:
                break  # Where nothing is needed the padding qualifies, too.
            count = 0
            for k in range(self.bits):
                count |= <Py_ssize_t>(self.counts[k].words[i] >> bit & 1) << k
            prefix = 0
            if self.length > 1 and self.both[word] >> bit & 1:
                prefix = PREFIX_LENGTH
                count -= self.start_both
            elif self.length > 0 and self.first[word] >> bit & 1:
                prefix = 1
                count -= self.start_first
            if count >= fewest_common(&self.bound, self.length, self.length_of(name), prefix):
                self.candidates[self.found].name = <int32_t>name
                self.candidates[self.found].common = <int32_t>count
                self.found += 1
        return 0

    cdef int score(self, int32_t *rows, double *scores, Py_ssize_t limit) except -1 nogil:
        """Scores the candidates; rows and scores have `limit` places."""
        cdef Py_ssize_t i, length, held = 0, left = 0
        cdef const uint32_t *text
        cdef Candidate candidate
        cdef Matches matches
        cdef double score
        # A pass of its own, because its loads, which miss the cache, then overlap.
        for i in range(self.found):
            candidate = self.candidates[i]
            length = self.length_of(candidate.name)
            text = self.text + self.offsets[candidate.name]
            candidate.prefix = common_prefix(self.query, self.length, text, length)
            candidate.need = <int32_t>fewest_common(
                &self.bound, self.length, length, candidate.prefix
            )
            if candidate.common >= candidate.need:
                self.candidates[left] = candidate
                left += 1
        if left and self.length <= WORD:
            set_positions(&self.positions, self.query, self.length)
        for i in range(left):
            candidate = self.candidates[i]
            length = self.length_of(candidate.name)
            text = self.text + self.offsets[candidate.name]
            if self.length <= WORD and length <= WORD:
                matches = matches_in_words(
                    &self.positions, self.length, text, length, candidate.need
                )
            else:
                matches = matches_plain(
                    self.query, self.length, text, length, self.taken, self.common
                )
            score = winkler(self.length, length, matches, candidate.prefix)
            if score >= self.bound.cutoff:
                held = offer(rows, scores, held, limit, self.rows[candidate.name], score)
        return 0


cdef inline bint comes_first(
    int32_t row, double score, int32_t other_row, double other_score
) noexcept nogil:
    return score > other_score or (score == other_score and row < other_row)


cdef Py_ssize_t offer(
    int32_t *rows, double *scores, Py_ssize_t held, Py_ssize_t limit, int32_t row, double score
) noexcept nogil:
    """Puts a hit in its place among the best, if it has one; returns how many are held."""
    cdef Py_ssize_t low = 0, high = held, middle
    if held == limit and comes_first(rows[held - 1], scores[held - 1], row, score):
        return held
    while low < high:
        middle = (low + high) // 2
        if comes_first(rows[middle], scores[middle], row, score):
            low = middle + 1
        else:
            high = middle
    if held < limit:
        held += 1
    memmove(rows + low + 1, rows + low, (held - 1 - low) * sizeof(int32_t))
    memmove(scores + low + 1, scores + low, (held - 1 - low) * sizeof(double))
    rows[low] = row
    scores[low] = score
    return held
