# One compiled catalogue of diagnosis + procedure combinations as flat arrays, checked once.
#
# Groups stand in the order of their codes. A scope is what one diagnosis can reach by one name: its
# subcategory, its category, or the ranges around it; a diagnosis has up to three of them, and no
# group is in two of those. A scope's candidates with terms come first, the bare ones after.

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from grouper_core.codes cimport CodeTable

cdef enum:
    SCOPES = 3              # scopes of a diagnosis; scope 0 is empty
    MAX_KINDS = 32          # kinds of procedures, the weightiest first
    MAX_TYPES = 32          # auxiliary types
    MAX_CONDITIONS = 64
    MAX_TERMS = 64          # terms of a group
    NO_SUBTYPE = 0xFFFF
    NO_TIER = 0xFF
    CLASS_BITS = 16         # of a key: scope << 16 | class of procedures
    MORE_SHIFT = 7          # of an entry: candidate of the scope << 13 | more << 7 | term << 1 | whole code
    LOCAL_SHIFT = 13

cdef enum DiagnosisFlag:
    DX_SECONDARY = 1        # brings conditions or comorbidities where it is a secondary one
    DX_UNKNOWN = 2
    DX_CATEGORY = 4         # stands for its category alone

cdef enum Comparator:
    MOST_TERMS = 0
    ALL_TERMS = 1
    MOST_PROCEDURES = 2
    REPORTED_PRINCIPAL = 3
    LEADING_PRINCIPAL = 4
    FULL_CODE = 5
    HIGHEST_SCORE = 6
    NEAREST_MEAN = 7
    TYPE_ORDER = 8
    N_COMPARATORS = 9

cdef struct CombinationData:
    CodeTable dx
    CodeTable px
    const uint16_t *dx_classes      # [dx ids]
    const uint16_t *px_classes      # [px ids]
    uint32_t n_dx                   # classes
    uint32_t n_px
    const uint8_t *dx_flags         # [dx classes]
    const uint32_t *dx_scopes       # [dx classes, SCOPES]
    const uint32_t *dx_failed       # [dx classes] leaf of a principal diagnosis where no group fits
    const uint16_t *dx_category     # [dx classes] number of the category
    const uint64_t *dx_holds        # [dx classes] conditions it fulfils as secondary diagnosis
    const uint64_t *dx_other        # [dx classes] likewise, if the principal one's category differs
    const uint64_t *dx_comorbid     # [dx classes] comorbidities
    const uint8_t *px_kind          # [px classes]
    uint32_t quiet                  # kinds that do not count as procedures
    uint8_t last_kind               # ruling kind where no procedure counts
    bint highest                    # the weightiest kind rules, not the first procedure's
    bint all_terms                  # every term has to be met, not just the first
    uint32_t n_scopes
    const uint32_t *scope_start     # [n_scopes + 1] range of candidates
    const uint32_t *scope_bare      # [n_scopes] the first candidate without terms
    const uint32_t *cand_group      # [candidates]
    uint32_t max_termed             # most candidates of a scope with terms, and without
    uint32_t max_bare
    uint64_t key_mask               # number of keys - 1, a power of two - 1
    int key_shift
    const uint64_t *keys            # [keys] open addressing; 0 = empty
    const uint32_t *key_start       # [keys + 1] range of entries
    const uint32_t *entries         # ``more``: the term is asked for so many times more, by the terms after
    uint32_t n_groups
    const uint8_t *group_tier
    const uint16_t *group_rank      # place in the type order
    const uint8_t *group_terms      # number of terms
    const uint8_t *group_quiet      # whether no procedure may count
    const uint32_t *group_kinds     # ruling kinds it takes
    const uint64_t *group_conditions  # that all have to hold
    const int64_t *group_score      # scaled, -1 = none
    const int64_t *group_mean       # fen, -1 = none
    const uint32_t *group_leaf      # leaf where no subtype applies
    const uint16_t *group_note      # reason of that, 0 for none
    const uint32_t *group_subtypes  # [n_groups + 1] range of subtypes, the best score first
    const uint8_t *sub_type         # [subtypes]
    const uint16_t *sub_class       # [subtypes]
    const uint32_t *sub_leaf        # [subtypes]
    const uint32_t *type_start      # [types + 1] range of auxiliary classes, in the order asked
    const uint64_t *class_conditions
    const uint16_t *class_subtype
    int n_comorbidities
    const int32_t *weights          # [comorbidities]
    const uint64_t *replaced        # [comorbidities] comorbidities that one of them replaces
    int n_cci
    const int64_t *cci_bounds       # [n_cci, 2] index >= first and < second
    const uint8_t *cci_bit
    int n_costs
    const uint8_t *cost_bit         # [n_costs]
    const int64_t *cost_least       # [n_groups, n_costs] least cost in fen, -1 = no mean
    uint64_t costs                  # the conditions that ask for a cost
    uint64_t outer                  # the conditions that the caller answers
    int n_comparators
    const uint8_t *comparators
    uint32_t missing_leaf           # a group would fit, were an untold condition true
    const uint16_t *leaf_reason     # [leaves] 0 = grouped
    uint16_t reason_cost
    uint16_t reason_untold
    uint16_t reason_costless
    uint16_t reason_open
    uint16_t reason_unknown_dx
    uint16_t reason_unknown_px
    uint16_t reason_category
    uint16_t reason_normalised


cdef inline uint64_t key_slot(const CombinationData *p, uint64_t key) noexcept nogil:
    return (key * <uint64_t>0x9E3779B97F4A7C15) >> p.key_shift


cdef class CombinationProgram:
    cdef CombinationData data
    cdef dict arrays                # keeps the memory alive
    cdef bint ready                 # every offset has been checked
    cdef readonly int n_leaves

cdef const CombinationData *checked(CombinationProgram program) except NULL
