"""The kernel `screen`; the contract states the method."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memmove

import numpy as np

from hotpath_cython._bound cimport (
    Bound, bound_of, fewest_common, head_start, longest_of, shortest_of,
)
from hotpath_cython._jaro cimport (
    PREFIX_LENGTH, WORD, Matches, Positions,
    common_prefix, lowest_bit, matches_in_words, matches_plain, set_positions, winkler,
)

from hotpath_cython._arrays import array, check_offsets, check_shape

cdef enum:
    BINS = 32  # a code point's bin is its five low bits
    ALIGNMENT = 8  # planes are whole vectors of this many words
    RUN = 64  # words that are counted together, so that all of it stays in the L1 cache
    BITS = 32  # of a count: offsets are int32


def screen(queries, index, double cutoff, Py_ssize_t limit):
    if not 0 <= cutoff <= 1:
        raise ValueError(f"cutoff: expected 0 to 1, got {cutoff}")
    if not 1 <= limit <= 1000:
        raise ValueError(f"limit: expected 1 to 1000, got {limit}")
    query_offsets = array("queries", queries, "offsets", "int32")
    query_data = array("queries", queries, "data", "uint32")
    check_offsets("queries.offsets", query_offsets, len(query_data))
    cdef _Screen work = _Screen(index, np.diff(query_offsets).max(initial=0), cutoff)
    rows = np.full((len(query_offsets) - 1, limit), -1, dtype=np.int32)
    scores = np.zeros((len(query_offsets) - 1, limit))
    cdef const int32_t[::1] offsets = query_offsets
    cdef const uint32_t[::1] data = query_data
    cdef const uint32_t *text = &data[0] if len(query_data) else NULL
    cdef int32_t[:, ::1] rows_out = rows
    cdef double[:, ::1] scores_out = scores
    cdef Py_ssize_t q
    # The arrays stay referenced and, by the contract, unchanged during the call.
    with nogil:
        for q in range(offsets.shape[0] - 1):
            work.find(text + offsets[q], offsets[q + 1] - offsets[q])
            work.score(&rows_out[q, 0], &scores_out[q, 0], limit)
    return rows, scores


cdef class _Screen:
    """The index, one query after another, and the room to work in."""

    cdef Bound bound
    cdef Py_ssize_t names, words, longest
    cdef const int32_t[::1] offsets, plane_starts, rows
    cdef const uint32_t[::1] data
    cdef const uint32_t *text  # of data
    cdef const uint64_t[:, ::1] planes
    cdef const uint64_t[:, :, ::1] heads
    cdef int32_t[::1] shortest  # for each word, the length of its first name

    cdef const uint32_t *query
    cdef Py_ssize_t length
    cdef int first_bin, second_bin
    cdef Positions positions
    cdef uint64_t[::1] both  # the names whose first two bins are those of the query

    cdef int32_t[::1] chosen  # the planes to count; below 0 see `plane`
    cdef Py_ssize_t count
    cdef int bits
    cdef uint64_t[:, ::1] carries, counts
    cdef uint64_t[::1] reached, thresholds
    cdef int32_t[:, ::1] candidates  # position, prefix, fewest common characters
    cdef Py_ssize_t found

    cdef uint8_t[::1] taken
    cdef uint32_t[::1] common

    def __cinit__(self, index, Py_ssize_t longest_query, double cutoff):
        self.bound = bound_of(cutoff)
        self.offsets = offsets = array("index", index, "offsets", "int32")
        self.data = array("index", index, "data", "uint32")
        if not check_offsets("index.offsets", offsets, len(self.data)):
            raise ValueError("index.offsets: expected names sorted by length")
        self.text = &self.data[0] if len(self.data) else NULL
        self.names = len(offsets) - 1
        self.words = (self.names + 64 * ALIGNMENT - 1) // (64 * ALIGNMENT) * ALIGNMENT
        planes = array("index", index, "planes", "uint64", 2)
        check_shape("index.planes", planes, (len(planes), self.words))
        plane_starts = array("index", index, "plane_starts", "int32")
        check_shape("index.plane_starts", plane_starts, (BINS + 1,))
        check_offsets("index.plane_starts", plane_starts, len(planes))
        heads = array("index", index, "heads", "uint64", 3)
        check_shape("index.heads", heads, (2, BINS, self.words))
        rows = array("index", index, "rows", "int32")
        check_shape("index.rows", rows, (self.names,))
        self.planes, self.plane_starts, self.heads, self.rows = planes, plane_starts, heads, rows

        self.shortest = offsets[1::64] - offsets[:-1:64]
        self.longest = self.length_of(self.names - 1) if self.names else 0
        # A query counts a plane for each of its code points, and its head start.
        self.chosen = np.empty(2 * longest_query + 2, dtype=np.int32)
        self.carries = np.empty((longest_query + 2, RUN), dtype=np.uint64)
        self.counts = np.empty((BITS, RUN), dtype=np.uint64)
        self.both = np.empty(self.words, dtype=np.uint64)
        self.reached = np.empty(RUN, dtype=np.uint64)
        self.thresholds = np.empty(RUN, dtype=np.uint64)
        self.candidates = np.empty((self.names, 3), dtype=np.int32)
        self.taken = np.empty(longest_query + 1, dtype=np.uint8)
        self.common = np.empty(self.longest + 1, dtype=np.uint32)

    cdef Py_ssize_t length_of(self, Py_ssize_t name) noexcept nogil:
        return self.offsets[name + 1] - self.offsets[name]

    cdef int find(self, const uint32_t *query, Py_ssize_t length) except -1 nogil:
        """Writes the names that can reach the cutoff to `candidates`.

        A common prefix lowers the threshold. Names that may share one are given the
        most it can be lowered by as a head start, so that one threshold does for all
        names of a word, that of its shortest; then the exact one is applied.
        """
        cdef Py_ssize_t start_one = 0, start_both = 0, shortest, word, end, i
        self.query, self.length, self.found = query, length, 0
        if self.names == 0:
            return 0
        if length <= WORD:
            set_positions(&self.positions, query, length)
        if length > 0:
            self.first_bin = query[0] % BINS
            start_both = start_one = head_start(&self.bound, length, self.longest, 1)
        if length > 1:
            self.second_bin = query[1] % BINS
            start_both = head_start(&self.bound, length, self.longest, PREFIX_LENGTH)
            for word in range(self.words):
                self.both[word] = (
                    self.heads[0, self.first_bin, word] & self.heads[1, self.second_bin, word]
                )
        self.choose(start_one, start_both)

        shortest = shortest_of(&self.bound, length, PREFIX_LENGTH)
        word = max(self.words_below(shortest) - 1, 0) // ALIGNMENT * ALIGNMENT
        end = self.words_below(longest_of(&self.bound, length, PREFIX_LENGTH) + 1)
        end = (end + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
        while word < end:
            self.set_thresholds(word, min(word + RUN, end), shortest)
            self.count_planes(word, min(word + RUN, end))
            for i in range(min(word + RUN, end) - word):
                if self.reached[i]:
                    self.check(word + i, i, start_one, start_both)
            word += RUN
        return 0

    cdef int choose(self, Py_ssize_t start_one, Py_ssize_t start_both) except -1 nogil:
        """Picks the planes whose sum is the number of common characters and the head start."""
        cdef int32_t occurrences[BINS]
        cdef Py_ssize_t i, k
        for i in range(BINS):
            occurrences[i] = 0
        for i in range(self.length):
            occurrences[self.query[i] % BINS] += 1
        self.count = 0
        for i in range(BINS):
            for k in range(min(occurrences[i], self.plane_starts[i + 1] - self.plane_starts[i])):
                self.chosen[self.count] = <int32_t>(self.plane_starts[i] + k)
                self.count += 1
        for i in range(start_both):
            self.chosen[self.count] = -1 if i < start_one else -2
            self.count += 1
        return 0

    cdef const uint64_t *plane(self, Py_ssize_t number, Py_ssize_t word) except NULL nogil:
        """From this word on, the plane chosen; -1 is the names in the query's first bin,
        -2 those in its second bin, too."""
        cdef int32_t plane = self.chosen[number]
        if plane >= 0:
            return &self.planes[plane, word]
        if plane == -1:
            return &self.heads[0, self.first_bin, word]
        return &self.both[word]

    cdef Py_ssize_t words_below(self, Py_ssize_t length) except -1 nogil:
        """How many words begin with a name that is shorter than this."""
        cdef Py_ssize_t low = 0, high = self.shortest.shape[0], middle
        while low < high:
            middle = (low + high) // 2
            if self.shortest[middle] < length:
                low = middle + 1
            else:
                high = middle
        return low

    cdef int set_thresholds(
        self, Py_ssize_t word, Py_ssize_t end, Py_ssize_t shortest
    ) except -1 nogil:
        """For each word what the shortest of its names needs that is at least `shortest`."""
        cdef Py_ssize_t i, length = 0, last = -1
        cdef uint64_t threshold = 0
        for i in range(end - word):
            # Beyond the last name the padding, of which nothing is asked.
            if word + i < self.shortest.shape[0]:
                length = max(self.shortest[word + i], shortest)
            if length != last:
                threshold = fewest_common(&self.bound, self.length, length, 0)
                last = length
            self.thresholds[i] = threshold
        return 0

    cdef int count_planes(self, Py_ssize_t word, Py_ssize_t end) except -1 nogil:
        """Counts, for each name of the words, the chosen planes that mark it, and finds
        the names whose count reaches their word's threshold."""
        cdef Py_ssize_t n = end - word, i, pending = 0, carried
        cdef int bits = 0
        if self.count:
            memcpy(&self.counts[0, 0], self.plane(0, word), n * sizeof(uint64_t))
            bits = 1
        for i in range(1, self.count - 1, 2):
            full_add(
                &self.counts[0, 0], self.plane(i, word), self.plane(i + 1, word),
                &self.carries[pending, 0], n,
            )
            pending += 1
        if self.count and self.count % 2 == 0:
            half_add(
                &self.counts[0, 0], self.plane(self.count - 1, word),
                &self.carries[pending, 0], n,
            )
            pending += 1
        while pending:
            # The carries are planes of the next weight; theirs take the place of what was read.
            memcpy(&self.counts[bits, 0], &self.carries[0, 0], n * sizeof(uint64_t))
            carried = 0
            for i in range(1, pending - 1, 2):
                full_add(
                    &self.counts[bits, 0], &self.carries[i, 0], &self.carries[i + 1, 0],
                    &self.carries[carried, 0], n,
                )
                carried += 1
            if pending % 2 == 0:
                half_add(
                    &self.counts[bits, 0], &self.carries[pending - 1, 0],
                    &self.carries[carried, 0], n,
                )
                carried += 1
            pending = carried
            bits += 1
        for i in range(n):
            self.reached[i] = ~<uint64_t>0 if self.thresholds[i] >> bits == 0 else 0
        for i in range(bits):
            at_least(&self.reached[0], &self.counts[i, 0], &self.thresholds[0], <int>i, n)
        self.bits = bits
        return 0

    cdef int check(
        self, Py_ssize_t word, Py_ssize_t i, Py_ssize_t start_one, Py_ssize_t start_both
    ) except -1 nogil:
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
                count |= <Py_ssize_t>(self.counts[k, i] >> bit & 1) << k
            prefix = 0
            if self.length > 1 and self.both[word] >> bit & 1:
                prefix = PREFIX_LENGTH
                count -= start_both
            elif self.length > 0 and self.heads[0, self.first_bin, word] >> bit & 1:
                prefix = 1
                count -= start_one
            if count >= fewest_common(&self.bound, self.length, self.length_of(name), prefix):
                self.candidates[self.found, 0] = <int32_t>name
                self.candidates[self.found, 1] = <int32_t>count
                self.found += 1
        return 0

    cdef int score(self, int32_t *rows, double *scores, Py_ssize_t limit) except -1 nogil:
        """Scores the candidates; rows and scores have `limit` places."""
        cdef Py_ssize_t i, name, length, prefix, need, held = 0, kept = 0
        cdef const uint32_t *text
        cdef Matches matches
        cdef double score
        # A pass of its own, because its loads, which miss the cache, then overlap.
        for i in range(self.found):
            name = self.candidates[i, 0]
            length = self.length_of(name)
            prefix = common_prefix(
                self.query, self.length, self.text + self.offsets[name], length
            )
            need = fewest_common(&self.bound, self.length, length, <int>prefix)
            if self.candidates[i, 1] >= need:
                self.candidates[kept, 0] = <int32_t>name
                self.candidates[kept, 1] = <int32_t>prefix
                self.candidates[kept, 2] = <int32_t>need
                kept += 1
        for i in range(kept):
            name, prefix, need = self.candidates[i, 0], self.candidates[i, 1], self.candidates[i, 2]
            text = self.text + self.offsets[name]
            length = self.length_of(name)
            if self.length <= WORD and length <= WORD:
                matches = matches_in_words(&self.positions, self.length, text, length, need)
            else:
                matches = matches_plain(
                    self.query, self.length, text, length, &self.taken[0], &self.common[0]
                )
            score = winkler(self.length, length, matches, prefix)
            if score >= self.bound.cutoff:
                held = offer(rows, scores, held, limit, self.rows[name], score)
        return 0


cdef inline bint comes_first(
    int32_t row, double score, int32_t other_row, double other_score
) noexcept nogil:
    return score > other_score or (score == other_score and row < other_row)


cdef Py_ssize_t offer(
    int32_t *rows, double *scores, Py_ssize_t held, Py_ssize_t limit, int32_t row, double score
) noexcept nogil:
    """Puts a hit in its place among those held, if there is one, and returns how many are held."""
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


cdef void full_add(
    uint64_t *sum, const uint64_t *a, const uint64_t *b, uint64_t *carry, Py_ssize_t n
) noexcept nogil:
    """Adds two planes to `sum`, with what carries over in `carry`."""
    cdef Py_ssize_t w
    cdef uint64_t either
    for w in range(n):
        either = sum[w] ^ a[w]
        carry[w] = sum[w] & a[w] | either & b[w]
        sum[w] = either ^ b[w]


cdef void half_add(uint64_t *sum, const uint64_t *a, uint64_t *carry, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t w
    for w in range(n):
        carry[w] = sum[w] & a[w]
        sum[w] = sum[w] ^ a[w]


cdef void at_least(
    uint64_t *reached, const uint64_t *count, const uint64_t *thresholds, int bit, Py_ssize_t n
) noexcept nogil:
    """One bit of count - threshold: `reached` keeps the names that do not borrow."""
    cdef Py_ssize_t w
    for w in range(n):
        reached[w] = count[w] & reached[w] | (count[w] | reached[w]) & ((thresholds[w] >> bit & 1) - 1)
