"""The kernels `seal` and `prove`; the contract states the trees."""

import ctypes
import hashlib

import numpy as np

from libc.stdint cimport int32_t, uint8_t
from libc.string cimport memcpy

from hotpath_cython._arrays cimport Blobs, Item, item
from hotpath_cython._sha256 cimport SHA256_CTX, Final, Init, Update

from hotpath_cython._arrays import check_array

cdef enum:
    HASH = 32  # bytes
    LEVELS = 32  # of a tree, at most: there are fewer than 2**31 records
    LEAF = 0  # the byte before what is hashed
    NODE = 1

cdef Init sha256_init = NULL  # with the other two NULL where hashlib has to do
cdef Update sha256_update = NULL
cdef Final sha256_final = NULL


def _load():
    """Sets the three functions. Returns where SHA-256 comes from, for users to read."""
    global sha256_init, sha256_update, sha256_final
    cdef size_t init, update, final
    try:
        import _hashlib

        library = ctypes.CDLL(_hashlib.__file__)  # dlsym also searches what it is linked to
        library.OpenSSL_version.restype = ctypes.c_char_p
        version = library.OpenSSL_version(0).decode()
        init, update, final = (
            ctypes.cast(getattr(library, f"SHA256_{name}"), ctypes.c_void_p).value
            for name in ("Init", "Update", "Final")
        )
    except (ImportError, AttributeError, OSError):
        # No OpenSSL, or one inside of Python's own binary, which does not show it.
        return "SHA-256 by hashlib, holding the GIL"
    sha256_init, sha256_update, sha256_final = <Init>init, <Update>update, <Final>final
    return f"SHA-256 by {' '.join(version.split()[:2])}"


sha256_source = _load()


def seal(records):
    cdef Blobs leaves = Blobs("records", records)
    cdef uint8_t root[HASH]
    if leaves.count == 0:
        return hashlib.sha256().digest()
    if sha256_init:
        # The arrays stay referenced and, by the contract, unchanged during the call.
        with nogil:
            tree_hash(leaves, root)
    else:
        tree_hash(leaves, root)
    return root[:HASH]


def prove(records, places):
    cdef Blobs leaves = Blobs("records", records)
    cdef const int32_t[::1] wanted = check_array("places", places, "int32")
    cdef Py_ssize_t i, place
    for i in range(wanted.shape[0]):
        if not 0 <= wanted[i] < leaves.count:
            raise ValueError(f"places: expected 0 to below {leaves.count}, got {wanted[i]}")
    if wanted.shape[0] == 0:
        return []
    cdef Py_ssize_t starts[LEVELS + 1]
    cdef Py_ssize_t levels = set_starts(leaves.count, starts), level, found
    cdef uint8_t[:, ::1] nodes = np.empty((starts[levels], HASH), dtype=np.uint8)
    if sha256_init:
        # The same as in `seal`.
        with nogil:
            hash_levels(leaves, starts, levels, nodes)
    else:
        hash_levels(leaves, starts, levels, nodes)
    cdef uint8_t siblings[LEVELS * HASH]
    proofs = []
    for i in range(wanted.shape[0]):
        place = wanted[i]
        found = 0
        for level in range(levels):
            # An odd last node has no sibling, and rises as it is.
            if place ^ 1 < starts[level + 1] - starts[level]:
                memcpy(siblings + HASH * found, &nodes[starts[level] + (place ^ 1), 0], HASH)
                found += 1
            place >>= 1
        proofs.append(siblings[:HASH * found])
    return proofs


cdef int tree_hash(Blobs leaves, uint8_t *root) except -1 nogil:
    """RFC 9162, section 2.1.2: subtrees of falling size wait on a stack for their like."""
    cdef uint8_t stack[LEVELS * HASH]
    cdef Py_ssize_t height = 0, i, merges
    for i in range(leaves.count):
        hash_item(LEAF, item(leaves, i), stack + HASH * height)
        height += 1
        merges = i
        while merges & 1:
            height -= 1
            hash_pair(stack + HASH * (height - 1), stack + HASH * (height - 1))
            merges >>= 1
    while height > 1:
        height -= 1
        hash_pair(stack + HASH * (height - 1), stack + HASH * (height - 1))
    memcpy(root, stack, HASH)
    return 0


cdef Py_ssize_t set_starts(Py_ssize_t leaves, Py_ssize_t *starts) noexcept nogil:
    """Where each level of the tree starts, the leaves first, the root last, and where that
    ends. Returns: how many levels there are."""
    cdef Py_ssize_t levels = 1, width = leaves
    starts[0], starts[1] = 0, leaves
    while width > 1:
        width = (width + 1) // 2
        starts[levels + 1] = starts[levels] + width
        levels += 1
    return levels


cdef int hash_levels(
    Blobs leaves, const Py_ssize_t *starts, Py_ssize_t levels, uint8_t[:, ::1] nodes
) except -1 nogil:
    cdef Py_ssize_t i, level, below, width
    for i in range(leaves.count):
        hash_item(LEAF, item(leaves, i), &nodes[i, 0])
    for level in range(1, levels):
        below, width = starts[level - 1], starts[level] - starts[level - 1]
        for i in range(width // 2):
            hash_pair(&nodes[below + 2 * i, 0], &nodes[starts[level] + i, 0])
        if width % 2:
            memcpy(&nodes[starts[level] + width // 2, 0], &nodes[starts[level] - 1, 0], HASH)
    return 0


cdef int hash_pair(const uint8_t *pair, uint8_t *digest) except -1 nogil:
    """pair: two nodes, one after the other; the digest may take the place of the first."""
    cdef Item both
    both.bytes, both.length = pair, 2 * HASH
    return hash_item(NODE, both, digest)


cdef int hash_item(uint8_t prefix, Item found, uint8_t *digest) except -1 nogil:
    cdef SHA256_CTX ctx
    if sha256_init == NULL:
        with gil:
            hash_by_hashlib(prefix, found, digest)
        return 0
    # These three cannot fail: they return 1 and nothing else.
    sha256_init(&ctx)
    sha256_update(&ctx, &prefix, 1)
    sha256_update(&ctx, found.bytes, found.length)
    sha256_final(digest, &ctx)
    return 0


cdef int hash_by_hashlib(uint8_t prefix, Item found, uint8_t *digest) except -1:
    cdef bytes done = hashlib.sha256(bytes([prefix]) + found.bytes[:found.length]).digest()
    memcpy(digest, <const uint8_t *>done, HASH)
    return 0
