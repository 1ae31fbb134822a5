/* Counts the planes that mark each name, 64 names with one word operation.

   This part is C because it takes what Cython has no words for: `restrict`, without
   which the loops do not vectorise, and a second version for wider vectors, chosen
   when the module is loaded. */
#ifndef HOTPATH_PLANES_H
#define HOTPATH_PLANES_H

#include <stdint.h>
#include <string.h>

#define RUN 64  /* words that are counted together, so that all of it stays in the L1 cache */
#define GROUP 8 /* planes that are added in one go */

typedef struct {
    uint64_t words[RUN];
} Plane;

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__has_attribute)
#if __has_attribute(target_clones)
#define FOR_AVX2_TOO __attribute__((target_clones("avx2", "default")))
#endif
#endif
#ifndef FOR_AVX2_TOO
#define FOR_AVX2_TOO
#endif

/* The carry of three bits, for 64 names; the sum goes to a. */
static inline uint64_t full_adder(uint64_t *a, uint64_t b, uint64_t c) {
    uint64_t either = *a ^ b;
    uint64_t carry = (*a & b) | (either & c);
    *a = either ^ c;
    return carry;
}

/* Adds eight planes to three bits of a sum, with what carries over in `carry`. They are
   added together because the partial sums then stay in registers. */
static inline void add_group(
    Plane *restrict sum, const uint64_t **planes, uint64_t *restrict carry, int n
) {
    const uint64_t *a = planes[0], *b = planes[1], *c = planes[2], *d = planes[3];
    const uint64_t *e = planes[4], *f = planes[5], *g = planes[6], *h = planes[7];
    for (int w = 0; w < n; w++) {
        uint64_t one = sum[0].words[w], two = sum[1].words[w], four = sum[2].words[w];
        uint64_t two_a = full_adder(&one, a[w], b[w]);
        uint64_t two_b = full_adder(&one, c[w], d[w]);
        uint64_t two_c = full_adder(&one, e[w], f[w]);
        uint64_t two_d = full_adder(&one, g[w], h[w]);
        uint64_t four_a = full_adder(&two, two_a, two_b);
        uint64_t four_b = full_adder(&two, two_c, two_d);
        carry[w] = full_adder(&four, four_a, four_b);
        sum[0].words[w] = one;
        sum[1].words[w] = two;
        sum[2].words[w] = four;
    }
}

/* Counts `groups` times eight planes of n <= RUN words, and marks in `reached` the names
   whose count is their word's threshold or more. Returns how many bits the counts have.

   counts: room for every bit. carries: room for every group. */
FOR_AVX2_TOO
static int count_planes(
    const uint64_t **planes, int groups, int n, const uint64_t *restrict thresholds,
    Plane *restrict counts, Plane *restrict carries, uint64_t *restrict reached
) {
    int bits = 3;
    memset(counts, 0, 3 * sizeof counts[0]);
    for (int i = 0; i < groups; i++)
        add_group(counts, planes + GROUP * i, carries[i].words, n);
    for (int pending = groups; pending > 0; pending /= 2) {
        /* The carries are planes of the next weight; theirs take the place of what was read. */
        uint64_t *sum = counts[bits++].words;
        memcpy(sum, carries[0].words, n * sizeof *sum);
        for (int i = 0; i < pending / 2; i++) {
            int two = 2 * i + 2 < pending;
            const uint64_t *a = carries[2 * i + 1].words;
            const uint64_t *b = two ? carries[2 * i + 2].words : a;
            uint64_t *carry = carries[i].words, kept = two ? ~(uint64_t)0 : 0;
            for (int w = 0; w < n; w++)
                carry[w] = full_adder(&sum[w], a[w], b[w] & kept);
        }
    }
    for (int w = 0; w < n; w++)
        reached[w] = thresholds[w] >> bits ? 0 : ~(uint64_t)0;
    for (int bit = 0; bit < bits; bit++) {
        /* Subtracts one bit of the threshold: the names that do not borrow are kept. */
        const uint64_t *count = counts[bit].words;
        for (int w = 0; w < n; w++) {
            uint64_t complement = (thresholds[w] >> bit & 1) - 1;
            reached[w] = (count[w] & reached[w]) | ((count[w] | reached[w]) & complement);
        }
    }
    return bits;
}

#endif
