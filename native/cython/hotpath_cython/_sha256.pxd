"""SHA-256 of the libcrypto that CPython's own `_hashlib` has loaded.

Its functions are found by address when the package is imported, so neither its headers
nor its file need be there when the package is built.
"""

cdef extern from *:
    """
    #include <stdint.h>

    /* OpenSSL's SHA256_CTX. Its callers allocate it, so that its layout is part of the
       ABI: the same since 0.9.8, and in LibreSSL, BoringSSL and AWS-LC. */
    typedef struct {
        uint32_t h[8];
        uint32_t bits_low, bits_high;
        uint32_t data[16];
        unsigned int num, md_len;
    } hotpath_sha256_ctx;

    _Static_assert(sizeof(hotpath_sha256_ctx) == 112, "not the layout of SHA256_CTX");
    """
    ctypedef struct SHA256_CTX "hotpath_sha256_ctx":
        pass

ctypedef int (*Init)(SHA256_CTX *) noexcept nogil
ctypedef int (*Update)(SHA256_CTX *, const void *, size_t) noexcept nogil
ctypedef int (*Final)(unsigned char *, SHA256_CTX *) noexcept nogil
