# Bit tricks shared by the loops; words are little-endian, as Arrow's are.

from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #include <stdint.h>
    #if defined(_MSC_VER)
    #include <intrin.h>
    static __inline int drg_lowest(uint64_t x) { unsigned long i; _BitScanForward64(&i, x); return (int)i; }
    #else
    static inline int drg_lowest(uint64_t x) { return __builtin_ctzll(x); }
    #endif
    """
    int lowest_bit "drg_lowest"(uint64_t x) noexcept nogil


cdef inline uint64_t bytes_equal(uint64_t word, uint64_t pattern) noexcept nogil:
    """High bit of each byte that equals the pattern's, exact up to the lowest one set."""
    word ^= pattern
    return (word - <uint64_t>0x0101010101010101) & ~word & <uint64_t>0x8080808080808080


cdef inline uint64_t low_bytes(uint64_t word, uint64_t n) noexcept nogil:
    """The word with only its first n bytes kept, n from 0 to 8."""
    return word & ((<uint64_t>1 << (8 * n)) - 1) if n < 8 else word


cdef inline const uint8_t *find_byte(const uint8_t *text, const uint8_t *end, uint8_t wanted) noexcept nogil:
    """First place of a byte, or the end; eight bytes at a step."""
    cdef uint64_t word
    cdef uint64_t pattern = <uint64_t>0x0101010101010101 * wanted
    while end - text >= 8:
        memcpy(&word, text, 8)
        word = bytes_equal(word, pattern)
        if word != 0:
            return text + (lowest_bit(word) >> 3)
        text += 8
    while text < end and text[0] != wanted:
        text += 1
    return text
