# Codes of a block of claims as ids.

from libc.stdint cimport int64_t, uint32_t

from grouper_core.arrow cimport CodeSource
from grouper_core.codes cimport CodeTable

cdef enum:
    BLOCK = 256                 # claims whose codes become ids before any is decided
    NORMALISED = 1 << 30        # mark on an id: the spelling was not the listed one
    ID_MASK = (1 << 30) - 1

cdef struct Ids:                # ids of one code list of a block of claims
    uint32_t *id
    int64_t n
    int64_t room
    int64_t start[BLOCK + 1]    # row i has id[start[i]:start[i + 1]]

cdef bint new_ids(Ids *ids) noexcept nogil
cdef bint read_block(const CodeTable *table, const CodeSource *source, int64_t start,
                     int64_t rows, bint keep_first, Ids *ids) noexcept nogil
cdef int64_t read_objects(const CodeTable *table, tuple codes, bint keep_first,
                          uint32_t *out) except -1
