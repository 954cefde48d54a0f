# One compiled scheme as flat arrays. Program checks every offset once; the kernel then trusts them.

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from grouper_core.codes cimport CodeTable

cdef enum:
    MAX_FIELDS = 16         # scalar fields a program may read
    MAX_WORDS = 8           # 64-bit words of literals
    MAX_ROW_WORDS = 64      # 64-bit words of decision rows
    MAX_COUNTERS = 32       # counting slots (trauma sites, "count any_px in S")
    CLASS_ABSENT = 0
    CLASS_UNKNOWN = 1

cdef enum OutcomeCode:
    GROUPED = 0
    AMBIGUOUS = 1
    UNGROUPABLE = 2
    REJECTED = 3
    NOT_IN_FORCE = 4

cdef enum SeverityCode:
    SEVERITY_NULL = 0
    SEVERITY_NONE = 1
    SEVERITY_CC = 2
    SEVERITY_MCC = 3

cdef enum RowKind:
    ROW_RULE = 0            # an ADRG rule: its DRG tests decide
    ROW_FINAL = 1           # an ambiguous row: ends the search with its own leaf
    ROW_DOOR = 2            # an MDC's door: only asked whether it lacks a value
    ROW_HOME = 3            # nothing fitted: names the MDC of the principal diagnosis

cdef enum ClassFlag:            # what a code that is not the principal one can bring
    FLAG_LITERALS = 1
    FLAG_COUNTERS = 2
    FLAG_SEVERITY = 4
    FLAG_UNKNOWN = 8

cdef struct CodeSide:               # everything about one kind of code (diagnoses or procedures)
    CodeTable table
    const uint16_t *classes         # [ids] id -> class; ids 0 and 1 are absent and unknown
    const uint8_t *flags            # [classes] ClassFlag bits; 0 for most
    const uint64_t *rows            # [classes, row_words] rows this class allows as principal
    const uint64_t *literals        # [classes, words] literals this class fulfils somewhere
    const uint64_t *principal       # [words] literals that may be fulfilled by the principal code
    const uint64_t *secondary       # [words] ... by any further code
    const uint32_t *counter_start   # [classes + 1] range in counters: which slots a class feeds
    const uint16_t *counters
    uint32_t n_classes

cdef struct ScalarField:
    int column                      # which of the caller's columns
    int n_bounds
    const int32_t *bounds           # ascending; interval = number of bounds <= value
    const uint64_t *true_bits       # [n_bounds + 3, words]: null, invalid, then the intervals
    const uint64_t *unknown_bits    # likewise: literals whose truth the value leaves open
    int size                        # n_bounds + 3

cdef struct ProgramData:
    int words                       # literal words in use
    int row_words
    int n_rows
    int n_fields                    # the first n_context of them make up the context
    int n_context
    int n_counters                  # counter literals
    int n_slots                     # counting slots
    int n_sites                     # of them, the first n_sites count classes once each (sites)
    bint unmatched_self
    bint retry
    bint repeats                    # a repeated principal code is a secondary one too
    bint reject_missing
    CodeSide dx
    CodeSide px
    const uint32_t *severity        # [dx classes] level << 16 | exclusion table
    const uint16_t *exclusion       # [dx classes] table of the class as principal, 0 = none
    ScalarField fields[MAX_FIELDS]
    const uint64_t *context_true    # [contexts, words] literals of all context fields together
    const uint64_t *context_unknown  # [contexts, words]
    const uint64_t *context_rows    # [contexts, row_words] rows the context does not rule out
    const uint64_t *key_literals    # [words] literals some row cannot do without
    const uint64_t *key_rows        # [words * 64, row_words] rows each key literal opens
    const uint64_t *open_rows       # [row_words] rows that need no key
    const uint64_t *counter_zero    # [words] counter literals that hold when nothing is counted
    const int32_t *counter_table    # [n_counters, 4] slot, op, value, literal
    const uint64_t *exact_rows      # [row_words] rows the masks decide alone
    const uint64_t *fast_rows       # [row_words] rows to look at when no value is missing
    const uint8_t *row_kind         # [n_rows]
    const uint16_t *row_leaf        # [n_rows] leaf of a final or home row, and of an unmatched rule
    const uint32_t *row_terms       # [n_rows + 1] range of terms
    const uint32_t *row_tests       # [n_rows, 2] range of DRG tests
    const uint16_t *test_leaf       # [n_tests]
    const uint32_t *test_terms      # [n_tests + 1]
    const uint64_t *term_true       # [n_terms, words] literals that must hold
    const uint64_t *term_false      # [n_terms, words] literals that must not hold
    int n_stops
    int n_notes
    const uint32_t *check_terms     # [n_stops + n_notes + 1]
    const uint16_t *check_reason    # [n_stops + n_notes]
    const uint64_t *check_filter    # [words] no check can hold while none of these does
    const uint8_t *leaf_outcome     # [n_leaves]
    const uint16_t *leaf_reason     # [n_leaves]
    uint16_t rejected_leaf
    uint16_t ungroupable_leaf
    uint16_t reason_unknown_principal
    uint16_t reason_missing
    uint16_t reason_unknown_dx
    uint16_t reason_unknown_px
    uint16_t reason_normalised
    uint64_t mcc_bit[MAX_WORDS]
    uint64_t cc_bit[MAX_WORDS]


cdef class Program:
    cdef ProgramData data
    cdef dict arrays                # keeps the memory alive
    cdef bint ready                 # every offset has been checked
    cdef readonly int n_leaves
    cdef readonly int n_columns

cdef const ProgramData *checked(Program program) except NULL
