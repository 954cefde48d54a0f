# One claim to its outcome.

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

from grouper_core.program cimport ProgramData

cdef struct Claim:              # ids, principal first
    const uint32_t *dx
    const uint32_t *px
    int64_t n_dx
    int64_t n_px

cdef struct Verdict:
    uint16_t leaf
    uint16_t reason
    uint8_t severity            # SeverityCode

cdef void group_claim(const ProgramData *p, const Claim *claim, const int32_t *const *columns, int64_t row,
                      Verdict *verdict) noexcept nogil
