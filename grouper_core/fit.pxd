# One claim to its group.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from grouper_core.combinations cimport CombinationData
from grouper_core.evaluate cimport Claim

cdef struct Hit:            # what a claim's procedures say of one candidate with terms
    uint64_t claim          # of this claim, if the number is the present one's
    uint64_t met            # terms
    uint64_t whole          # terms met by a whole code
    uint32_t group
    uint32_t procedures     # distinct procedures among its terms
    uint32_t last           # place + 1 of the procedure counted last
    uint8_t terms           # number of met terms
    uint8_t wholes
    bint reported           # the principal procedure is among its terms
    bint leading            # ... and in the first of them

cdef struct Fit:
    uint32_t group
    const Hit *hit

cdef struct Workspace:
    Hit *hits               # [SCOPES, max_termed]
    uint32_t *touched       # hits of this claim
    Fit *fits
    uint64_t claim          # number of the present claim, from 1
    Hit none

cdef struct Match:
    uint32_t leaf
    uint16_t reason
    uint8_t decided

cdef bint new_workspace(const CombinationData *p, Workspace *w) noexcept nogil
cdef void free_workspace(Workspace *w) noexcept nogil
cdef void match_claim(const CombinationData *p, Workspace *w, const Claim *claim, int64_t cost, uint64_t holds,
                      uint64_t open, Match *match) noexcept nogil
