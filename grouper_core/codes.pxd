# Code text -> id by a perfect hash whose id is the slot (plus two reserved ids).
# Lookups are inline here because the batch loops live in other modules.

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #include <stdint.h>
    #if defined(_MSC_VER) && defined(_M_X64)
    #include <intrin.h>
    static inline uint64_t drg_mul_hi(uint64_t a, uint64_t b, uint64_t *lo) {
        uint64_t hi; *lo = _umul128(a, b, &hi); return hi;
    }
    #else
    static inline uint64_t drg_mul_hi(uint64_t a, uint64_t b, uint64_t *lo) {
        unsigned __int128 r = (unsigned __int128)a * b; *lo = (uint64_t)r;
        return (uint64_t)(r >> 64);
    }
    #endif
    static inline uint64_t drg_mix(uint64_t a, uint64_t b) {
        uint64_t lo; uint64_t hi = drg_mul_hi(a, b, &lo); return lo ^ hi;
    }
    """
    uint64_t drg_mix(uint64_t a, uint64_t b) noexcept nogil

cdef enum:
    ABSENT = 0              # id of an empty entry
    UNKNOWN = 1             # id of a code that the table does not hold
    FIRST_ID = 2            # id of slot 0
    MAX_CODE_BYTES = 24     # longer text is never a code

cdef struct HashTable:
    const uint64_t *keys        # [slots] hash of the code in each slot, 0 = empty slot
    const uint16_t *shifts      # [buckets] displacement of each bucket
    uint64_t slots
    uint64_t buckets

cdef struct CodeTable:          # the codes of one kind that a program knows
    HashTable exact             # spelling as listed
    HashTable alias             # folded spelling -> alias_ids
    const uint32_t *alias_ids   # [alias slots] id each folded spelling stands for
    uint32_t n_ids              # ids 0 and 1 are absent and unknown
    bint normalise              # harmless spellings are read; else only the listed one

cdef struct Key:                # up to 24 bytes of text, zero padded
    uint64_t a
    uint64_t b
    uint64_t c
    uint64_t size


cdef inline uint64_t hash_key(Key key) noexcept nogil:
    """64-bit hash; a code of up to 16 bytes costs one multiplication."""
    cdef uint64_t h = drg_mix(
        key.a ^ <uint64_t>0xA0761D6478BD642F, key.b ^ (key.size << 56) ^ <uint64_t>0xE7037ED1A0B428DB
    )
    if key.c != 0:
        h = drg_mix(h ^ key.c, <uint64_t>0x8EBC6AF09C88C6E3)
    return h if h != 0 else 1


cdef inline uint64_t bucket_of(const HashTable *table, uint64_t h) noexcept nogil:
    return ((h >> 32) * table.buckets) >> 32


cdef inline uint64_t slot_of(const HashTable *table, uint64_t h) noexcept nogil:
    cdef uint32_t x = <uint32_t>h ^ (table.shifts[bucket_of(table, h)] * <uint32_t>0x9E3779B1)
    return (<uint64_t>(x * <uint32_t>0x85EBCA6B) * table.slots) >> 32


cdef inline int64_t find_slot(const HashTable *table, uint64_t h) noexcept nogil:
    """Slot of a hash, or -1. The 64-bit hash stands for the code (checked unique at build)."""
    cdef uint64_t slot = slot_of(table, h)
    return <int64_t>slot if table.keys[slot] == h else -1


cdef inline Key key_of_text(const uint8_t *text, int64_t size) noexcept nogil:
    """Key of 1 to 24 bytes, reading no byte outside the text."""
    cdef Key key
    cdef uint32_t low = 0, high = 0
    key.a = 0
    key.b = 0
    key.c = 0
    key.size = <uint64_t>size
    if size >= 8:
        memcpy(&key.a, text, 8)
        if size > 16:
            memcpy(&key.b, text + 8, 8)
            memcpy(&key.c, text + size - 8, 8)
            key.c >>= 8 * (24 - size)
        elif size > 8:
            memcpy(&key.b, text + size - 8, 8)
            key.b >>= 8 * (16 - size)
    elif size >= 4:
        memcpy(&low, text, 4)
        memcpy(&high, text + size - 4, 4)
        high = <uint32_t>(<uint64_t>high >> (8 * (8 - size)))
        key.a = (<uint64_t>high << 32) | low
    else:
        memcpy(&key.a, text, size)
    return key


cdef int64_t fold_text(const uint8_t *text, int64_t size, uint8_t *out) noexcept nogil
